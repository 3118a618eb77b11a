"""The figures of tools/report.py: matplotlib drawings as SVG that a page styles, prints and shrinks.

    from tools import report_figures as draw
    draw.svg("key", "what it shows", 2.6, draw.lines, x, {"row": y}, "rows", "R²")

Every figure is as wide as a phone, so that a page can put one, two or three beside each other and
the labels stay legible. Text stays text. The colours below are those of a light page; in SVG they
become the page's own variables, so that a dark page needs no second drawing. Clouds of dots are
pictures with a palette inside the SVG: 49 × 2 × 1,344 dots as shapes would be 20 MB.
"""

import base64
import io
import re

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from PIL import Image

WIDTH = 4.8  # inches: 345.6 units, about the pixels that a phone has for a figure
DPI = 160  # of dots: two pixels for each of a phone's
PALETTE = 48  # colours of a cloud of dots
INK, MUTED, GRID = "#1b2430", "#5c6773", "#dde2e8"  # text; labels and axes; lines behind the data
SERIES = ("#0067a6", "#c2500a", "#7a6a00", "#8f3f7f")  # by row, by site, and two more; after Okabe & Ito
BAND = "#93a1b1"  # a range behind a line
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", BAND: "band"}
VARIABLES |= {colour: f"series{place}" for place, colour in enumerate(SERIES)}
# Okabe & Ito (2008), told apart by the colour-blind; without black and yellow, which one page or the other hides.
FEW_SITES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
MANY_SITES = ("viridis", 0.12, 0.82)  # of more sites; the ends would vanish on a dark or a light page
STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a target's name may hold a $
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.5,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
}
FULL = 1.5  # standard deviations, where the colours of `heat` end
HIGH, LOW = to_rgba("#d55e00"), to_rgba("#0072b2")  # predicted too much, too little


# --- from matplotlib to a page ------------------------------------------------------


def svg(key, alt, height, draw, *arguments, **options):
    """Call `draw(figure, ...)` and return the figure as SVG to be put into an HTML page.

    Parameters
    ----------
    key : str
        Unique on the page: its ids are made from it.
    alt : str
        For who cannot see the figure.
    height : float
        Inches.
    draw : callable
        One of the functions below.
    """
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": key}):
        figure = Figure((WIDTH, height), dpi=DPI, layout="constrained")
        figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03)
        draw(figure, *arguments, **options)
        buffer = io.StringIO()
        nothing = dict.fromkeys(["Creator", "Date", "Format", "Type"])
        FigureCanvasSVG(figure).print_svg(buffer, metadata=nothing)  # savefig draws everything twice
    return for_page(buffer.getvalue(), alt)


def for_page(text, alt):
    """SVG as matplotlib writes it, with the page's font and colours, few digits and no idle ids."""
    text = text[text.index("<svg") :]
    head = re.search(r'viewBox="([^"]+)"', text).group(1)
    label = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    text = re.sub(r"<svg[^>]*>", f'<svg viewBox="{head}" role="img" aria-label="{label}">', text, count=1)
    text = re.sub(r"<!--.*?-->\s*|<style.*?</style>", "", text, flags=re.S)  # a style would be the page's
    text = re.sub(r' id="[\w.]+_\d+"', "", text)
    text = re.sub(r"font-family: [^;\"]+; ?", "", text)  # the page's
    text = re.sub(r"font: ([\d.]+px) [^;\"]+", r"font-size: \1", text)  # as matplotlib before 3.11 writes it
    text = re.sub(r"(data:image/png;base64,)([\w+/=\s]+)", lambda found: found[1] + fewer(found[2]), text)
    text = re.sub(r"-?\d+\.\d{3,}(?=[^\w])", lambda number: f"{float(number[0]):.2f}", text)
    for colour, name in VARIABLES.items():
        text = text.replace(colour, f"var(--{name})")
    return re.sub(r"\n\s*", "\n", text)


