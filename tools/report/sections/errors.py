"""Where it errs: against depth, at which sites."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from tools.report.figures import by_site, by_target
from tools.report.parts import LINES, Section, card, chosen
from tools.report.words import by, plain, r2_text

DRIFT = 0.2  # rank correlation of error and depth


def site_errors(study):
    """Root mean square error of each site over its rows and targets, in standard deviations; (n_sites,)."""
    squares = np.nanmean(study.errors(study.hardest) ** 2, axis=1)
    return np.sqrt([np.nanmean(squares[study.sites[1] == place]) for place in range(len(study.sites[0]))])


def errors_section(study):
    """Residuals against depth and against site."""
    section = Section("errors", "Where it errs", legend=study.sites is not None)
    if study.depth is None:
        section.nothing.append("No depth in the file, so no figure of errors against depth.")
    if study.sites is None:
        section.nothing.append(
            f"No sites in the file (no id column {study.group}), so no figure of errors by site."
        )
    else:
        section.cards += site_cards(study)
    if study.depth is None and study.sites is None:
        return section
    section.lead = [
        f"Errors, predicted less measured, {by(study.hardest)}, in standard deviations (SD) of the target. Errors that "
        "drift with depth or stand apart at one site tell of rock that the other sites do not have."
    ]
    errors = study.errors(study.hardest)
    names, site = ([], None) if study.sites is None else study.sites
    for place in chosen(study):
        name, error = list(study.targets)[place], errors[:, place]
        how = 2.1, by_site.residuals, error, study.depth, site, study.colours, study.site_colours, names
        section.cards.append(card(f"errors{place}", name, drift(study, error), *how))
    return section


def site_cards(study):
    """The error of each site, and of each target at each site."""
    names = study.sites[0]
    rms = site_errors(study)
    order = np.argsort(-rms)
    seen = f"Worst first; dashed, the median. {study.group} {names[order[0]]} is the hardest."
    bars = [str(names[k]) for k in order], {"error": rms[order]}, "error, SD (root mean square over targets)"
    how = by_target.rows_height(len(names)), by_target.rows, *bars
    marks = {"limits": (0, rms.max()), "marks": (float(np.median(rms)),)}
    return [card("siterms", "Error of each site", seen, *how, **marks), *heat_cards(study)]


def heat_cards(study):
    """The mean error of each target at each site, in two parts where there are many targets."""
    (names, place), errors = study.sites, study.errors(study.hardest)
    mean = pd.DataFrame(errors).groupby(place).mean().T.to_numpy()  # (n_targets, n_sites)
    worst = np.unravel_index(np.nanargmax(np.abs(mean)), mean.shape)
    captions = [
        f"Orange: predicted too high; blue: too low; full colour from {by_site.FULL:g} SD; none where it is right. "
        f"Strongest: {study.targets.columns[worst[0]]} at {study.group} {names[worst[1]]}, {plain(mean[worst])} SD.",
        "Continued. A column of colour from top to bottom is a site unlike the others.",
    ]
    title, cards = "Mean error of each target", []
    parts = np.array_split(np.arange(len(mean)), 1 if len(mean) <= LINES else 2)
    for k, (part, seen) in enumerate(zip(parts, captions, strict=False)):
        shown = mean[part], list(study.targets.columns[part]), list(names)
        height = by_target.rows_height(max(map(len, parts)))
        cards.append(card(f"heat{k}", title + ", continued" * k, seen, height, by_site.heat, *shown))
    return cards


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
        told.append(f"Median furthest from 0 at {study.group} {names[middle.abs().idxmax()]}.")
    return " ".join(told)
