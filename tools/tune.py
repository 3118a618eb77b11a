"""Search the preprocessing: range, window width, and the usual alternatives to scaling.

    python -m tools.tune data/public/public.csv.gz             # some 300 settings
    python -m tools.tune data/public/public.csv.gz --nested    # and what the search is worth

Each setting is scored by the estimator's closed-form leave-one-out and, where there are sites, leave-
one-site-out: a fit a setting. The score is the official one where the 49 targets are there, else the
mean R² over targets. The search has an alpha a decade; all else has the model's own grid.

The winner is the simplest setting (fewest features, then least treatment) within one standard error
of the best. Candidates are those that beat every simpler one; they and the best meet once more on the
same folds, and the standard error is that of their difference in score, by jackknife over the folds.

--nested searches anew inside every training half, takes the best by closed form, and compares it with
the present setting on the rows held out. Only this says what tuning gains: a winner's own score is too
good, on few rows by far. Alpha is chosen by leaving out rows in both, as tools.validate's "site" does.

Written to reports/NAME/: tune.csv, tune.png and, nested, tune_nested.csv.
"""

import argparse
import os
import time
from itertools import product
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import delayed
from scipy.signal import savgol_filter
from threadpoolctl import threadpool_limits

import preprocess
import score
from mdl import ZeroClippedRidgeCV
from tools.output import markdown, report_folder
from tools.spectra import read_spectra
from tools.validate.cross_validation import fit_predict, held_out, in_turn, predict_fold, quiet
from tools.validate.folds import schemes, usable

STEPS = 17  # parts of the axis that a range may leave out; 100 channels of 1,700
STARTS, ENDS = (0, 2), (0, 1, 2, 3, 4, 6)  # parts left out at either end
WIDTHS = (5, 7, 10, 15, 20)  # channels a window
NARROW = (1, 3)  # channels; they cost as much as all the others, so for the present treatment only
TREATMENTS = ("none", "max", "max, cut", "snv", "derivative")  # simplest first
PRESENT = "max"  # what preprocess.scale does: channels outside the range stay, clipped
DERIVATIVE = {"window_length": 21, "polyorder": 2, "deriv": 1}  # Savitzky-Golay, after SNV
SEARCH_ALPHAS = tuple(10.0**power for power in range(-5, 6))
FINALISTS = 10  # at most
FOLDS = 10  # of the finalists, and of --nested
SHOWN = 10  # settings printed


class Search(ZeroClippedRidgeCV):
    """The project's model, in the time that a search has."""

    with_bounds = False


class Setting(NamedTuple):
    """How spectra become features."""

    treatment: str
    start: int  # first channel of the range
    left_out: int  # channels after the range
    width: int  # channels a window

    def __str__(self):
        return f"{self.treatment} [{self.start}:{-self.left_out or ''}] × {self.width}"


def present():
    """The setting of preprocess.py."""
    reference = preprocess.SCALE_RANGE
    return Setting(PRESENT, reference.start, -reference.stop, preprocess.WINDOW)


def settings_of(n_channels):
    """The settings to search, the present one among them."""
    step = n_channels // STEPS
    ranges = [(start * step, end * step) for start, end in product(STARTS, ENDS)]
    found = [Setting(t, *at, width) for t, at, width in product(TREATMENTS, ranges, WIDTHS)]
    found += [Setting(PRESENT, *at, width) for at in ranges if at[0] == 0 for width in NARROW]
    return list(dict.fromkeys([*found, present()]))


def treat(spectra, setting):
    """Spectra (n, c) as windows are to sum them, (n, c) or fewer channels; NaN where it cannot be done."""
    kept = slice(setting.start, spectra.shape[1] - setting.left_out)
    cut = spectra[:, kept]
    if setting.treatment == "none":
        return cut
    with np.errstate(divide="ignore", invalid="ignore"):
        if setting.treatment in ("snv", "derivative"):
            scaled = (cut - cut.mean(axis=1, keepdims=True)) / cut.std(axis=1, keepdims=True)
            return scaled if setting.treatment == "snv" else savgol_filter(scaled, **DERIVATIVE)
        scaled = preprocess.scale(spectra, kept)
        scaled = scaled[:, kept] if setting.treatment == "max, cut" else scaled
        return np.where(cut.max(axis=1, keepdims=True) > 0, scaled, np.nan)


def features(spectra, setting):
    """The features (n, p) of a setting."""
    return preprocess.window_sums(treat(spectra, setting), setting.width)


def total(targets, r2):
    """One score of the targets' R² (..., t): the official one where it is defined, else their mean."""
    official = list(targets) == list(score.WEIGHTS)
    return r2 @ np.array(list(score.WEIGHTS.values())) if official else r2.mean(axis=-1)


# --- the search ---------------------------------------------------------------------


