"""The page of the control charts, in the look of the report's."""

from datetime import date
from pathlib import Path
from typing import NamedTuple

import jinja2
import numpy as np

from tools.monitor.alarms import called, excess, in_unit
from tools.monitor.figures import chart_figure, height_of
from tools.monitor.measuring import MEDIANS
from tools.report.figures.svg import svg
from tools.report.words import plain

TEMPLATE, LOOK = "page.html.j2", "look.css"
WIDTH = 342  # pixels, of a chart
DRAWN = {"prediction": 3, "bias": 3, "slope": 1, "outside": 1}  # targets on the page, the furthest out
HERE = Path(__file__).parent


class Figure(NamedTuple):
    """One chart on the page."""

    title: str
    caption: str
    svg: str


def report_style():
    """The style sheet of the report's page, so that both look alike."""
    return (HERE.parent / "report" / LOOK).read_text(encoding="utf-8")


def drawn_charts(charts):
    """Yield (chart, place of the target) of those that are drawn, of each chart the furthest out."""
    for chart in charts:
        far = np.maximum(*excess(chart)).max(axis=0)
        for k in np.argsort(-far, kind="stable")[: DRAWN.get(chart.name, 1)]:
            yield chart, int(k)


def caption_of(chart, k):
    """What a chart shows, in words: the first crossing, or that there is none."""
    if np.isnan(chart.upper[:, k]).all():
        unit = "In units of the model's limit. " if chart.name in MEDIANS else ""
        return f"{unit}No control limits without a reference."
    places = np.flatnonzero(chart.crossed[:, k])
    if len(places):
        first = places[0]
        value = chart.value[first, k]
        side = chart.lower if value < chart.lower[first, k] else chart.upper
        found, limit = (plain(in_unit(chart, each)[first, k]) for each in (chart.value, side))
        return f"Crossed first in batch {first + 1}: {found}, limit {limit}."
    drifts = np.flatnonzero(chart.drifted[:, k])
    return f"The EWMA crosses first in batch {drifts[0] + 1}: it drifts." if len(drifts) else "Within limits."


def figures_of(charts):
    """The Figures of all charts that are drawn."""
    for place, (chart, k) in enumerate(drawn_charts(charts)):
        title, caption = called(chart, k, False), caption_of(chart, k)
        size = WIDTH, height_of(chart, k)
        drawn = svg(f"chart{place}", f"{title}: {caption}", size, chart_figure, chart, k)
        yield Figure(title, caption, drawn)


def page(charts, header, rows, *, name, trained, told, alarm, command, synthetic=False):
    """The page, as HTML.

    Parameters
    ----------
    charts : list of Chart
    header, rows : list of str, list of lists of str
        The table of batches, the first cell its name.
    name, trained : str
        Of the model, and what it was trained on.
    told : str
        What the limits rest on.
    alarm : str or None
        The line on the first crossing.
    command : str
        That made the page.
    synthetic : bool
        Whether the spectra are.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(
        style=report_style(),
        figures=list(figures_of(charts)),
        header=header,
        rows=rows,
        name=name,
        trained=trained,
        told=told,
        alarm=alarm,
        command=command,
        synthetic=synthetic,
        day=date.today(),
    )
