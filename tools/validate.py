"""How good is the model on the next sample, and on the next drill hole: repeated cross-validation.

    python -m tools.validate data/public/public.csv.gz            # figures by row and by site
    python -m tools.validate data/public/public.csv.gz --peers    # other models on the same folds
    python -m tools.validate soil.csv --fold-file folds.csv       # on somebody else's folds

"By row" holds out rows, "by site" whole sites: no site is ever in both halves. Alpha is chosen
inside each training half, by leaving out rows; "by site, α by site" leaves out sites there as well.

Measures are those of the pooled held-out predictions of a repeat; a figure is their mean over the
repeats, ± its 95 % t interval. That interval tells how much the drawing of folds matters, not how
much another set of samples would. With as many folds as sites every repeat is the same: one is run.

Written to reports/NAME/: measures.csv, predictions.csv, learning_curve.csv, peers.csv, summary.json.
"""

import argparse
import json
import logging
import os
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import t as student
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import preprocess
import score
from mdl import ZeroClippedRidgeCV
from train import SITE

REPEATS, FOLDS = 5, 10
SHORT = 1, 3  # repeats and folds of --short
SHORT_TARGETS = 7  # of --short --peers, at most: SVR and PLS take a minute a fold for 49
SHARES = (0.25, 0.5, 0.75, 1.0)  # of a training half, for the learning curve
LEVEL = 0.95  # of the intervals
MEASURES = ("R2", "RMSE", "bias", "SEP", "slope", "RPD", "RPIQ")
LARGEST_ABSORBANCE = 5  # that instruments measure: a hundred-thousandth of the light
OVERALL = "mean"  # the row that stands for all targets
OURS = "ZeroClippedRidgeCV"


def fit_predict(X, Y, new, groups=None):
    """The project's own model, fitted to X (n, p) and Y (n, t); predictions (m, t) of `new` (m, p)."""
    try:
        return ZeroClippedRidgeCV().fit(X, Y, groups=groups).predict(new)
    except ValueError as error:  # a target whose assays leave a training half too little
        raise preprocess.DataError(f"in a fold: {error}") from None


# --- data ---------------------------------------------------------------------------


def read_spectra(path, rows=None):
    """The channels of a spectra file as they are, of all or the first rows: (n_rows, n_channels)."""
    layout, blocks = preprocess.open_table(path)
    parts, read = [], 0
    with closing(blocks):
        for index, cells_of, _ in blocks:
            parts.append(cells_of(layout, False).spectra)
            read += len(index)
            if rows is not None and read >= rows:
                break
    return pd.DataFrame(np.concatenate(parts)[:rows].astype(float), columns=layout.channels)


def in_percent(spectra):
    """Whether spectra (n_rows, n_channels) must be % reflectance, where bands point down."""
    return bool(np.median(spectra) > LARGEST_ABSORBANCE)


def usable(targets, folds):
    """The targets with two assays a fold or more; those left out are named on stderr."""
    enough = targets.notna().sum() >= 2 * folds
    if not enough.all():
        print(f"left out, too few assays: {', '.join(targets.columns[~enough])}", file=sys.stderr)
    if not enough.any():
        raise preprocess.DataError(
            f"found no target with {2 * folds} assays, expected one; give a file with assays, or fewer --folds"
        )
    return targets.loc[:, enough]


def read_folds(path, index):
    """The column Fold of a CSV file whose first column is the spectra file's index; (1, n_rows)."""
    folds = pd.read_csv(path, index_col=0)
    if "Fold" not in folds or not folds.index.is_unique or set(folds.index) != set(index):
        raise preprocess.DataError(
            f"{path}: found {len(folds)} rows and columns {', '.join(folds)}, expected a column Fold and "
            f"the {len(index)} indices of the spectra file, each once"
        )
    return folds.loc[index, "Fold"].to_numpy()[None]