def score_settings(spectra, targets, settings, trainings):
    """Closed-form scores, (settings, trainings), of settings that differ in width only."""
    found, treated = np.full((len(settings), len(trainings)), np.nan), treat(spectra, settings[0])
    with threadpool_limits(1), quiet():
        for at, setting in enumerate(settings):
            X = preprocess.window_sums(treated, setting.width)
            if not np.isfinite(X).all():
                continue
            for k, (rows, sites) in enumerate(trainings):
                model = Search(SEARCH_ALPHAS).fit(X[rows], targets.values[rows], groups=sites)
                found[at, k] = total(targets, model.cv_r2_)
    return found


def search(spectra, targets, settings, trainings, jobs):
    """Closed-form scores of every setting.

    Parameters
    ----------
    spectra : ndarray of shape (n_rows, n_channels)
    targets : DataFrame of shape (n_rows, n_targets)
    settings : list of Setting
    trainings : list of (rows, sites of these rows or None)
        What to fit, and whether to leave out rows or sites.
    jobs : int
        Processes.

    Returns
    -------
    ndarray of shape (n_settings, n_trainings)
        NaN where a setting cannot be applied.
    """
    parts = {}
    for at, setting in enumerate(settings):
        parts.setdefault(setting[:3], []).append(at)
    parts = sorted(parts.values(), key=lambda places: min(settings[at].width for at in places))
    calls = (
        delayed(score_settings)(spectra, targets, [settings[at] for at in places], trainings)
        for places in parts
    )
    found = np.empty((len(settings), len(trainings)))
    for places, part in zip(parts, in_turn(calls, len(parts), jobs, "search"), strict=True):
        found[places] = part
    return found


# --- the winner ---------------------------------------------------------------------


