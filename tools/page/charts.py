"""Charts of spectra over the training band, and of where they are unlike it."""

import altair as alt
import numpy as np
import pandas as pd

COLOURS = {"inside": "#2b83ba", "extrapolating": "#b8860b", "unlike": "#d9480f"}  # seen on light and dark
BAND = "#93a1b1"  # as tools.report has it
HEIGHTS = 320, 150  # pixels
LEFT = 34  # pixels of the numbers beside both charts, which then have one horizontal axis


def long_frame(axis, names, verdicts, spectra, ratios):
    """A line a spectrum and feature."""
    n, p = spectra.shape
    return pd.DataFrame(
        {
            "sample": np.repeat(names, p),
            "verdict": np.repeat(verdicts, p),
            "at": np.tile(axis, n),
            "value": spectra.ravel(),
            "ratio": ratios.ravel(),
        }
    )


def horizontal(scale):
    """The axis of a Scale: wavenumbers fall from left to right."""
    title = "wavenumber, cm⁻¹" if scale.numbered else "channel"
    low, high = float(scale.axis.min()), float(scale.axis.max())
    domain = alt.Scale(domain=[high, low] if scale.numbered else [low, high], nice=False)
    return alt.X("at:Q", title=title, scale=domain, axis=alt.Axis(format="d", grid=False, tickCount=8))


def colour(frame, legend):
    """Of a verdict, of those that occur."""
    some = {verdict: each for verdict, each in COLOURS.items() if (frame["verdict"] == verdict).any()}
    scale = alt.Scale(domain=list(some), range=list(some.values()))
    return alt.Color(
        "verdict:N", scale=scale, legend=alt.Legend(orient="top", title=None) if legend else None
    )


def lines_of(frame, x, y, legend):
    """A line a spectrum, in the colour of its verdict."""
    told = alt.Tooltip("ratio:Q", title="residual / limit", format=".2f")
    tips = ["sample:N", alt.Tooltip("at:Q", title="at", format=".1f"), told]
    chart = alt.Chart(frame).mark_line(strokeWidth=1.3, opacity=0.85)
    return chart.encode(x=x, y=y, color=colour(frame, legend), detail="sample:N", tooltip=tips)


def spectra_chart(scale, band, frame):
    """Spectra over the training's band (3, n_features), low, mean and high; places that are unlike the training have a dot."""
    x = horizontal(scale)
    table = pd.DataFrame({"at": scale.axis, **dict(zip(("low", "mean", "high"), band, strict=True))})
    behind = alt.Chart(table).encode(x=x)
    y = alt.Y("low:Q", title="scaled spectrum", scale=alt.Scale(zero=False), axis=alt.Axis(minExtent=LEFT))
    area = behind.mark_area(color=BAND, opacity=0.35).encode(y=y, y2="high:Q")
    mean = behind.mark_line(color=BAND, strokeWidth=1.5).encode(y="mean:Q")
    layers, out = [area, mean, lines_of(frame, x, "value:Q", True)], frame[frame["ratio"] > 1]
    if len(out):
        dots = alt.Chart(out).mark_circle(size=28, color=COLOURS["unlike"], opacity=1)
        layers.append(dots.encode(x=x, y="value:Q"))
    return alt.layer(*layers).properties(height=HEIGHTS[0])


def unlike_chart(scale, frame):
    """What the training spectra leave unexplained of each spectrum, in units of the limit."""
    y = alt.Y(
        "ratio:Q", title="residual", scale=alt.Scale(domainMin=0), axis=alt.Axis(tickCount=4, minExtent=LEFT)
    )
    rule = alt.Chart(pd.DataFrame({"y": [1.0]})).mark_rule(strokeDash=[4, 3], color=BAND).encode(y="y:Q")
    return alt.layer(rule, lines_of(frame, horizontal(scale), y, False)).properties(height=HEIGHTS[1])
