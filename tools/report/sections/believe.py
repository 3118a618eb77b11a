"""Why to believe the figures, how far, and what they are of."""

from datetime import date

import numpy as np

import preprocess
from tools.report.parts import Facts, Section
from tools.report.words import counted, label, plain, r2_text
from tools.trust.coverage import COVERAGE, coverage_table
from tools.validate.measures import mean_r2, official, over_repeats

FEW = 10  # sites, under which figures by site depend on them
FEW_SAMPLES = 30


def believe_section(study):
    """Reasons and facts."""
    section = Section("believe", "Why believe it?")
    section.points = list(reasons(study))
    section.parts = [Facts(list(facts(study)))]
    return section


def reasons(study):
    """Why to believe it, and how far."""
    learned = (
        f"that sample, nor, by {study.unit}, any sample of its {study.unit}" if study.unit else "that sample"
    )
    yield (
        f"Every figure is of predictions held out: the model that made one had not seen {learned}. α, the strength of "
        "the regularisation, was chosen without it, too."
    )
    scores = [
        f"{r2_text(over_repeats(mean_r2(study.targets.to_numpy(), predicted))[0])} {way(study, name)}"
        for name, predicted in study.predictions.items()
    ]
    drawn = [f"{study.by(s)} {drawn_text(study, s)}" for s in study.schemes]
    yield f"How they were held out: {'; '.join(drawn)}. The mean R² over all {study.noun}s is {', '.join(scores)}."
    scored = official(study.targets, study.predictions[study.hardest])
    if scored is not None:
        yield f"The challenge's official score is {over_repeats(scored)[0]:.2f} of 1.01, {study.by(study.hardest)}."
    held = ", ".join(f"{text} {name}" for name, text in coverage_of(study).items())
    yield f"Bounds that should hold {COVERAGE:.0%} of the assays held, of those held out, {held}."
    if len(study.targets) < FEW_SAMPLES:
        yield f"{len(study.targets)} samples are few: no figure here is worth much before there are more."
    if study.unit is None:
        why = "as --group none says" if study.group == "none" else f"no id column {study.group}"
        yield (
            f"The file has no sites ({why}). If the samples come from few places, samples of "
            "another place will be predicted worse than the figures say."
        )
        return
    if len(study.sites[0]) < FEW:
        yield f"{len(study.sites[0])} {study.unit}s are few: with others the figures by {study.unit} would be quite different."
    rms = study.site_errors
    yield (
        f"Which {study.unit} it is matters: the error, in standard deviations of the {study.noun}s, is {plain(np.median(rms), 2)} "
        f"at the median of {len(rms)} {study.unit}s and {plain(rms.max(), 2)} at the hardest, {study.unit} {label(study.sites[0][rms.argmax()])}."
    )


def drawn_text(study, scheme):
    """'5 times in 10 parts', 'each by itself'."""
    folds = study.plan[scheme][0]
    parts = len(np.unique(folds[0]))
    if scheme == "site" and parts == len(study.sites[0]):
        return "each by itself"
    return (f"{len(folds)} times " if len(folds) > 1 else "") + f"in {parts} parts"


def coverage_of(study):
    """The share of assays held out between their bounds, {what was held out: '89 %'}, the mean over targets."""
    found = {}
    for name, (bounds, _) in study.trusted.items():
        covered = coverage_table(study.targets, bounds)["coverage"].mean()
        found[way(study, name)] = f"{covered:.0%}"
    return found


def way(study, name):
    """A name of `schemes` or of `tools.trust.coverage.plans` in words."""
    held_out, _, how = name.partition(", ")
    grouped = how in ("α by site", "bounds by site")
    return f"{study.by(held_out)} with train.py --group {study.group}" if grouped else study.by(held_out)


def facts(study):
    """(name, value) of what was read and what was done with it."""
    channels, missing = study.channels, int(study.targets.isna().to_numpy().sum())
    first, last = channels[0], channels[-1]
    span = f"{plain_axis(first)} to {plain_axis(last)} cm⁻¹" if study.numbered else "not named by wavenumber"
    dropped = [name for name in study.table.targets if name not in study.targets]
    yield (
        "spectra",
        f"{len(study.targets):,}"
        + (f" of {counted(len(study.sites[0]), study.unit)} ({study.group})" if study.unit else ""),
    )
    kind = "% reflectance" if study.percent else "taken as absorbance"
    yield "channels", f"{len(channels):,}, {span}; {kind}"
    yield f"{study.noun}s", f"{study.targets.shape[1]}; {missing:,} of {study.targets.size:,} assays missing"
    if dropped:
        yield "left out", f"{', '.join(dropped)}: too few assays"
    low, high = range_of(study)
    used = f"{low:.0f} to {high:.0f} cm⁻¹" if study.numbered else f"channels {low:.0f} to {high:.0f}"
    yield (
        "preprocessing",
        f"spectra {preprocess.TREATMENTS[study.settings.treatment]}; range: {used}; summed in "
        f"windows of {study.settings.window} channels: {study.table.features.shape[1]} features",
    )
    yield "model", "ridge regression, α for each target; no prediction below 0 where no assay is"
    files = [
        f"{each}… (train.py{f' --group {study.group}' * (name == 'site')})"
        for name, each in study.sums.items()
    ]
    yield "model file", f"sha256 {', '.join(files)}"
    yield "source", study.source
    yield "made", f"{date.today():%d %B %Y} by {study.command}"


def range_of(study):
    """Both ends of the settings' range, in wavenumbers or channels counted from 1, the lower first."""
    part = range(len(study.channels))[preprocess.span(study.settings, study.channels)]
    if study.numbered:
        return sorted(preprocess.number(study.channels[at]) for at in (part[0], part[-1]))
    return [part[0] + 1, part[-1] + 1]


def plain_axis(name):
    """A wavenumber with one decimal at most."""
    return f"{preprocess.number(name):.1f}".removesuffix(".0")
