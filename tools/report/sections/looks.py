"""What the model looks at: how channels go along with predictions, and which known bands are there."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from recore.marks import MARKS
from tools.report.bands import MOST, NEAR, named, peaks_of
from tools.report.figures.by_spectrum import correlations
from tools.report.parts import Cards, More, Section, card
from tools.report.words import counted, listed

ONE = 0.95  # correlation of curves, from which they are called one
FIRST = 8  # figures at once
NAMES = 2  # materials that a peak may be named after, in a figure


def patterns(study):
    """How each feature goes along with each target's predictions, as a correlation; (n_targets, n_features).

    Haufe et al. 2014, NeuroImage 87, 96.
    """
    predicted, X = study.models["row"].predict(study.table.features), study.table.features.to_numpy()
    X, predicted = X - X.mean(axis=0), predicted - predicted.mean(axis=0)
    scale = np.outer(predicted.std(axis=0), X.std(axis=0))
    return np.divide(predicted.T @ X / len(X), scale, where=scale > 0, out=np.zeros(scale.shape))


def curves_alike(found):
    """Sets of curves (n, p) that are one: any two correlate with ONE or more; lists of places, the largest first."""
    if len(found) < 2:
        return [[place] for place in range(len(found))]
    with np.errstate(invalid="ignore", divide="ignore"):  # of a target that is predicted the same everywhere
        apart = 1 - np.nan_to_num(np.corrcoef(found))
    np.fill_diagonal(apart, 0)
    of = fcluster(linkage(squareform(apart, checks=False), "complete"), 1 - ONE, "distance")
    sets = [list(np.flatnonzero(of == number)) for number in np.unique(of)]
    return sorted(sets, key=lambda places: (-len(places), places[0]))


def looks_section(study):
    """A figure for each curve that is not another target's, too."""
    section = Section("looks", "What does the model look at?")
    section.lead = [
        "How each channel goes along with the predictions, as a correlation (after Haufe et al. 2014, NeuroImage 87, 96). "
        f"Where the curves of several {study.noun}s correlate with {ONE} or more, they are drawn as one: the spectra then tell of "
        "one thing that goes along with all of these, and no band is one's own."
    ]
    r2 = np.nan_to_num(study.of("R2", study.hardest), nan=-np.inf)
    told = np.argsort(-r2, kind="stable")[: (r2 >= MARKS["weak"]).sum()]
    without = [study.targets.columns[place] for place in range(len(r2)) if place not in told]
    if without:
        section.lead.append(f"Without a curve, as what is no skill has no reason: {listed(without, 12)}.")
    if not len(told):
        return section
    found = patterns(study)[told]
    cards = [curve_card(study, told, found, places) for places in curves_alike(found)]
    section.parts = [Cards(cards[:FIRST])]
    if cards[FIRST:]:
        section.parts.append(More(f"{counted(len(cards) - FIRST, 'more curve')}", [Cards(cards[FIRST:])]))
    section.lead += bands_text(study)
    return section


def bands_text(study):
    """How peaks get their names, and from which lists."""
    if not study.numbered:
        yield "The channels are not named by wavenumber, so no band is named."
    elif study.settings.treatment in ("derivative", "both"):
        yield "The model sees slopes, whose peaks are not where bands are, so no band is named."
    elif not len(study.bands):
        yield "No band is named (--bands none)."
    else:
        yield (
            f"A peak is named after a band within {NEAR} cm⁻¹, if half or more of the material's strong bands, and two, are near peaks. "
            "A name is a hint, not a proof: what goes along with the material may be the reason. Another list: "
            f"--bands. These are from {'; '.join(sorted(study.bands['source'].unique()))}."
        )
        if study.percent:
            yield "These are spectra of reflectance: more absorption is less of it, and curves are turned round."


def curve_card(study, told, found, places):
    """One curve, of one target or of several."""
    names = [study.targets.columns[told[place]] for place in places]
    curves = found[places]
    if study.percent:
        curves = -curves
    peaks, materials = named_peaks(study, curves[0])
    marked = []
    for (at, height), some in zip(peaks, materials, strict=True):
        label = " / ".join(dict.fromkeys(name for name, _ in some[:NAMES]))
        if label:
            marked.append((at, height, label))
    several = f"{counted(len(names), study.noun)}, one curve: " if len(names) > 1 else ""
    title = several + listed(names, 6)
    key = f"looks{told[places[0]]}"
    return card(
        key,
        title,
        peaks_text(study, peaks, materials, names),
        "half",
        250,
        correlations,
        study.axis,
        curves,
        marked,
        study.numbered,
    )


def named_peaks(study, curve):
    """Peaks of a curve, [(wavenumber, height)], and what each may be named after."""
    if not study.numbered or study.settings.treatment in ("derivative", "both"):
        return [], []
    at, heights = peaks_of(study.axis, curve)
    materials = named(at, study.bands, study.axis.min(), study.axis.max())
    return list(zip(at[:MOST], heights[:MOST], strict=True)), materials[:MOST]


def peaks_text(study, peaks, materials, names):
    """The peaks of a curve, and the bands that they may be."""
    if not peaks:
        told = "No peak stands out." if study.numbered else "Channels without wavenumbers."
    else:
        each = []
        for (at, _), some in zip(peaks, materials, strict=True):
            near = " or ".join(f"{name} {centre:g}" for name, centre in some[:NAMES])
            each.append(f"{at:.0f}" + (f" ({near})" if near else ""))
        told = f"Goes with more absorption at {', '.join(each)} cm⁻¹."
        if not any(materials) and len(study.bands):
            told += " No listed material fits."
    if len(names) > 1:
        told += f" Orange is {names[0]}, grey {'is ' + names[1] if len(names) == 2 else 'are the others'}."
    return told
