"""Are new samples fit for the model? Those that are not come first, with their spectra and the reason."""

import numpy as np

from tools.report.figures.over_band import over_band
from tools.report.parts import Cards, Cell, Column, More, Section, Table, card
from tools.report.words import brief, counted, listed, rough, upper_first
from tools.training_band import spread_of

FIRST, MOST = 8, 48  # flagged samples whose spectra are drawn: at once, and at all
LISTED = 200  # flagged samples in the table
DRAWN = 200  # spectra in the figure of all
APART = 3  # wavenumbers that are named, at most
WAY = 40  # features between two of them, at least


def verdicts_section(samples):
    """Verdicts, and the spectra of those that are not inside over the training band."""
    section = Section("verdicts", "Are the samples fit for the model?")
    section.lead = [" ".join(verdicts_told(samples))]
    flagged = samples.flagged
    section.parts = [Cards([all_card(samples)])]
    if not flagged:
        return section
    section.parts.append(flag_table(samples, flagged[:LISTED]))
    cards = [flag_card(samples, row) for row in flagged[:MOST]]
    section.parts.append(Cards(cards[:FIRST]))
    if cards[FIRST:]:
        section.parts.append(More(f"The next {len(cards) - FIRST}", [Cards(cards[FIRST:])]))
    if len(flagged) > MOST:
        section.nothing.append(
            f"Spectra are drawn of the {MOST} furthest out; all {len(flagged):,} are in the workbook."
        )
    return section


def verdicts_told(samples):
    """How many samples are inside, extrapolating, unlike, and what that means."""
    verdicts, n = samples.trusted["verdict"], len(samples.cells)
    inside = int((verdicts == "inside").sum())
    yield f"{inside:,} of {counted(n, 'sample')} {'is' if inside == 1 else 'are'} like those of the training."
    unlike, more = (verdicts == "unlike").sum(), (verdicts == "extrapolating").sum()
    if unlike:
        yield f"{unlike:,} {'is' if unlike == 1 else 'are'} unlike them: something is in the spectrum that no training spectrum shows; do not report."
    if more:
        yield f"{more:,} {'is' if more == 1 else 'are'} extrapolating: there is more of something than there was; report with care."
    if inside < n:
        yield "About one good sample in forty is flagged, too."


def all_card(samples):
    """All spectra over the training band."""
    spectra, flagged = samples.spectra, samples.flagged
    others = np.setdiff1d(np.arange(len(spectra)), flagged)
    lines = {"inside": spectra[spread(others)], "not inside": spectra[flagged[:DRAWN]]}
    lines = {name: those for name, those in lines.items() if len(those)}
    if "inside" not in lines:
        lines = {"inside": spectra[:0], **lines}
    seen = (
        "Grey, where nine in ten training spectra lie: their mean and 1.645 standard deviations on both sides, from what the "
        "model file keeps of them; the spectra themselves are not in it."
    )
    if len(others) > DRAWN:
        seen += f" {DRAWN} of {len(others):,} that are inside are drawn."
    what = over_band, samples.scale.axis, samples.band, lines
    return card(
        "all",
        "The new spectra over the training band",
        seen,
        "wide",
        (340, 260),
        *what,
        numbered=samples.scale.numbered,
        top=1,
    )


def spread(places):
    """At most DRAWN of some places, evenly."""
    return (
        places[np.unique(np.linspace(0, len(places) - 1, min(DRAWN, len(places))).astype(int))]
        if len(places)
        else places
    )


def flag_card(samples, row):
    """The spectrum of one sample over the training band; where it is unlike is marked."""
    apart = samples.apart_of(row) > 1
    lines = {"this sample": samples.spectra[row][None]}
    what = over_band, samples.scale.axis, samples.band, lines
    options = {"apart": apart, "numbered": samples.scale.numbered}
    title = f"{samples.labels[row][0]}: {samples.trusted['verdict'].iloc[row]}"
    return card(f"flag{row}", title, f"{upper_first(reason(samples, row))}.", "half", 240, *what, **options)


def reason(samples, row):
    """Why a sample is not inside, in words."""
    line, told = samples.trusted.iloc[row], []
    if line["residual"] > 1:
        at = most_apart(samples.apart_of(row))
        told.append(f"something that no training spectrum shows, at {place_told(samples, at)}")
    if line["leverage"] > 1:
        away = samples.table.features.iloc[row].to_numpy() - samples.model.x_mean_
        away = away / np.maximum(spread_of(samples.model), np.finfo(float).tiny)
        at = int(np.abs(away).argmax())
        far = f"{'+' if away[at] > 0 else '−'}{rough(abs(away[at]))} SD"
        told.append(
            f"more of something than there was; furthest from the training's mean at {place_told(samples, [at])} ({far})"
        )
    return "; ".join(told)


def most_apart(ratio):
    """Places where a spectrum is most unlike, a way from each other, the furthest first."""
    found = []
    for at in np.argsort(-ratio, kind="stable"):
        if ratio[at] <= max(1, ratio.max() / 2) or len(found) == APART:
            break
        if all(abs(at - other) > WAY for other in found):
            found.append(int(at))
    return found


def place_told(samples, places):
    """'2349 and 1720 cm⁻¹', or numbers of channels."""
    at = [f"{samples.scale.axis[place]:.0f}" for place in places]
    return f"{listed(at)} cm⁻¹" if samples.scale.numbered else f"channel {listed(at)}"


def flag_table(samples, flagged):
    """The samples that are not fit, and why."""
    columns = [index_column(samples), Column("verdict", text=True), Column("why", text=True)]
    columns += [
        Column("leverage", "in units of its limit", spare=True),
        Column("residual", "in units of its limit", spare=True),
    ]
    rows = []
    for row in flagged:
        line = samples.trusted.iloc[row]
        ratios = [Cell(rough(line[name]), "", line[name]) for name in ("leverage", "residual")]
        rows.append(
            [
                index_cell(samples, row),
                Cell(line["verdict"], warns=True),
                Cell(reason(samples, row)),
                *ratios,
            ]
        )
    return Table("Leverage and residual are in units of their limits; the furthest first.", columns, rows)


def index_column(samples):
    """The column of the index, with the names of the ids below it."""
    return Column("index", small=", ".join(samples.table.ids))


def index_cell(samples, row):
    """The index of a sample, and its ids."""
    index, *ids = samples.labels[row]
    return Cell(index, ", ".join(ids))


def beyond_told(samples, row, place):
    """'above 34.1' where a prediction is beyond what was measured, else ''."""
    side = samples.beyond[row, place]
    limit = samples.model.y_max_[place] if side > 0 else samples.model.y_min_[place]
    return f"{'above' if side > 0 else 'below'} {brief(limit)}" if side else ""
