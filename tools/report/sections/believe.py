"""What stands at the top of the page: the answer, why to believe it, and the facts."""

from datetime import date

import numpy as np

import preprocess
from tools.report.figures.style import SERIES, VARIABLES
from tools.report.parts import GOOD, POOR
from tools.report.sections.errors import site_errors
from tools.report.words import by, counted, listed, plain, r2_text
from tools.validate.measures import mean_r2, official, over_repeats

FEW = 10  # sites, under which figures by site depend on them
ASKS = {
    "row": "the next sample of a known site",
    "site": "the next site or drill hole",
    "site, α by site": "the next site, α chosen by site",
}


def answer(study):
    """What stands at the top: figures, sentences, reasons and facts; the hardest question first."""
    schemes = [study.hardest, *(name for name in study.plan if name != study.hardest)]
    return {
        "figures": [overall(study, scheme) for scheme in schemes],
        "sentences": sentences(study),
        "reasons": reasons(study),
        "facts": facts(study),
    }


def overall(study, scheme):
    """Mean R² and official score, each with half its interval, and what they are of."""
    predicted = study.predictions[scheme]
    scored = official(study.targets, predicted)
    shown = scheme in study.schemes
    return {
        "scheme": by(scheme),
        "colour": VARIABLES[SERIES[study.schemes.index(scheme)]] if shown else "muted",
        "asks": ASKS.get(scheme, "held out as the file of folds says"),
        "r2": over_repeats(mean_r2(study.targets.to_numpy(), predicted)),
        "official": None if scored is None else over_repeats(scored),
        "drawn": f"{len(predicted)} × {len(np.unique(study.plan[scheme][0][0]))} folds",
    }


def sentences(study):
    """The answer in words."""
    names, r2 = np.array(list(study.targets)), study.of("R2", study.hardest)
    order = np.argsort(-r2)
    good, poor = order[r2[order] >= GOOD], order[::-1][r2[order[::-1]] < POOR]
    where = "on a site that the model has not seen" if study.hardest == "site" else "on a new sample"
    which = (
        f": {listed(names[good])}" if len(good) else f"; the best is {names[order[0]]}, {r2_text(r2.max())}"
    )
    yield f"{len(good) or 'None'} of {counted(len(names), 'target')} {'reaches' if len(good) < 2 else 'reach'} R² {GOOD} {where}{which}."
    if len(poor):
        yield f"{len(poor)} stay under {POOR}, where the mean would do about as well: {listed(names[poor])}."
    if study.hardest == "site":
        rms = site_errors(study)
        yield (
            f"Site by site, the error (root mean square over targets, in standard deviations of each) is "
            f"{plain(np.median(rms), 2)} at the median of {len(rms)} sites, {plain(rms.min(), 2)} at the best and "
            f"{plain(rms.max(), 2)} at the worst, {study.group} {study.sites[0][rms.argmax()]}."
        )


def reasons(study):
    """Why to believe it, and how far."""
    yield (
        "Every score and every error on this page is of held-out predictions: the model that made one had seen neither "
        "that row nor, by site, any row of its site. The regularisation was chosen inside each training half."
    )
    repeats = {name: len(predicted) for name, predicted in study.predictions.items()}
    alone = [by(name) for name, n in repeats.items() if n == 1 and name in study.schemes]
    if max(repeats.values()) > 1:
        yield (
            "± is half of the 95 % t interval over the repeats. It tells how much the drawing of folds "
            "matters, not how much another set of samples would."
        )
    if alone:
        yield f"There is one repeat only {' and '.join(alone)}, so no interval there."
    if study.hardest != "site":
        yield f"The file has no sites (no id column {study.group}): how good the model is on a new one cannot be told."
    elif len(study.sites[0]) < FEW:
        yield f"{len(study.sites[0])} sites are few: figures by site would change much with other sites."


def facts(study):
    """(name, value) of what was read and what was done with it."""
    channels, missing = study.channels, int(study.targets.isna().to_numpy().sum())
    first, last = channels[0], channels[-1]
    span = f"{plain_axis(first)} to {plain_axis(last)} cm⁻¹" if study.numbered else "not named by wavenumber"
    dropped = [name for name in study.table.targets if name not in study.targets]
    yield "file", study.name
    yield "source", study.source
    yield "spectra", f"{len(study.targets):,}"
    yield "sites", "none in the file" if study.sites is None else f"{len(study.sites[0]):,} ({study.group})"
    kind = "% reflectance" if study.percent else "taken as absorbance"
    yield "channels", f"{len(channels):,}, {span}; {kind}"
    yield "targets", f"{study.targets.shape[1]}; {missing:,} of {study.targets.size:,} assays missing"
    if dropped:
        yield "left out", f"{', '.join(dropped)}: too few assays"
    yield (
        "preprocessing",
        f"spectra {preprocess.TREATMENTS[study.settings.treatment]}; range [{study.settings.range}], summed in "
        f"windows of {study.settings.window}: {study.table.features.shape[1]} features",
    )
    yield (
        "model",
        "ridge regression, α for each target by exact leave-one-out, no prediction below 0 where no assay is",
    )
    yield "made", f"{date.today():%d %B %Y} by {study.command}"


def plain_axis(name):
    """A wavenumber with one decimal at most."""
    return f"{float(name):.1f}".removesuffix(".0")
