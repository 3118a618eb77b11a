"""What a page is made of: sections of figures, tables and what stands behind a click."""

from dataclasses import dataclass, field
from typing import Callable, NamedTuple

from tools.report.figures.svg import svg

SIZES = {"small": (264,), "half": (552, 342), "wide": (1060, 342)}  # pixels, on a screen and on a phone


class Card(NamedTuple):
    """One figure, to be drawn as often as it has widths."""

    key: str  # unique on the page
    title: str
    caption: str
    size: str  # of SIZES
    heights: tuple  # pixels, one a width, or one for all
    how: Callable  # one of tools/report/figures
    arguments: tuple
    options: dict

    def svgs(self):
        """Draw it, {"" or "phone": SVG}; who cannot see it is told the caption."""
        alt = f"{self.title}: {self.caption}"
        drawn = {}
        for place, width in enumerate(SIZES[self.size]):
            size = width, self.heights[min(place, len(self.heights) - 1)]
            name = "phone" if place else ""
            drawn[name] = svg(self.key + name, alt, size, self.how, *self.arguments, **self.options)
        return drawn


def card(key, title, caption, size, heights, how, *arguments, **options):
    """A Card."""
    heights = heights if isinstance(heights, tuple) else (heights,)
    return Card(key, title, caption, size, heights, how, arguments, options)


class Cards(NamedTuple):
    """Figures side by side, as many as there is room for."""

    cards: list


class Cell(NamedTuple):
    """One cell of a table."""

    text: str
    small: str = ""  # below it
    value: float = float("nan")  # to sort by
    picture: str = ""  # SVG
    warns: bool = False


class Column(NamedTuple):
    """What stands above the cells of a column."""

    name: str
    meaning: str = ""
    spare: bool = False  # whether a phone leaves it out
    text: bool = False  # whether it holds no numbers
    small: str = ""  # below the name


class Table(NamedTuple):
    """Rows of Cells, the first of each its name; `groups` are headings by the row that they stand above."""

    caption: str
    columns: list
    rows: list
    groups: dict = {}  # noqa: RUF012 (never written to)
    head: bool = False  # whether the caption stands above
    inline: bool = False  # whether what is small stands beside, and a phone leaves it out


class More(NamedTuple):
    """What few read, behind a click on its title."""

    title: str
    parts: list
    printed: bool = True


@dataclass
class Section:
    """One chapter of the page; what it has no data for, it says in `nothing`."""

    key: str
    title: str
    lead: list = field(default_factory=list)  # paragraphs: what to see
    points: list = field(default_factory=list)  # of a list
    parts: list = field(default_factory=list)  # Cards, Table, Facts or More
    nothing: list = field(default_factory=list)
    legend: bool = False  # of the sites' colours


class Facts(NamedTuple):
    """Names and what there is to say of each."""

    lines: list  # (name, text)


class Page(NamedTuple):
    """What a page says besides its sections."""

    title: str
    sub: str
    notice: str  # in a box, or ""
    running: str  # at the foot of each printed page
    foot: str
    sections: list
    legend: tuple = ()  # heading and [(name, colour, shape)] of sites


def cards_of(parts):
    """Every Card among parts, also those behind a click."""
    for part in parts:
        if isinstance(part, Cards):
            yield from part.cards
        elif isinstance(part, More):
            yield from cards_of(part.parts)
