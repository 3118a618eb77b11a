"""The page of new samples: predictions, which samples are not fit and why, and what the model is worth."""

from datetime import date

import numpy as np

import preprocess
from recore.settings import Settings
from tools.report.model_page import notice_of
from tools.report.page import html_of
from tools.report.parts import Facts, Page, Section
from tools.report.sections.elements import Known, elements_table, said_of
from tools.report.sections.predictions import predictions_section
from tools.report.sections.verdicts import verdicts_section
from tools.report.study import SUM
from tools.report.words import counted, unit_of


def known_of(description):
    """Known of each target, as a model's description tells it."""
    hardest, official = description["training"].get("marked_by"), is_official(description)
    found = []
    for told in description["targets"]:
        expected = told.get("expected", {})
        order = sorted(expected, key=lambda way: way != hardest)
        figures = {f"by {unit_of(way, official)}": figure_of(expected[way]) for way in order}
        found.append(Known(told["name"], told["mark"], told["rows"], told["min"], told["max"], figures))
    return found


def figure_of(told):
    """R², no interval, RMSE; NaN where there is none."""
    r2, rmse = (np.nan if told[name] is None else told[name] for name in ("r2", "rmse"))
    return r2, None, rmse


def is_official(description):
    """Whether a model's targets are the challenge's."""
    return [told["name"] for told in description["targets"]] == list(preprocess.TARGETS)


def model_section(samples, known, noun):
    """What the model is worth, on samples that it had not seen."""
    hardest = samples.description["training"].get("marked_by")
    new = "sample" if hardest in (None, "row") else unit_of(hardest, is_official(samples.description))
    section = Section("model", "What the model is worth")
    section.lead = [" ".join(said_of(known, noun, f"new {new}"))]
    caption = (
        "As model.json tells: R² and RMSE of samples that the model had not seen. RMSE is the size of a usual error; it and the range are "
        "in the target's unit. The model holds from the smallest to the largest assay."
    )
    section.parts = [elements_table(known, noun, caption), Facts(list(facts(samples)))]
    return section


def facts(samples):
    """(name, value) of the model and of how the samples were predicted."""
    training, settings = samples.description["training"], Settings(**samples.description["preprocessing"])
    yield "model file", f"sha256 {samples.description['sha256']}"
    trained = training.get("file") or counted(training.get("files", 0), "table")
    yield "trained on", f"{trained}, {counted(training.get('rows', 0), 'spectrum', 'spectra')}"
    yield (
        "α chosen",
        f"with each {unit_of(training.get('left_out', 'row'), is_official(samples.description))} left out",
    )
    yield (
        "preprocessing",
        f"spectra {preprocess.TREATMENTS[settings.treatment]}; range {settings.range}, windows of {settings.window} channels",
    )
    yield "bounds", f"of {samples.coverage:.0%}"
    yield "source", samples.source
    yield "made", f"{date.today():%d %B %Y} by {samples.command}"


def sections_of(samples):
    """The sections of the page."""
    known, noun = known_of(samples.description), "element" if is_official(samples.description) else "target"
    return [
        verdicts_section(samples),
        predictions_section(samples, known, noun),
        model_section(samples, known, noun),
    ]


def page_of(samples, jobs):
    """The page, as HTML."""
    sum_ = samples.description["sha256"][:SUM]
    trained = samples.description["training"].get("file", "several tables")
    return html_of(
        Page(
            title=f"Predictions for {counted(len(samples.cells), 'sample')}",
            sub=f"{samples.name}, by model {sum_}… trained on {trained}",
            notice=notice_of(samples.source),
            running=f"{samples.name} · model {sum_} · {date.today():%d %B %Y}",
            foot=f"All columns stand beside this page as a workbook. {samples.name}; source: {samples.source}; model file sha256 {samples.description['sha256']}",
            sections=sections_of(samples),
        ),
        jobs,
    )
