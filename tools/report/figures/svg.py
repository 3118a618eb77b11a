"""Figures for a page: matplotlib drawings as SVG that a page styles, prints and shrinks.

    svg("key", "what it shows", (342, 190), by_target.lines, {"row": (x, y)}, "rows", "R²")

A figure is as many pixels wide as the page shows it, so that its type has the size that it was given; what is
wide on a screen is drawn a second time for a phone. Text stays text. The colours of style.py are those of a light
page; in SVG they become the page's own variables, so that a dark page needs no second drawing. Clouds of dots are
pictures with a palette inside the SVG: 49 × 1,344 dots as shapes would be 10 MB.
"""

import base64
import io
import re

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

from tools.report.figures.style import STYLE, VARIABLES

INCH = 72  # units of an SVG
DPI = 144  # of dots: two pixels for each of a page's
LONG = r"-?\d+\.\d{3,}(?=[^\w])"  # numbers of more digits than a pixel needs; in tags, not in what is read
PALETTE = 48  # colours of a cloud of dots


def svg(key, alt, size, draw, *arguments, **options):
    """Call `draw(figure, ...)` and return the figure as SVG to be put into an HTML page.

    Parameters
    ----------
    key : str
        Unique on the page: its ids are made from it.
    alt : str
        For who cannot see the figure.
    size : (float, float)
        Width and height, in pixels of a page.
    draw : callable
        One of the functions of the modules beside this one.
    """
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": key}):
        figure = Figure((size[0] / INCH, size[1] / INCH), dpi=DPI, layout="constrained")
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
    text = re.sub(
        r"<[^>]*>", lambda tag: re.sub(LONG, lambda number: f"{float(number[0]):.2f}", tag[0]), text
    )
    for colour, name in VARIABLES.items():
        text = text.replace(colour, f"var(--{name})")
    return re.sub(r"\n\s*", "\n", text)


def fewer(png):
    """A PNG, in base64, with a palette: a fifth of the bytes."""
    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    buffer = io.BytesIO()
    picture.quantize(PALETTE, Image.Quantize.FASTOCTREE).save(buffer, "png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()
