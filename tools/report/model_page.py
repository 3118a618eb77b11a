"""The page of a model: a file read, cross-validated and fitted; what stands where."""

from datetime import date

import numpy as np
from matplotlib.colors import to_hex

from tools.report.page import html_of
from tools.report.parts import Page
from tools.report.sections.against_measured import against_measured_section
from tools.report.sections.appendix import appendix_section
from tools.report.sections.believe import believe_section
from tools.report.sections.bounds import bounds_section
from tools.report.sections.elements import elements_section
from tools.report.sections.errors import errors_section
from tools.report.sections.learning import learning_section
from tools.report.sections.looks import looks_section
from tools.report.sections.methods import methods_section
from tools.report.sections.training_samples import training_samples_section

SECTIONS = (  # in their order on the page; each Study -> Section, or None where a file has nothing for it
    elements_section,
    believe_section,
    against_measured_section,
    training_samples_section,
    errors_section,
    bounds_section,
    looks_section,
    learning_section,
    methods_section,
    appendix_section,
)
SYNTHETIC = "synthetic"  # how a source begins that is none


def sections_of(study):
    """The sections that a file has something for."""
    found = (section(study) for section in SECTIONS)
    return [section for section in found if section is not None]


def legend(study):
    """What the sites' colours and shapes mean: a heading, and (name, colour, shape) of those told apart."""
    if study.sites is None:
        return ()
    (names, _), (colours, shapes, told) = study.sites, study.site_styles
    entries = [(names[k], to_hex(colours[k]), shapes[k]) for k in sorted(told)]
    left = len(names) - len(told)
    if left:
        other = next(k for k in range(len(names)) if k not in told)
        entries.append((f"the other {left}", to_hex(colours[other]), shapes[other]))
    return f"{study.unit}{', the hardest' if left else ''}", entries


def notice_of(source):
    """What a page of synthetic data says first; nothing of other data."""
    if not source.startswith(SYNTHETIC):
        return ""
    return f"Synthetic data. S{source[1:]}. The figures show that the method works; they say nothing about real rock."


def page_of(study, jobs):
    """The page, as HTML."""
    places = "" if study.sites is None else f" of {len(np.unique(study.site)):,} {study.unit}s"
    sums = " and ".join(study.sums.values())
    return html_of(
        Page(
            title=f"Which {study.noun}s can be reported from FTIR spectra, and with what error?",
            sub=f"{study.name}: {len(study.targets):,} samples{places}",
            notice=notice_of(study.source),
            running=f"{study.name} · model {sums} · {date.today():%d %B %Y}",
            foot=f"All numbers stand beside this page as CSV. {study.name}; source: {study.source}; model file sha256 {sums}…",
            sections=sections_of(study),
            legend=legend(study),
        ),
        jobs,
    )
