"""What a section is made of: cards with a figure each, tables, and which targets come first."""

from dataclasses import dataclass, field
from typing import Callable, NamedTuple

import numpy as np

import score
from recore.marks import MARKS
from tools.report.figures import by_target
from tools.report.figures.svg import svg
from tools.report.words import plain

GOOD, POOR = MARKS["quantities"], MARKS["weak"]  # R², from and under which a target is named in the answer
BEST, HEAVIEST = 7, 2  # targets shown first: by R², by weight in the official score
LINES = 17  # of a figure with a line a target


class Card(NamedTuple):
    """One figure, as wide as a phone, to be drawn."""

    key: str  # unique on the page
    title: str
    caption: str
    height: float  # inches
    how: Callable  # one of tools/report/figures
    arguments: tuple
    options: dict

    def svg(self):
        """Draw it; who cannot see it is told the caption."""
        alt = f"{self.title}: {self.caption}"
        return svg(self.key, alt, self.height, self.how, *self.arguments, **self.options)


class Cell(NamedTuple):
    """One cell of a table."""

    text: str
    half: str = ""  # of an interval
    value: float = float("nan")  # to sort by
    path: str = ""  # of a histogram


class Table(NamedTuple):
    """Rows of Cells; the first of each is its name."""

    caption: str
    header: list  # (name, what it means) of each column
    rows: list


def card(key, title, caption, height, how, *arguments, **options):
    """A Card."""
    return Card(key, title, caption, height, how, arguments, options)


@dataclass
class Section:
    """One chapter of the page; what it has no data for, it says in `nothing`."""

    key: str
    title: str
    lead: list = field(default_factory=list)  # paragraphs: what to see
    cards: list = field(default_factory=list)
    more: list = field(default_factory=list)  # Cards behind a click on `more_title`
    more_title: str = ""
    table: Table = None
    nothing: list = field(default_factory=list)
    legend: bool = False  # of the sites' colours


def number(value, half=float("nan")):
    """A Cell of three digits, with its interval."""
    return Cell(plain(value), "" if np.isnan(half) else f"± {plain(half, 2)}", value)


def chosen(study):
    """Places of the targets to show first: the heaviest in the official score, then the best."""
    names, r2 = list(study.targets), study.of("R2", study.hardest)
    heavy = sorted((name for name in names if name in score.WEIGHTS), key=lambda name: -score.WEIGHTS[name])
    heavy = [names.index(name) for name in heavy[:HEAVIEST]] if names == list(score.WEIGHTS) else []
    varies = (study.targets.max() > study.targets.min()).to_numpy()
    best = [int(place) for place in np.argsort(-r2) if place not in heavy and varies[place]]
    return [*heavy, *best[:BEST]]


def lined(study, key, title, caption, order, how, series, *arguments, halves=(), **options):
    """Cards of a line a target, LINES in each, in a given order; `how` is `draw.rows` or like it."""
    names, cards = np.array(list(study.targets)), []
    parts = np.array_split(order, -(-len(order) // LINES))
    for k, part in enumerate(parts):
        shown = {name: values[part] for name, values in series.items()}
        bars = {name: half[part] for name, half in dict(halves).items()}
        heading = title + ", continued" * (k > 0), "Continued." if k else caption
        what = list(names[part]), shown, *arguments
        height = by_target.rows_height(max(map(len, parts)))
        cards.append(card(f"{key}{k}", *heading, height, how, *what, halves=bars, **options))
    return cards
