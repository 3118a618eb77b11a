"""The page: its sections in their order, their figures drawn, and the template filled.

A section is a function, Study -> Section; its place in SECTIONS is its place on the page. What a file
has no data for, its section says in one line.
"""

from pathlib import Path

import jinja2
from joblib import delayed
from matplotlib.colors import to_hex

from tools.report.figures.style import FEW_SITES
from tools.report.sections.against_measured import MEANS, NICE, scatter_section, scores_section
from tools.report.sections.appendix import data_section
from tools.report.sections.believe import answer
from tools.report.sections.bounds import trust_section
from tools.report.sections.errors import errors_section
from tools.report.sections.looks import alphas_section, coefficients_section, curve_section
from tools.report.sections.training_samples import worst_section
from tools.report.words import half_text
from tools.validate.cross_validation import in_turn

TEMPLATE = "page.html.j2"
SECTIONS = (
    data_section,
    scores_section,
    scatter_section,
    errors_section,
    trust_section,
    worst_section,
    coefficients_section,
    alphas_section,
    curve_section,
)


def legend(study):
    """What the sites' colours mean: (name, colour) of a few, of many the first and the last."""
    if study.sites is None:
        return None
    names, colours = study.sites[0], map(to_hex, study.site_colours)
    sites = list(zip(names, colours, strict=True))
    return {"few": len(names) <= len(FEW_SITES), "group": study.group, "sites": sites}


def drawn(sections, jobs):
    """The figures of all sections as SVG, {key of a Card: text}, drawn in `jobs` processes."""
    cards = [card for section in sections for card in (*section.cards, *section.more)]
    found = in_turn((delayed(card.svg)() for card in cards), len(cards), jobs, "figures")
    return {card.key: svg for card, svg in zip(cards, found, strict=True)}


def page(study, jobs):
    """The page, as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [section(study) for section in SECTIONS]
    return environment.get_template(TEMPLATE).render(
        study=study,
        synthetic=study.source.startswith("synthetic"),
        answer=answer(study),
        sections=sections,
        drawn=drawn(sections, jobs),
        legend=legend(study),
        means=MEANS,
        nice=NICE,
        half=half_text,
    )