def fewer(png):
    """A PNG, in base64, with a palette: a fifth of the bytes."""
    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    buffer = io.BytesIO()
    picture.quantize(PALETTE, Image.Quantize.FASTOCTREE).save(buffer, "png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def site_colours(sites):
    """The colours of sites: one each of a few, a scale in the order given of many.

    Parameters
    ----------
    sites : ndarray of shape (n_sites,)
        Each once.

    Returns
    -------
    ndarray of shape (n_sites, 4)
    """
    if len(sites) <= len(FEW_SITES):
        return np.array([to_rgba(colour) for colour in FEW_SITES[: len(sites)]])
    name, low, high = MANY_SITES
    return matplotlib.colormaps[name](np.linspace(low, high, len(sites)))


def short(value, _=None):
    """A number of an axis in few characters: 25k, 1.2M, 0.004."""
    for limit, suffix in ((1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / limit * (10 if suffix == 'k' else 1):.3g}{suffix}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−")


def power(value, _=None):
    """A power of ten: 10⁻⁵."""
    return "10" + f"{np.log10(value):.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def numbers(axis, most=4):
    """Few round numbers on an axis, in few characters."""
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(short))


def fixed(figure, left, bottom, *, top=0.98, **others):
    """Where the panels lie, the same in every figure of a kind; finding it anew takes half the time."""
    figure.set_layout_engine("none")
    return {"left": left, "bottom": bottom, "top": top, "right": 0.985, "wspace": 0.08, **others}


def spectral(axes, wavenumbers, numbered):
    """The horizontal axis of spectra; wavenumbers fall from left to right, channel numbers rise."""
    low, high = wavenumbers.min(), wavenumbers.max()
    axes.set_xlim(*((high, low) if numbered else (low, high)))
    axes.set_xlabel("wavenumber, cm⁻¹" if numbered else "channel number")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


# --- kinds of figures ---------------------------------------------------------------


def rows(figure, names, series, xlabel, *, halves=None, limits=None, log=False, marks=(), legend=True):
    """One line a name, one dot a series: what is compared stands on one line.

    Parameters
    ----------
    names : list of str, (n,)
    series : dict of str to ndarray of shape (n,)
    xlabel : str
    halves : dict of str to ndarray of shape (n,), optional
        Half an interval, drawn as a bar.
    limits : (float, float), optional
        Of the axis; a dot beyond them becomes an arrow at its edge.
    log : bool
    marks : sequence of float
        Lines to compare with.
    """
    axes, y = figure.subplots(), np.arange(len(names))
    values = np.array(list(series.values()))
    low, high = limits or (np.nanmin(values), np.nanmax(values))
    if log:
        axes.set(xscale="log", xlim=(low / 3, high * 3))
    for at in marks:
        axes.axvline(at, color=MUTED, lw=0.8, ls=(0, (3, 3)))
    shown = np.clip(values, low, high)
    if len(shown) > 1:
        axes.hlines(y, np.nanmin(shown, axis=0), np.nanmax(shown, axis=0), color=BAND, lw=1.6, alpha=0.6)
    for place, (name, value) in enumerate(series.items()):
        colour, inside = SERIES[place], (value >= low) & (value <= high)
        half = (halves or {}).get(name)
        if half is not None:
            axes.errorbar(
                value[inside], y[inside], xerr=np.nan_to_num(half[inside]), fmt="none", ecolor=colour, lw=1
            )
        marker = "os^D"[place]
        axes.plot(value[inside], y[inside], marker, color=colour, ms=4.2, label=name, zorder=3, mew=0)
        if not inside.all():  # an empty line that may leave the axes would make room for itself
            at = np.clip(value[~inside], low, high), y[~inside]
            axes.plot(*at, "<", color=colour, ms=5, clip_on=False, mew=0)
    axes.set_yticks(y, names, color=INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(xlabel)
    if limits and not log:
        room = 0.02 * (high - low)
        axes.set_xlim(low - room, high + room)
        numbers(axes.xaxis, 5)
    if legend and len(series) > 1:
        figure.legend(loc="outside upper left", ncols=2, frameon=False, handletextpad=0.2)


def rows_height(n):
    """Inches that `rows` needs for n lines."""
    return 0.75 + 0.19 * n


def alphas(figure, names, series, grid, **options):
    """`rows` of alphas, with the grid that they were chosen from along the top and its edges dashed."""
    edges = grid.min(), grid.max()
    rows(figure, names, series, "α", log=True, limits=edges, marks=edges, **options)
    (axes,) = figure.axes
    axes.xaxis.set_major_locator(LogLocator(10, numticks=6))
    axes.xaxis.set_major_formatter(FuncFormatter(power))
    axes.xaxis.set_minor_locator(NullLocator())
    top = axes.get_xaxis_transform()
    axes.plot(grid, np.ones(len(grid)), "|", color=MUTED, ms=4, mew=0.6, clip_on=False, transform=top)


def scatter(axes, measured, predicted, colours):
    """Predicted against measured, with the line on which they are the same."""
    known = np.flatnonzero(~np.isnan(measured))
    known = np.random.default_rng(0).permutation(known)  # else the last site would cover the others
    both = np.concatenate([measured[known], predicted[known]])
    room = 0.04 * (np.ptp(both) or 1)
    low, high = both.min() - room, both.max() + room
    size = np.clip(2500 / len(known), 5, 18)
    axes.scatter(
        measured[known], predicted[known], s=size, c=colours[known], alpha=0.75, lw=0, rasterized=True
    )
    axes.axline((low, low), slope=1, color=INK, lw=0.8)
    axes.set(xlim=(low, high), ylim=(low, high))
    numbers(axes.xaxis, 3)
    numbers(axes.yaxis, 3)
    axes.set_xlabel("measured")


def scatters(figure, measured, panels, colours):
    """`scatter` for each of `panels`, {title: predicted}, side by side on the same scale."""
    place = fixed(figure, 0.15, 0.2, top=0.91)
    all_axes = figure.subplots(1, max(2, len(panels)), sharex=True, sharey=True, gridspec_kw=place)
    for axes, (title, predicted) in zip(all_axes, panels.items(), strict=False):
        scatter(axes, measured, predicted, colours)
        axes.set_title(title, loc="left", pad=3)
    for axes in all_axes[len(panels) :]:
        axes.set_visible(False)
    low = min(axes.get_xlim()[0] for axes in all_axes[: len(panels)])
    high = max(axes.get_xlim()[1] for axes in all_axes[: len(panels)])
    all_axes[0].set(xlim=(low, high), ylim=(low, high), ylabel="predicted")


def residuals(figure, error, depth, site, colours, site_colour, sites):
    """Errors of one target against depth and against site; either may be None.

    Parameters
    ----------
    error : ndarray of shape (n_rows,)
        Predicted less measured, in standard deviations of the target; NaN without an assay.
    depth, site : ndarray of shape (n_rows,) or None
        Depths; numbers of sites from 0.
    colours, site_colour : ndarray of shape (n_rows, 4), (n_sites, 4)
    sites : list
        Names, told where they are few.
    """
    panels = [name for name, there in (("depth", depth), ("site", site)) if there is not None]
    all_axes = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    room = 0.05 * (np.nanmax(error) - np.nanmin(error) or 1)
    for axes, name in zip(all_axes, panels, strict=True):
        axes.axhline(0, color=INK, lw=0.8)
        if name == "depth":
            against_depth(axes, error, depth, colours)
        else:
            against_site(axes, error, site, site_colour, sites)
        axes.set(xlabel=name, ylim=(np.nanmin(error) - room, np.nanmax(error) + room))
    all_axes[0].set_ylabel("error, SD")
    numbers(all_axes[0].yaxis, 5)


def against_depth(axes, error, depth, colours):
    """Errors as dots, and the median of each tenth of the rows."""
    known = np.flatnonzero(~np.isnan(error) & ~np.isnan(depth))
    known = known[np.argsort(depth[known], kind="stable")]
    size = np.clip(2500 / max(1, len(known)), 5, 14)
    axes.scatter(depth[known], error[known], s=size, c=colours[known], alpha=0.6, lw=0, rasterized=True)
    parts = [part for part in np.array_split(known, 10) if len(part)]
    middle = [[np.median(values[part]) for part in parts] for values in (depth, error)]
    axes.plot(*middle, color=INK, lw=1.4)
    numbers(axes.xaxis)


def against_site(axes, error, site, site_colour, sites):
    """Of each site the middle half of its errors, 9 of 10, and the median."""
    known = ~np.isnan(error)
    for place, colour in enumerate(site_colour):
        values = error[known & (site == place)]
        if len(values):
            low, quarter, middle, three, high = np.percentile(values, [5, 25, 50, 75, 95])
            axes.plot([place, place], [low, high], color=colour, lw=1)
            axes.plot([place, place], [quarter, three], color=colour, lw=3.4, solid_capstyle="butt")
            axes.plot(place, middle, "o", color=INK, ms=2.4, mew=0)
    few = len(sites) <= len(FEW_SITES)
    axes.set_xticks(range(len(sites)) if few else [], list(sites) if few else [])
    axes.set_xlim(-0.7, len(site_colour) - 0.3)


def heat(figure, values, names, sites):
    """Mean error of each target at each site: orange too much, blue too little, nothing where right.

    Parameters
    ----------
    values : ndarray of shape (n_targets, n_sites)
        In standard deviations of the target.
    """
    axes = figure.subplots()
    strength = np.clip(np.nan_to_num(np.abs(values)) / FULL, 0, 1)
    picture = np.where(values[..., None] > 0, HIGH, LOW)
    picture[..., 3] = strength
    axes.imshow(picture, aspect="auto", interpolation="nearest")
    axes.set_yticks(np.arange(len(names)), names, color=INK, fontsize=8.5)
    step = -(-len(sites) // 26)
    turned = max(len(str(site)) for site in sites) > 2 or len(sites) > 18
    axes.set_xticks(
        np.arange(0, len(sites), step), sites[::step], rotation=90 if turned else 0, fontsize=8.5, color=INK
    )
    axes.tick_params(length=0)
    axes.set_xlabel("site")


def strips(figure, top, bottom, site, sites, site_colour):
    """Where the samples lie: from `top` to `bottom` down each site, both (n_rows,)."""
    axes = figure.subplots()
    if (top == bottom).all():
        axes.scatter(site, top, s=26, marker="_", c=site_colour[site], lw=1, rasterized=True)
    else:
        axes.vlines(site, top, bottom, color=site_colour[site], lw=5, rasterized=True)
    axes.invert_yaxis()
    step = -(-len(sites) // 26)
    axes.set_xticks(np.arange(0, len(sites), step), sites[::step], rotation=90 if len(sites) > 12 else 0)
    axes.set(xlabel="site", ylabel="depth, as in the file", xlim=(-0.8, len(sites) - 0.2))
    numbers(axes.yaxis, 6)


def coefficients(figure, wavenumbers, values, pattern, numbered, lanes):
    """Coefficients and what goes along with them over the wavenumbers, known bands as ticks above.

    Parameters
    ----------
    wavenumbers, values, pattern : ndarray of shape (n_features,)
    numbered : bool
        Whether the channels are named by wavenumber; bands are marked only then.
    lanes : dict of str to ndarray
        Positions of the bands of each kind.
    """
    kinds = lanes if numbered else {}
    heights = [0.15 * len(kinds) + 0.01, 1, 1]
    place = fixed(figure, 0.17, 0.15 if numbered else 0.19, hspace=0.15)
    above, *others = figure.subplots(3, 1, sharex=True, height_ratios=heights, gridspec_kw=place)
    named = ("correlation", pattern), ("coefficient", values)
    for place, (axes, (name, line)) in enumerate(zip(others, named, strict=True)):
        axes.axhline(0, color=MUTED, lw=0.7)
        axes.fill_between(wavenumbers, 0, line, color=SERIES[1 - place], alpha=0.25, lw=0)
        axes.plot(wavenumbers, line, color=SERIES[1 - place], lw=1)
        numbers(axes.yaxis, 3)
        axes.set_ylabel(name)
        axes.yaxis.set_label_coords(-0.135, 0.5)
        axes.tick_params(labelbottom=place == 1)
    spectral(others[1], wavenumbers, numbered)
    above.set_axis_off()
    for place, (name, at) in enumerate(kinds.items()):
        at = at[(at >= wavenumbers.min()) & (at <= wavenumbers.max())]
        above.plot(at, np.full(len(at), place), "|", color=INK, ms=6, mew=0.9)
        above.annotate(name, (0, place), xycoords=("axes fraction", "data"), xytext=(-4, 0), fontsize=8.5,
                       textcoords="offset points", ha="right", va="center", color=MUTED)  # fmt: skip
        above.axhline(place, color=GRID, lw=0.6, zorder=0)
    above.set_ylim(len(kinds) - 0.4, -0.6)


def known_bands(figure, bands, wavenumbers):
    """Where the bands of each mineral lie; strong ones tall. `bands` is bands.csv's table."""
    axes = figure.subplots()
    names = list(dict.fromkeys(bands["mineral"]))
    place = bands["mineral"].map(names.index).to_numpy()
    half = 0.14 + 0.3 * np.clip(bands["strength"].to_numpy(), 0.05, 1)
    axes.vlines(bands["centre_cm1"], place - half, place + half, color=SERIES[0], lw=1.3)
    axes.set_yticks(np.arange(len(names)), names, color=INK, fontsize=8.5)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    spectral(axes, wavenumbers, True)


def flags(figure, panels, colours):
    """Leverage and residual of each spectrum in units of their limits; beyond the lines it is flagged.

    Parameters
    ----------
    panels : dict of str to (ndarray of shape (n_rows,), ndarray of shape (n_rows,))
        Leverage and residual, by title.
    colours : ndarray of shape (n_rows, 4)
    """
    all_axes = np.atleast_1d(figure.subplots(1, len(panels), sharex=True, sharey=True))
    size = np.clip(2500 / len(colours), 5, 18)
    for axes, (title, (leverage, residual)) in zip(all_axes, panels.items(), strict=True):
        axes.set(xscale="log", yscale="log", xlabel="leverage / limit")
        axes.scatter(leverage, residual, s=size, c=colours, alpha=0.75, lw=0, rasterized=True)
        axes.axvline(1, color=INK, lw=0.8)
        axes.axhline(1, color=INK, lw=0.8)
        axes.set_title(title, loc="left", pad=3)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(10, numticks=5))
            axis.set_major_formatter(FuncFormatter(short))
            axis.set_minor_locator(NullLocator())
    every = [np.concatenate(each) for each in zip(*panels.values(), strict=True)]
    for place, values in enumerate(every):  # a decade at least, so that there is a number on the axis
        low, high = min(values.min() / 1.3, 0.09), max(values.max() * 1.3, 1.8)
        (all_axes[0].set_ylim if place else all_axes[0].set_xlim)(low, high)
    all_axes[0].set_ylabel("residual / limit")


def lines(figure, curves, xlabel, ylabel):
    """Lines with dots; `curves` is {name: (x, y)}."""
    axes = figure.subplots()
    for place, (name, (x, y)) in enumerate(curves.items()):
        axes.plot(x, y, color=SERIES[place], marker="os^D"[place], ms=4.5, lw=1.4, mew=0, label=name)
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, None))
    numbers(axes.xaxis, 5)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    if len(curves) > 1:
        figure.legend(loc="outside upper left", ncols=2, frameon=False, handletextpad=0.4)


def spectrum(axes, wavenumbers, band, one, numbered):
    """A spectrum over the middle 90 % of all and their median; `band` is (3, n_features)."""
    low, middle, high = band
    axes.fill_between(wavenumbers, low, high, color=BAND, alpha=0.35, lw=0, label="9 of 10 spectra")
    axes.plot(wavenumbers, middle, color=MUTED, lw=1, label="median")
    if one is not None:
        axes.plot(wavenumbers, one, color=SERIES[1], lw=1.2, label="this one")
    axes.set_ylabel("scaled spectrum")
    spectral(axes, wavenumbers, numbered)


def one_spectrum(figure, *arguments):
    """`spectrum` alone."""
    spectrum(figure.subplots(), *arguments)
    figure.legend(loc="outside upper left", ncols=3, frameon=False, handlelength=1.2, columnspacing=1)


# --- the picture of a README --------------------------------------------------------


def overview(wavenumbers, spectra, numbered, panels, colours, source):
    """Spectra in, concentrations of sites never seen out; a matplotlib Figure.

    Parameters
    ----------
    wavenumbers : ndarray of shape (n_features,)
    spectra : ndarray of shape (n_shown, n_features)
        Scaled.
    numbered : bool
    panels : dict of str to (measured, predicted)
        Two, by title.
    colours : ndarray of shape (n_rows, 4)
    source : str
        Where the spectra come from, in small letters.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure((12, 3.9), layout="constrained", facecolor="white")
        first, *others = figure.subplots(1, 1 + len(panels), width_ratios=[1.5, *[1] * len(panels)])
        for place, one in enumerate(spectra):
            first.plot(wavenumbers, one, lw=1, color=FEW_SITES[place % len(FEW_SITES)])
        first.set(title="in: spectra, scaled and summed", ylabel="scaled spectrum")
        spectral(first, wavenumbers, numbered)
        for axes, (title, (measured, predicted)) in zip(others, panels.items(), strict=True):
            scatter(axes, measured, predicted, colours)
            axes.set(ylabel="predicted", title=title)
        figure.suptitle(source, fontsize=9, color=MUTED, x=0.01, ha="left")
    return figure
