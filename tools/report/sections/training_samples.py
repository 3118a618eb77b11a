"""The samples that the model learns from: their spectra, which differ, which are flagged, which it gets wrong."""

import numpy as np

from tools.report.figures.by_spectrum import raw
from tools.report.figures.maps import maps
from tools.report.figures.over_band import over_band
from tools.report.parts import Cards, Cell, Column, More, Section, Table, card
from tools.report.sections.believe import range_of, way
from tools.report.words import counted, label, plain, rough

FLAGGED = 12  # spectra that are not "inside", listed
WORST = 6  # spectra


def training_samples_section(study):
    """Spectra and maps at once; flagged samples and the largest errors behind a click."""
    section = Section("samples", "The samples", legend=study.sites is not None)
    section.parts = [Cards([raw_card(study), maps_card(study)])]
    table = flag_table(study)
    if table is None:
        section.nothing.append("No spectrum is flagged when it is held out.")
    else:
        section.parts.append(More(f"The flagged samples, {counted(len(table.rows), 'line')}", [table]))
    section.parts.append(More(f"The {WORST} samples with the largest errors", [Cards(worst_cards(study))]))
    return section


def raw_card(study):
    """Spectra as they are in the file."""
    axis = (
        np.array([float(name) for name in study.channels])
        if study.numbered
        else np.arange(len(study.channels)) + 1.0
    )
    seen = "White, the range whose maximum scales a spectrum; what is grey is used as well."
    if study.settings.treatment != "max":
        seen = "White, the range that is used."
    if len(study.drawn) < len(study.targets):
        seen += f" {len(study.drawn)} of {len(study.targets):,} are drawn."
    what = raw, axis, study.raw, study.colours[study.drawn], range_of(study), study.numbered
    return card("raw", "Spectra as they are in the file", seen, "wide", (340, 240), *what)


def maps_card(study):
    """Which samples are flagged, and in what they differ."""
    scores, shares = study.scores
    names = [str(name) for name in study.targets.index]
    found = study.trusted[next(iter(study.trusted))][1]
    panels = {"outliers": (found["leverage"].to_numpy(), found["residual"].to_numpy(), names)}
    panels["scores"] = *scores.T, shares, names
    flagged = "; ".join(
        f"{(each['verdict'] != 'inside').mean():.0%} {way(study, name)}"
        for name, (_, each) in study.trusted.items()
    )
    seen = (
        "First, each sample held out by row: above the line something is in its spectrum that no other shows, right of the "
        f"line there is more of something. Flagged are {flagged}. Then, what the spectra differ in most; samples far "
        "from the others are named by their index."
    )
    return card(
        "maps",
        "Which samples are unlike the others",
        seen,
        "wide",
        (400, 640),
        maps,
        panels,
        study.colours,
        study.site,
        study.shapes,
    )


def flag_table(study):
    """The samples that are not inside, the furthest first; None where there are none."""
    first = next(iter(study.trusted))
    found = study.trusted[first][1]
    largest = found[["leverage", "residual"]].max(axis=1).to_numpy()
    flagged = np.argsort(-largest)[: (found["verdict"] != "inside").sum()]
    if not len(flagged):
        return None
    errors = np.sqrt(np.nanmean(study.errors(study.schemes[0]) ** 2, axis=1))
    inside = np.setdiff1d(np.arange(len(errors)), flagged)
    columns = [Column("index"), *map(Column, study.table.ids), Column("verdict")]
    columns += [Column("leverage", "in units of its limit"), Column("residual", "in units of its limit")]
    columns += [Column("error, SD", "root mean square over targets, in standard deviations of each")]
    rows = []
    for row in flagged[:FLAGGED]:
        ids = [Cell(label(value)) for value in study.table.ids.iloc[row]]
        line = found.iloc[row]
        cells = [
            Cell(plain(value, 2), "", value) for value in (line["leverage"], line["residual"], errors[row])
        ]
        rows.append([Cell(str(study.targets.index[row])), *ids, Cell(line["verdict"]), *cells])
    which = f"The {FLAGGED} furthest of" if len(flagged) > FLAGGED else "All"
    caption = (
        f"{which} {counted(len(flagged), 'sample')} that {'is' if len(flagged) == 1 else 'are'} not inside, held out "
        f"{way(study, first)}. Their error is {plain(np.nanmedian(errors[flagged]), 2)} SD at the median"
    )
    caption += f", that of the others {plain(np.nanmedian(errors[inside]), 2)}." if len(inside) else "."
    return Table(caption, columns, rows)


def worst_cards(study):
    """The spectra with the largest errors."""
    errors = study.errors(study.hardest)
    known = ~np.isnan(errors).all(axis=1)
    rms = np.full(len(errors), -1.0)
    rms[known] = np.sqrt(np.nanmean(errors[known] ** 2, axis=1))
    low, high = np.percentile(study.scaled, [5, 95], axis=0)
    band = np.array([low, study.scaled.mean(axis=0), high])
    return [
        card(f"worst{row}", f"Index {study.targets.index[row]}", worst_text(study, row, errors[row], rms[row]), "half", 240,
             over_band, study.axis, band, {"this one": study.scaled[row][None]}, numbered=study.numbered)
        for row in np.argsort(-rms)[:WORST]
    ]  # fmt: skip


def worst_text(study, row, error, rms):
    """Where a sample is from, and its largest errors."""
    ids = ", ".join(f"{name} {label(value)}" for name, value in study.table.ids.iloc[row].items())
    told = []
    for place in np.argsort(-np.nan_to_num(np.abs(error)))[:3]:
        predicted, measured = study.mean(study.hardest)[row, place], study.targets.iloc[row, place]
        if not np.isnan(measured):
            told.append(f"{study.targets.columns[place]} {plain(predicted)}, measured {plain(measured)}")
    where = f"{ids}. " if ids else ""
    return f"{where}Error {rough(rms)} SD {study.by(study.hardest)}. Predicted {'; '.join(told)}."