def simplicity(setting, n_channels):
    """Number of features, then place among TREATMENTS; the smaller the simpler."""
    cut = 0 if setting.treatment == PRESENT else setting.start + setting.left_out
    return -((cut - n_channels) // setting.width), TREATMENTS.index(setting.treatment)


def front(settings, scores, n_channels):
    """Places of the settings that beat every simpler one, simplest first; the best is the last."""
    order = sorted(range(len(settings)), key=lambda at: (simplicity(settings[at], n_channels), -scores[at]))
    found, most = [], -np.inf
    for at in order:
        if scores[at] > most:
            found.append(at)
            most = scores[at]
    return found[-FINALISTS:]


def jackknife(targets, one, other, folds):
    """Score of one set of held-out predictions less that of another, and its standard error."""
    actual = targets.to_numpy()

    def difference(rows):
        r2 = [score.r2(actual[rows], predicted[rows]) for predicted in (one, other)]
        return total(targets, r2[0]) - total(targets, r2[1])

    without = np.array([difference(folds != fold) for fold in np.unique(folds)])
    n = len(without)
    return difference(np.full(len(actual), True)), np.sqrt(
        (n - 1) / n * np.square(without - without.mean()).sum()
    )


def choose(spectra, targets, settings, scores, folds, jobs):
    """The simplest setting within one standard error of the best.

    Returns
    -------
    winner, best : int
        Places in `settings`.
    behind, error : float
        How far the winner's score is behind the best's on `folds` (n_rows,), and the standard error.
    """
    *simpler, best = front(settings, scores, spectra.shape[1])

    def predict(at):
        X = features(spectra, settings[at])
        return held_out(fit_predict, X, targets.to_numpy(), folds[None], jobs=jobs, label="finalists")[0][0]

    of_best = predict(best)
    for at in simpler:
        behind, error = jackknife(targets, of_best, predict(at), folds)
        if behind <= error:
            return at, best, behind, error
    return best, best, 0.0, 0.0


def nested(spectra, targets, settings, folds, sites, jobs):
    """R² of each target on rows held out: the present setting, and the one found in each training half.

    Returns
    -------
    DataFrame of shape (n_targets, 2)
        Columns "present" and "tuned".
    list of Setting
        What was found, fold by fold.
    """
    Y = targets.to_numpy()
    tests = [folds == fold for fold in np.unique(folds)]
    trainings = [(~test, None if sites is None else sites[~test]) for test in tests]
    scores = search(spectra, targets, settings, trainings, jobs)
    found = [settings[at] for at in np.nanargmax(scores, axis=0)]
    predicted = {"present": np.empty(Y.shape), "tuned": np.empty(Y.shape)}
    for test, setting in zip(tests, found, strict=True):
        for name, used in (("present", present()), ("tuned", setting)):
            X = features(spectra, used)
            predicted[name][test] = predict_fold(fit_predict, X, Y, test, None, 1.0)[0]
    r2 = {name: score.r2(Y, values) for name, values in predicted.items()}
    return pd.DataFrame(r2, targets.columns), found


# --- results ------------------------------------------------------------------------


def heat_map(found, by, path):
    """Draw the score over range end and window width, for the present treatment of the whole start."""
    shown = found[(found["treatment"] == PRESENT) & (found["start"] == 0)]
    figure, panels = plt.subplots(1, len(by), figsize=(5 * len(by), 3.6), layout="constrained", squeeze=False)
    for panel, name in zip(panels[0], by, strict=True):
        grid = shown.pivot_table(name, "width", "left_out")
        image = panel.imshow(grid, cmap="viridis", aspect="auto", origin="lower")
        panel.set_xticks(range(grid.shape[1]), [f"−{end}" if end else "all" for end in grid.columns])
        panel.set_yticks(range(grid.shape[0]), grid.index)
        panel.set(title=name, xlabel="range end, channels", ylabel="window, channels")
        for (row, column), value in np.ndenumerate(grid.to_numpy()):
            if np.isfinite(value):
                dark = value < np.nanmean([np.nanmin(grid), np.nanmax(grid)])
                colour = "white" if dark else "black"
                panel.text(column, row, f"{value:.3f}", ha="center", va="center", fontsize=7, color=colour)
        figure.colorbar(image, ax=panel, label="score")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def best_settings(settings, scores, by):
    """Lines of a table: the best settings by the last column, and the present one."""
    order = list(np.argsort(-scores[:, -1])[:SHOWN])
    order += [at for at in [settings.index(present())] if at not in order]
    rows = [[str(settings[at]), *(f"{value:.4f}" for value in scores[at])] for at in order]
    yield from markdown(["treatment [range] × window", *by], rows)


def winners(name, spectra, targets, settings, scores, folds, jobs):
    """Lines on the winner of all settings, on that of the present treatment, and its constants."""
    ours = [at for at, setting in enumerate(settings) if setting.treatment == PRESENT]
    for of_what, places in (("all treatments", range(len(settings))), ("preprocess.py's own", ours)):
        some, their = [settings[at] for at in places], scores[places]
        winner, best, behind, error = choose(spectra, targets, some, their, folds, jobs)
        yield f"{name}, {of_what}: {some[winner]}, {their[winner]:.4f}"
        if winner != best:
            place = f"{abs(behind):.4f} {'behind' if behind > 0 else 'ahead of'} {some[best]}"
            yield f"  {place} on the same folds, standard error {error:.4f}"
    won = some[winner]
    yield f"  SCALE_RANGE = slice({won.start}, {-won.left_out or None}); WINDOW = {won.width}"


def run_nested(spectra, targets, settings, folds, left_out, folder, jobs):
    """Print and write what tuning gains."""
    parts = []
    for name, drawn in folds.items():
        r2, used = nested(spectra, targets, settings, drawn, left_out[name], jobs)
        r2.loc["score"] = total(targets, r2.to_numpy().T)
        parts.append(r2.add_suffix(f", by {name}"))
        print(f"\nfound inside the training halves by {name}: {', '.join(sorted(map(str, set(used))))}")
    gains = pd.concat(parts, axis=1)
    gains.to_csv(folder / "tune_nested.csv", index_label="target")
    rows = [[str(target), *(f"{value:.3f}" for value in line)] for target, line in gains.iterrows()]
    print("\n" + "\n".join(markdown(["R², nested", *gains], rows)))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", default="data/public/public.csv.gz", help="(%(default)s)")
    parser.add_argument("--group", default="SiteID", help="id to leave out as a whole (%(default)s)")
    parser.add_argument("--nested", action="store_true", help="what tuning gains, on rows held out")
    parser.add_argument("--folds", type=int, default=FOLDS, help="of --nested (%(default)s)")
    parser.add_argument("--fold-file", help="CSV with the index and a column Fold, instead of drawing rows")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (%(default)s)")
    arguments = parser.parse_args(argv)
    arguments.repeats = 1

    table = preprocess.read_table(arguments.file)
    spectra = read_spectra(arguments.file).to_numpy()
    targets = usable(table.targets, arguments.folds)
    sites = table.ids[arguments.group].to_numpy() if arguments.group in table.ids else None
    plan = schemes(table, arguments)
    folds = {name: drawn[0] for name, (drawn, inside) in plan.items() if inside is None}
    left_out = {name: sites if name == "site" else None for name in folds}
    by = [f"leave one {'site' if name == 'site' else 'row'} out" for name in folds]
    folder, settings = report_folder(arguments.file), settings_of(spectra.shape[1])

    start = time.perf_counter()
    everything = [(np.full(len(spectra), True), inside) for inside in left_out.values()]
    scores = search(spectra, targets, settings, everything, arguments.jobs)
    seconds = time.perf_counter() - start
    found = pd.DataFrame(settings).assign(**dict(zip(by, scores.T, strict=True)))
    found.to_csv(folder / "tune.csv", index=False)
    heat_map(found, by, folder / "tune.png")
    what = "official score" if list(targets) == list(score.WEIGHTS) else "mean R²"
    print(f"{what}; {len(settings)} settings in {seconds:.0f} s, {arguments.jobs} processes\n")
    print("\n".join(best_settings(settings, scores, by)) + "\n")
    for name, each, drawn in zip(by, scores.T, folds.values(), strict=True):
        print("\n".join(winners(name, spectra, targets, settings, each, drawn, arguments.jobs)))
    if arguments.nested:
        run_nested(spectra, targets, settings, folds, left_out, folder, arguments.jobs)
    print(f"\nwrote {folder}/")


if __name__ == "__main__":
    preprocess.run(main)
