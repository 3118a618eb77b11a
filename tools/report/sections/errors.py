"""Where it errs: at which sites, at which depth."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from tools.report.figures import by_site
from tools.report.figures.by_target import rows_height
from tools.report.parts import Cards, More, Section, card
from tools.report.words import plain, r2_text

DRIFT = 0.2  # rank correlation of error and depth
SHOWN = 6  # targets, the best


def errors_section(study):
    """Errors by site at once, those of single targets behind a click; None where there is neither site nor depth."""
    varies = np.isfinite(study.errors(study.hardest)).any(axis=0)
    if (study.depth is None and study.sites is None) or not varies.any():
        return None
    section = Section("errors", "Where does it err?", legend=study.sites is not None)
    section.lead = [
        f"Errors, predicted less measured, {study.by(study.hardest)}, in standard deviations (SD) of the {study.noun}."
    ]
    if study.sites is not None:
        section.parts = [Cards([heat_card(study)])]
    r2 = np.where(varies, np.nan_to_num(study.of("R2", study.hardest), nan=-np.inf), -np.inf)
    best = np.argsort(-r2, kind="stable")[: min(SHOWN, varies.sum())]
    panels = " and ".join(
        ([] if study.depth is None else ["depth"]) + ([] if study.sites is None else [study.unit])
    )
    single = [Cards([residual_card(study, place) for place in best])]
    section.parts.append(More(f"Errors against {panels}, of the {len(best)} best predicted", single))
    return section


def residual_card(study, place):
    """Errors of one target against depth and site."""
    error = study.errors(study.hardest)[:, place]
    site = None if study.sites is None else study.site
    what = by_site.residuals, error, study.depth, site, study.colours, study.site_styles[0], study.unit
    return card(f"errors{place}", study.targets.columns[place], drift(study, error), "half", 230, *what)


def heat_card(study):
    """The mean error of each target at each site."""
    (names, place), errors = study.sites, study.errors(study.hardest)
    mean = pd.DataFrame(errors).groupby(place).mean().T.to_numpy()  # (n_targets, n_sites)
    worst = np.unravel_index(np.nanargmax(np.abs(mean)), mean.shape)
    order = np.argsort(-np.nan_to_num(study.of("R2", study.hardest), nan=-np.inf), kind="stable")
    seen = (
        f"Orange, predicted too high; blue, too low; full colour from {by_site.FULL:g} SD. A column of colour from top to "
        f"bottom is a {study.unit} unlike the others. Strongest: {study.targets.columns[worst[0]]} at {study.unit} "
        f"{names[worst[1]]}, {plain(mean[worst], 2)} SD."
    )
    shown = mean[order], list(study.targets.columns[order]), list(names), study.unit
    heading = f"Mean error of each {study.noun} at each {study.unit}"
    return card("heat", heading, seen, "wide", rows_height(len(mean)) + 30, by_site.heat, *shown)


def drift(study, error):
    """What is striking about the errors of a target."""
    told = []
    if study.depth is not None:
        known = ~np.isnan(error) & ~np.isnan(study.depth)
        slope = spearmanr(error[known], study.depth[known]).statistic
        word = "No drift" if abs(slope) < DRIFT else "Drifts"
        told.append(f"{word} with depth (rank correlation {r2_text(slope)}).")
    if study.sites is not None:
        names, place = study.sites
        middle = pd.Series(error).groupby(place).median()
        told.append(f"Median furthest from 0 at {study.unit} {names[middle.abs().idxmax()]}.")
    return " ".join(told)
