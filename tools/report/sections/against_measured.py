"""Predicted against measured of every target, with bounds."""

import numpy as np

from recore.marks import MARKS
from tools.report.figures.by_target import bounded
from tools.report.parts import Cards, More, Section, card
from tools.report.sections.elements import known_of
from tools.report.words import r2_text, rough
from tools.trust.coverage import COVERAGE

FIRST = 12  # targets shown at once
WORSE = 0.2  # R² by row less R² by site, from which a target is much worse on new sites
TOO_FLAT = 1.15  # slope of measured on predicted from which high values come out too low


def against_measured_section(study):
    """Those that can be reported at once, the others behind a click."""
    section = Section("against", "Predicted and measured", legend=study.sites is not None)
    section.lead = [
        f"Each sample, held out {study.by(study.hardest)}. On the line a prediction is right. The grey bars are its bounds, which "
        f"should hold the assay {COVERAGE:.0%} of the time; where a bar misses the line, it is orange. A cloud flatter "
        "than the line means that high values come out too low."
    ]
    known = {one.name: one for one in known_of(study)}
    names = list(study.targets)
    order = np.argsort(-np.nan_to_num(study.of("R2", study.hardest), nan=-np.inf), kind="stable")
    cards = [scatter(study, place, known[names[place]]) for place in order]
    good = sum(known[names[place]].mark in ("quantities", "screening") for place in order)
    first = min(max(good, 4), FIRST)
    section.parts = [Cards(cards[:first])]
    if cards[first:]:
        section.parts.append(
            More(
                f"{len(cards) - first} more, down to R² {r2_text(study.of('R2', study.hardest)[order[-1]])}",
                [Cards(cards[first:])],
            )
        )
    return section


def scatter(study, place, known):
    """One target."""
    bounds = study.trusted["site, bounds by row" if study.hardest == "site" else study.hardest][0][
        :3, :, place
    ]
    where = study.colours, study.site, study.shapes
    measured = study.targets.iloc[:, place].to_numpy()
    return card(
        f"scatter{place}", known.name, remark(study, known), "small", 240, bounded, measured, bounds, *where
    )


def remark(study, known):
    """R² and RMSE of a target, and what is striking about them."""
    told = "; ".join(f"R² {r2_text(r2)} {way}" for way, (r2, *_) in known.figures.items())
    hardest, *others = (r2 for r2, *_ in known.figures.values())
    rmse = next(iter(known.figures.values()))[2]
    told += f". RMSE {rough(rmse)}{' ' + next(iter(known.figures)) if others else ''}"
    if hardest < MARKS["weak"]:
        told += f". Not for a {study.new}"
    elif others and others[-1] - hardest > WORSE:
        told += f". Much worse for a {study.new}"
    elif study.measures.loc[(study.hardest, known.name), "slope"] > TOO_FLAT:
        told += ". Spread too little"
    return told + "."
