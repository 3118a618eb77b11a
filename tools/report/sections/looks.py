"""The model itself: its coefficients beside known bands, its alphas, and its learning curve."""

import numpy as np
from scipy.signal import find_peaks

from tools.demo_data.tables import BANDS
from tools.report.figures import by_spectrum, by_target
from tools.report.figures.style import power
from tools.report.parts import Section, card, chosen, lined
from tools.report.words import by, counted, listed

RISING = 0.01  # R² that the last quarter of the samples still brought
PROMINENT = 0.15  # of a peak's height in a correlation
STRONG = 0.1  # of a band in bands.csv; weaker ones are not marked
LANES = {  # kinds of bands, by what bands.csv calls their motion
    "O–H": "OH stretch|interlayer OH",
    "water": "water|HOH",
    "C–O": "CO3",
    "S–O": "SO4",
    "P–O": "PO4",
    "Si–O": "Si-O|O-Si-O|Al-O|Si-Al|Si-Si",
    "O–H bend": "OH bend",
    "metal–O": "Fe-O|Ti-O",
}


def coefficients_section(study):
    """Coefficients of every target against wavenumber, known bands marked."""
    section = Section("coefficients", "What the model looks at")
    section.lead = [
        "Orange: how each channel goes along with the predictions, as a correlation (after Haufe et al. 2014, "
        "NeuroImage 87, 96). Its peaks tell which minerals' bands the model follows; that they are bands of a mineral that "
        "carries the element, or goes along with it, is what a geochemist would hope for. A band nearby is a hint, not "
        "a proof.",
        "Blue: the coefficients, in standard deviations (SD) of the target for one SD of a feature, of the model fitted to "
        "all spectra. They are jagged since neighbouring channels carry the same and the model takes differences: "
        "do not read a single peak of them as a mineral.",
    ]
    if not study.numbered:
        section.nothing.append("The channels are not named by wavenumber, so no bands are marked.")
    if study.percent:
        section.lead.append(
            "These are spectra of reflectance: more absorption is less of it, and bands point down."
        )
    predicted = study.models["row"].predict(study.table.features)
    cards = {k: coefficient_card(study, k, predicted[:, k]) for k in range(predicted.shape[1])}
    section.cards = [cards.pop(place) for place in chosen(study)]
    section.more, section.more_title = list(cards.values()), f"The other {counted(len(cards), 'target')}"
    if study.numbered:
        sources = "; ".join(sorted(BANDS["source"].unique()))
        caption = (
            f"Published bands, strong ones tall, from {sources}. The ticks above the coefficients are those of "
            f"strength {STRONG} or more."
        )
        known = card(
            "bands", "Known bands of minerals", caption, 5.8, by_spectrum.known_bands, BANDS, study.axis
        )
        section.more.insert(0, known)
        others = f", and {section.more_title.lower()}" if cards else ""
        section.more_title = "The bands of each mineral" + others
    return section


def coefficient_card(study, place, predicted):
    """The coefficients of one target."""
    X, y = study.table.features.to_numpy(), study.targets.iloc[:, place]
    spread = X.std(axis=0)
    values = study.models["row"].coef_[place] * spread / (y.std() or 1)
    covariance = (predicted - predicted.mean()) @ (X - X.mean(axis=0)) / len(X)
    scale = spread * predicted.std()
    pattern = np.divide(covariance, scale, where=scale > 0, out=np.zeros_like(scale))
    strong = BANDS[BANDS["strength"] >= STRONG]
    lanes = {
        name: strong.loc[strong["motion"].str.contains(kind), "centre_cm1"].to_numpy()
        for name, kind in LANES.items()
    }
    seen = "Which minerals cannot be told: the channels have no wavenumbers."
    if study.numbered:
        seen = peaks_text(study.axis, -pattern if study.percent else pattern, strong)
    how = (
        3.4 if study.numbered else 2.6,
        by_spectrum.coefficients,
        study.axis,
        values,
        pattern,
        study.numbered,
        lanes,
    )
    return card(f"coef{place}", y.name, seen, *how)


def peaks_text(wavenumbers, pattern, bands, most=3):
    """The most prominent peaks of what goes along with a target, and the nearest band of each."""
    peaks, found = find_peaks(pattern, prominence=PROMINENT)
    told = []
    for at in wavenumbers[peaks[np.argsort(-found["prominences"])][:most]]:
        away = (bands["centre_cm1"] - at).abs()
        near = bands.assign(away=away)[away <= bands["width_cm1"] / 2].nsmallest(1, "away")
        told += [f"{at:.0f} ({band.mineral} {band.centre_cm1:.0f})" for band in near.itertuples()] or [
            f"{at:.0f}"
        ]
    if not told:
        return "No peak stands out."
    return f"Goes with more absorption at {', '.join(told)} cm⁻¹; in brackets, the nearest known band."


def alphas_section(study):
    """The regularisation strengths on their grid."""
    names = np.array(list(study.targets))
    grid = study.models["row"].alphas_
    series = {f"leaving out a {name}": model.alpha_ for name, model in study.models.items()}
    at_edge = {
        name: names[(model.alpha_ == grid.min()) | (model.alpha_ == grid.max())]
        for name, model in study.models.items()
    }
    told = [f"{listed(found)} (leaving out a {name})" for name, found in at_edge.items() if len(found)]
    edges = f"On the grid's edge: {'; '.join(told)}: there a wider grid may do better." if told else (
        "None lies on the grid's edge, so a wider grid would change nothing."
    )  # fmt: skip
    lead = [
        f"α pulls coefficients to 0: more of it where the spectra say less. The ticks at the top are the grid, its edges dashed: {len(grid)} values from "
        f"{power(grid.min())} to {power(grid.max())}, tried for each target by itself. {edges}"
    ]
    if len(series) > 1:
        lead.append("Where leaving out sites asks for much more, rows of one site resemble each other.")
    section = Section("alphas", "How strongly it is held back", lead)
    order = np.argsort(study.models["row"].alpha_, kind="stable")
    section.cards = lined(
        study,
        "alpha",
        "α of each target",
        "Weakest first. A dot on a dashed line is one that the grid holds back.",
        order,
        by_target.alphas,
        series,
        grid,
    )
    return section


def curve_section(study):
    """Score against the number of samples."""
    parts = dict(list(study.curve.groupby("held out by", sort=False)))
    gains = {name: part["mean R2"].diff().iloc[-1] for name, part in parts.items()}
    said = " and ".join(f"{gain:+.3f} {by(name)}".replace("-", "−") for name, gain in gains.items())
    verdict = "still rises: more samples would help" if max(gains.values()) > RISING else (
        "is nearly level: more samples of the same kind would bring little"
    )  # fmt: skip
    section = Section("curve", "Would more samples help?")
    section.lead = [
        "The same held-out rows, predicted from a quarter, half, three quarters and all of each training half, drawn at "
        f"random. The last quarter changed mean R² by {said}. The curve {verdict}."
    ]
    if "site" in parts:
        section.lead.append("Samples are added, not sites: what new sites would bring may be more.")
    for name in ("mean R2", "official score"):
        if name in study.curve:
            label = name.replace("R2", "R²")
            curves = {
                by(k): (part["training rows"].to_numpy(), part[name].to_numpy()) for k, part in parts.items()
            }
            title, seen = (
                label[0].upper() + label[1:],
                "A line that still climbs at its right end asks for more samples.",
            )
            how = 2.7, by_target.lines, curves, "spectra to learn from", label
            section.cards.append(card(f"curve-{name.split()[0]}", title, seen, *how))
    return section