def draw_folds(units, repeats, folds):
    """The fold that holds out each row, (repeats, n_rows); rows of one unit share it.

    One repeat only where each unit is a fold of its own, as another would be the same.
    """
    names, unit = np.unique(units, return_inverse=True)
    if len(names) < 3:
        raise preprocess.DataError(
            f"found {len(names)} sites or rows to hold out, expected 3 or more; use another --group"
        )
    if folds >= len(names):
        return unit[None]
    places = np.arange(len(names)) % folds
    return np.array([np.random.default_rng(seed).permutation(places)[unit] for seed in range(repeats)])


# --- cross-validation ---------------------------------------------------------------


def predict_fold(model, X, Y, test, groups, share):
    """Predictions of the rows `test` from a share of the others, and the seconds they took."""
    train = np.random.default_rng(0).permutation(np.flatnonzero(~test))
    train = np.sort(train[: round(share * len(train))])
    with threadpool_limits(1), quiet():
        start = time.perf_counter()
        inside = {} if groups is None else {"groups": groups[train]}
        return model(X[train], Y[train], X[test], **inside), time.perf_counter() - start


@contextmanager
def quiet():
    """Nothing but errors from mdl: an alpha on the grid's edge is no news in a fold or a search."""

    def is_error(record):
        return record.levelno >= logging.ERROR

    logging.getLogger("mdl").addFilter(is_error)
    try:
        yield
    finally:
        logging.getLogger("mdl").removeFilter(is_error)


def in_turn(calls, total, jobs, label):
    """Results of delayed calls in their order, from `jobs` processes, with a progress bar on a terminal."""
    results = Parallel(n_jobs=jobs, return_as="generator")(calls)
    return tqdm(results, label, total, leave=False, disable=not sys.stderr.isatty())


def held_out(model, X, Y, folds, *, groups=None, share=1.0, jobs=1, label=""):
    """Predictions of every row by a model that has not seen its fold.

    Parameters
    ----------
    model : callable
        (X, Y, new, groups=None) -> predictions of `new`; Y has NaN where an assay is missing.
    X : ndarray of shape (n_rows, n_features)
    Y : ndarray of shape (n_rows, n_targets)
    folds : ndarray of shape (n_repeats, n_rows)
        From `draw_folds`.
    groups : ndarray of shape (n_rows,), optional
        Handed to the model, so that it chooses alpha by site.
    share : float
        Of each training half, what the model gets.
    jobs : int
        Processes.
    label : str
        Beside the progress bar.

    Returns
    -------
    predicted : ndarray of shape (n_repeats, n_rows, n_targets)
    seconds : float
        To fit and predict a fold, on one thread; the mean.
    """
    tests = [(repeat, fold == k) for repeat, fold in enumerate(folds) for k in np.unique(fold)]
    calls = (delayed(predict_fold)(model, X, Y, test, groups, share) for _, test in tests)
    results = in_turn(calls, len(tests), jobs, label)
    predicted, seconds = np.empty((len(folds), *Y.shape)), 0.0
    for (repeat, test), (part, took) in zip(tests, results, strict=True):
        predicted[repeat, test] = part
        seconds += took / len(tests)
    return predicted, seconds


def cross_validate(X, Y, plan, jobs):
    """Held-out predictions of the project's model under each of `schemes`: {name: (n_repeats, n, t)}."""
    return {
        name: held_out(fit_predict, X, Y, folds, groups=sites, jobs=jobs, label=name)[0]
        for name, (folds, sites) in plan.items()
    }


