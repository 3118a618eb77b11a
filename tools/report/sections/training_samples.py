"""The spectra with the largest errors."""

import numpy as np

from tools.report.figures import by_spectrum
from tools.report.parts import Section, card
from tools.report.words import by, plain

WORST = 6  # spectra


def worst_section(study):
    """The spectra with the largest errors."""
    errors = study.errors(study.hardest)
    known = ~np.isnan(errors).all(axis=1)
    rms = np.full(len(errors), -1.0)
    rms[known] = np.sqrt(np.nanmean(errors[known] ** 2, axis=1))
    band = np.percentile(study.scaled, [5, 50, 95], axis=0)
    section = Section("worst", "The spectra it gets most wrong")
    section.lead = [
        f"The {WORST} largest errors {by(study.hardest)}: root mean square over targets, in standard deviations of each "
        f"(median of all: {plain(np.median(rms[known]))}). A spectrum that leaves the range is unlike what the model has learned "
        "from; one inside it points to an assay to check, or to an element that the spectrum does not show."
    ]
    for row in np.argsort(-rms)[:WORST]:
        title = f"Index {study.targets.index[row]}"
        how = 2.5, by_spectrum.one_spectrum, study.axis, band, study.scaled[row], study.numbered
        section.cards.append(card(f"worst{row}", title, worst_text(study, row, errors[row], rms[row]), *how))
    return section


def worst_text(study, row, error, rms):
    """Where a sample is from, and its largest errors."""
    ids = ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                    for name, value in study.table.ids.iloc[row].items())  # fmt: skip
    told = []
    for place in np.argsort(-np.nan_to_num(np.abs(error)))[:3]:
        predicted, measured = study.mean(study.hardest)[row, place], study.targets.iloc[row, place]
        if not np.isnan(measured):
            told.append(f"{study.targets.columns[place]} {plain(predicted)}, measured {plain(measured)}")
    return f"{ids + '. ' if ids else ''}Error {plain(rms)} SD. Predicted {'; '.join(told)}."
