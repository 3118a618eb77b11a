"""A page laid out: its figures drawn, the template filled; one file that asks for nothing else."""

from pathlib import Path

import jinja2
from joblib import delayed

from tools.report.parts import Cards, Facts, More, Table, cards_of
from tools.validate.cross_validation import in_turn

TEMPLATE = "page.html.j2"
KINDS = {Cards: "cards", Table: "table", More: "more", Facts: "facts"}
SHAPES = {  # of markers, in a square of 10
    "o": "M5 .5a4.5 4.5 0 1 0 .01 0z",
    "s": "M.8 .8h8.4v8.4h-8.4z",
    "^": "M5 .5l4.7 8.8h-9.4z",
}


def drawn(sections, jobs):
    """The figures of all sections as SVG, {key of a Card: {width: text}}, drawn in `jobs` processes."""
    cards = [card for section in sections for card in cards_of(section.parts)]
    found = in_turn((delayed(card.svgs)() for card in cards), len(cards), jobs, "figures")
    return {card.key: svgs for card, svgs in zip(cards, found, strict=True)}


def css_string(text):
    """A text as CSS takes it between quotes."""
    return "".join(char if char.isalnum() or char in " .,·-_" else f"\\{ord(char):x} " for char in text)


def html_of(page, jobs):
    """A parts.Page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(
        page=page,
        drawn=drawn(page.sections, jobs),
        kind=lambda part: KINDS[type(part)],
        running=css_string(page.running),
        shapes=SHAPES,
    )