def measures(actual, predicted):
    """What chemometrics reports of each target, missing assays left out.

    Parameters
    ----------
    actual, predicted : ndarray of shape (n_rows, n_targets)

    Returns
    -------
    ndarray of shape (n_targets + 1, n_measures)
        R2, RMSE, bias (predicted - measured), SEP (standard deviation of the errors), slope (of
        measured on predicted), RPD (standard deviation / RMSE), RPIQ (interquartile range / RMSE).
        The last row is the mean over targets, RMSE, bias and SEP in standard deviations of each.
    """
    predicted = np.where(np.isnan(actual), np.nan, predicted)
    error = predicted - actual
    centred = predicted - np.nanmean(predicted, axis=0)
    spread = np.nanstd(actual, axis=0, ddof=1)
    low, high = np.nanpercentile(actual, [25, 75], axis=0)
    rmse = np.sqrt(np.nanmean(error**2, axis=0))
    bias, sep = np.nanmean(error, axis=0), np.nanstd(error, axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # a constant target or prediction
        slope = np.nansum(actual * centred, axis=0) / np.nansum(centred**2, axis=0)
        ratios = slope, spread / rmse, (high - low) / rmse
        r2 = score.r2(actual, predicted)
        each = np.column_stack([r2, rmse, bias, sep, *ratios])
        same = np.column_stack([r2, rmse / spread, bias / spread, sep / spread, *ratios])
    return np.vstack([each, same.mean(axis=0)])


def over_repeats(values):
    """Mean over the first axis and half of its 95 % t interval (NaN for a single repeat)."""
    n, mean = len(values), values.mean(axis=0)
    if n == 1:
        return mean, np.full_like(mean, np.nan)
    return mean, student.ppf((1 + LEVEL) / 2, n - 1) * values.std(axis=0, ddof=1) / np.sqrt(n)


def mean_r2(actual, predicted):
    """Mean R2 over targets of each repeat, (n_repeats,)."""
    return np.array([score.r2(actual, once).mean() for once in predicted])


def official(targets, predicted):
    """The official score of each repeat, (n_repeats,); None without the 49 targets."""
    if list(targets) != list(score.WEIGHTS):
        return None
    return np.array([score.official_score(targets.to_numpy(), once) for once in predicted])


# --- results ------------------------------------------------------------------------


def schemes(table, arguments):
    """What to hold out: {name: (folds, sites or None)}, the sites where alpha is chosen by them."""
    n = len(table.features)
    if arguments.fold_file:
        found = {"given folds": (read_folds(arguments.fold_file, table.features.index), None)}
    else:
        found = {"row": (draw_folds(np.arange(n), arguments.repeats, arguments.folds), None)}
    if arguments.group not in (*table.ids, SITE, "none"):
        raise preprocess.DataError(
            f"--group: found no id column {arguments.group!r}, expected one of {', '.join(table.ids) or 'none'}; "
            "name one of them, or none"
        )
    if arguments.group in table.ids:
        sites = table.ids[arguments.group].to_numpy()
        folds = draw_folds(sites, arguments.repeats, arguments.folds)
        found["site"] = folds, None
        found["site, α by site"] = folds, sites
    return found


def measure_table(targets, predictions):
    """Measures of every scheme and target, with intervals; a DataFrame, one line each."""
    actual, parts = targets.to_numpy(), []
    for scheme, predicted in predictions.items():
        mean, half = over_repeats(np.array([measures(actual, once) for once in predicted]))
        part = pd.DataFrame(mean, columns=MEASURES)
        for name, interval in zip(MEASURES, half.T, strict=True):
            part[f"{name} ±"] = interval
        averaged = score.r2(actual, predicted.mean(axis=0))
        part["R2 of averaged predictions"] = [*averaged, averaged.mean()]
        part.insert(0, "target", [*targets, OVERALL])
        part.insert(1, "assays", [*targets.notna().sum(), int(targets.notna().to_numpy().sum())])
        part.insert(0, "held out by", scheme)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def prediction_table(table, targets, predictions, folds):
    """Held-out predictions beside ids, scheme, repeat and fold; a DataFrame."""
    parts = []
    for scheme, predicted in predictions.items():
        for repeat, once in enumerate(predicted):
            part = pd.DataFrame(once, targets.index, targets.columns)
            told = {"held out by": scheme, "repeat": repeat, "fold": folds[scheme][repeat]}
            parts.append(pd.concat([table.ids, pd.DataFrame(told, targets.index), part], axis=1))
    return pd.concat(parts)


def learning_curve(X, targets, plan, jobs):
    """Score against the number of samples, on the folds of the first repeat; a DataFrame."""
    Y, lines = targets.to_numpy(), []
    for scheme, (folds, sites) in plan.items():
        if sites is not None:
            continue
        for share in SHARES:
            predicted, _ = held_out(fit_predict, X, Y, folds[:1], share=share, jobs=jobs, label="curve")
            rows = round(share * len(Y) * (1 - 1 / len(np.unique(folds[0]))))
            line = {"held out by": scheme, "training rows": rows, "mean R2": mean_r2(Y, predicted)[0]}
            scored = official(targets, predicted)
            lines.append({**line, **({} if scored is None else {"official score": scored[0]})})
    return pd.DataFrame(lines)


def compare(models, targets, plan, jobs):
    """Accuracy and time of each model on the same folds; a DataFrame.

    `models` is {name: (fit and predict, X)}.
    """
    Y, lines = targets.to_numpy(), []
    for name, (model, X) in models.items():
        line, seconds = {"model": name}, []
        for scheme, (folds, sites) in plan.items():
            if sites is not None:
                continue  # only ours can choose by site
            predicted, took = held_out(model, X, Y, folds, jobs=jobs, label=name)
            seconds.append(took)
            line[f"R2 by {scheme}"], line[f"R2 by {scheme} ±"] = over_repeats(mean_r2(Y, predicted))
            scored = official(targets, predicted)
            if scored is not None:
                line[f"official by {scheme}"], line[f"official by {scheme} ±"] = over_repeats(scored)
            line |= {f"{t} by {scheme}": r2 for t, r2 in zip(targets, target_r2(Y, predicted), strict=True)}
        lines.append({**line, "seconds a fold": np.mean(seconds)})
    return pd.DataFrame(lines)


def target_r2(actual, predicted):
    """R2 of each target, the mean over repeats, (n_targets,)."""
    return np.mean([score.r2(actual, once) for once in predicted], axis=0)


def plus_minus(mean, half, form=".3f"):
    """'0.812 ± 0.004', without the interval where there is none."""
    return f"{mean:{form}}" + ("" if np.isnan(half) else f" ± {half:{form}}")


def markdown(header, rows):
    """Lines of a markdown table; every column but the first is of numbers."""
    yield "| " + " | ".join(header) + " |"
    yield "|-|" + "-:|" * (len(header) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def report(found):
    """Lines of the table of `measure_table`: the schemes side by side in every cell."""
    names = list(dict.fromkeys(found["held out by"]))
    yield f"In every cell, held out by: {' / '.join(names)}.\n"
    rows = []
    for target, part in found.groupby("target", sort=False):
        cells = [" / ".join(map(plus_minus, part["R2"], part["R2 ±"]))]
        cells += [" / ".join(f"{value:.3g}" for value in part[name]) for name in MEASURES[1:]]
        rows.append([target, f"{part['assays'].iloc[0]:,}", *cells])
    yield from markdown(["target", "assays", "R²", *MEASURES[1:]], rows)


def peer_report(found):
    """Lines of the table of `compare`."""
    shown = [name for name in found if name.startswith(("R2", "official")) and not name.endswith("±")]
    rows = []
    for _, line in found.iterrows():
        cells = [plus_minus(line[name], line[f"{name} ±"]) for name in shown]
        rows.append([line["model"], *cells, f"{line['seconds a fold']:.2g}"])
    yield from markdown(["model", *shown, "seconds a fold"], rows)


def report_folder(path):
    """reports/NAME of a spectra file, made."""
    folder = Path("reports") / preprocess.stem_of(preprocess.find_table(path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fold_parser(description):
    """A command line that says which file, and how to hold out."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("file", nargs="?", default="data/public/public.csv.gz", help="(%(default)s)")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="of the folds (%(default)s)")
    parser.add_argument("--folds", type=int, default=FOLDS, help="(%(default)s)")
    parser.add_argument(
        "--group", default=SITE, help="id that is never in both halves, or none (%(default)s)"
    )
    parser.add_argument("--fold-file", help="CSV with the index and a column Fold, instead of drawing rows")
    parser.add_argument("--short", action="store_true", help="one repeat of three folds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (%(default)s)")
    return parser


def arguments_of(parser, argv):
    """What a command line of `fold_parser` says, checked."""
    arguments = parser.parse_args(argv)
    if arguments.short:
        arguments.repeats, arguments.folds = SHORT
    if arguments.repeats < 1 or arguments.folds < 2:
        parser.error(f"expected --repeats >= 1 and --folds >= 2, got {arguments.repeats}, {arguments.folds}")
    return arguments


def run_peers(path, table, targets, plan, folder, jobs):
    """Print and write the table of the project's model and its peers."""
    from tools.peers import PEERS  # here, as the packages of the peers take seconds to load

    features = table.features.to_numpy()
    inputs = {"features": features, "spectra": read_spectra(path).to_numpy()}
    models = {OURS: (fit_predict, features)}
    models |= {name: (model, inputs[what]) for name, (model, what) in PEERS.items()}
    found = compare(models, targets, plan, jobs)
    found.to_csv(folder / "peers.csv", index=False)
    print(f"{len(features):,} rows, {len(targets.columns)} targets: {', '.join(targets)}\n")
    print("\n".join(peer_report(found)))


def run_ours(table, targets, plan, folder, jobs):
    """Print and write all figures of the project's model."""
    X, Y = table.features.to_numpy(), targets.to_numpy()
    folds = {name: drawn for name, (drawn, _) in plan.items()}
    predictions = cross_validate(X, Y, plan, jobs)
    found = measure_table(targets, predictions)
    found.to_csv(folder / "measures.csv", index=False)
    prediction_table(table, targets, predictions, folds).to_csv(folder / "predictions.csv")
    print("\n".join(report(found)) + "\n")

    summary = {}
    for name, predicted in predictions.items():
        repeats, n_folds = len(predicted), len(np.unique(folds[name][0]))
        told = {"repeats": repeats, "folds": n_folds, "mean R2": list(mean_r2(Y, predicted))}
        scored = official(targets, predicted)
        if scored is not None:
            told["official score"] = list(scored)
            said = plus_minus(*over_repeats(scored))
            print(f"official score, {repeats} × {n_folds} folds by {name}: {said}")
        summary[name] = told
    summary = {"rows": len(X), "targets": list(targets), "held out by": summary}
    (folder / "summary.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")

    curve = learning_curve(X, targets, plan, jobs)
    curve.to_csv(folder / "learning_curve.csv", index=False)
    rows = [[line[0], f"{line[1]:,}", *(f"{value:.3f}" for value in line[2:])] for line in curve.to_numpy()]
    print("\nLearning curve:\n\n" + "\n".join(markdown(list(curve), rows)))


def main(argv=None):
    parser = fold_parser(__doc__.splitlines()[0])
    parser.add_argument(
        "--peers",
        action="store_true",
        help="other models on the same folds, with times; few targets if --short",
    )
    arguments = arguments_of(parser, argv)
    table = preprocess.read_table(arguments.file)
    plan = schemes(table, arguments)
    targets = usable(table.targets, arguments.folds)
    folder = report_folder(arguments.file)
    if arguments.peers:
        if arguments.short:
            targets = targets.iloc[:, :: -(-len(targets.columns) // SHORT_TARGETS)]
        run_peers(arguments.file, table, targets, plan, folder, arguments.jobs)
    else:
        run_ours(table, targets, plan, folder, arguments.jobs)
    print(f"\nwrote {folder}/")


if __name__ == "__main__":
    preprocess.run(main)
