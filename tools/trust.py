"""What the bounds and the verdicts are worth, on samples that the model has not seen.

    python -m tools.trust data/public/public.csv.gz
    python -m tools.trust public.csv.gz soil.csv.gz peat.csv.gz    # each is another material to the others
    python -m tools.trust public.csv.gz --cost                     # time on top of fit and predict

**Coverage.** In every fold a model is fitted to the training half, and the bounds of the samples held
out are compared with their assays: by row, and by site (no site is ever in both halves) with bounds
from leaving out rows beside bounds from leaving out sites. Width is that of the bounds in standard
deviations of the target, the median over samples, then over targets. "Low" and "high" are the thirds
of samples with the smallest and the largest predictions of each target: bounds that are right on
average only would cover too often in one and too seldom in the other.

**Faults.** The same folds' models see good spectra with one fault each, made before preprocessing as an
instrument makes it. Caught is what gets another verdict than "inside"; the first row, of good spectra,
is the false alarm. By site, a model that left out rows takes a new site's samples for unlike, one that
left out sites knows how far sites differ, and takes slight faults for a new site.

Written to reports/NAME/: coverage.csv (each target), faults.csv.
"""

import argparse
import os
import time
from functools import partial

import numpy as np
import pandas as pd
from joblib import delayed
from threadpoolctl import threadpool_limits

import mdl
import preprocess
import train
from mdl import ZeroClippedRidgeCV
from tools.output import markdown, report_folder
from tools.spectra import in_percent, read_spectra
from tools.tune.search import Search
from tools.validate.cross_validation import in_turn, quiet
from tools.validate.folds import schemes, usable

COVERAGE = train.COVERAGE
FOLDS = 10
GOOD = "none: false alarm"
SHIFT = 5  # channels; less than a window of 7
SLOPE = 0.2  # of the signal, from one end of the axis to the other
SATURATED, NEARLY = 0.7, 0.9  # of a spectrum's range, where its strongest bands are cut off
FRINGES, FAINT = 0.03, 0.01  # of a spectrum's range, amplitude
PERIOD = 35  # channels a fringe; some 70 cm-1, a film of 50 µm
SPIKE, SMALL = 1.0, 0.2  # of a spectrum's range, in one channel
BEYOND = 0.05  # of the channels, at most, that another file's spectra may not reach
NOISE = 10  # times its own
COST_RUNS = 9  # of each, in turn
MAD = 0.6745  # of a normal distribution, in standard deviations


# --- coverage -----------------------------------------------------------------------


def bound_fold(X, Y, test, groups, coverage, faulty):
    """What a model of the other rows says of the rows `test`.

    Prediction and bounds (3, rows, t), applicability, and which spectra with faults are caught (n_faults, rows).
    """
    with threadpool_limits(1), quiet():
        model = ZeroClippedRidgeCV().fit(X[~test], Y[~test], groups=None if groups is None else groups[~test])
        bounds = np.array([model.predict(X[test]), *model.predict_interval(X[test], coverage)])
        caught = np.ones((len(faulty), test.sum()), dtype=bool)
        for found, spectra in zip(caught, faulty, strict=True):
            usable = np.isfinite(spectra[test]).all(axis=1)
            if usable.any():
                found[usable] = model.applicability(spectra[test][usable])["verdict"] != "inside"
        return bounds, model.applicability(X[test]), caught


def held_out_bounds(X, Y, folds, *, groups=None, coverage=COVERAGE, faulty=(), jobs=1, label=""):
    """Predictions, bounds and verdicts of every row by a model that has not seen its fold.

    Parameters
    ----------
    X, Y, groups, jobs, label
        As `validate.held_out` takes them; with groups, bounds are those of leaving out groups.
    folds : ndarray of shape (n_rows,)
    coverage : float
    faulty : sequence of ndarray of shape (n_rows, n_features)
        The same spectra with a fault each, from `to_features`.

    Returns
    -------
    bounds : ndarray of shape (3, n_rows, n_targets)
        Prediction, lower, upper.
    applicability : DataFrame of shape (n_rows, 3)
        As the estimator's method gives it.
    caught : ndarray of shape (n_faults, n_rows)
        Whether a spectrum with a fault is not "inside", or cannot be scaled.
    """
    tests = [folds == fold for fold in np.unique(folds)]
    calls = (delayed(bound_fold)(X, Y, test, groups, coverage, faulty) for test in tests)
    bounds, verdicts = np.empty((3, *Y.shape)), []
    caught = np.empty((len(faulty), len(X)), dtype=bool)
    for test, (*parts, found) in zip(tests, in_turn(calls, len(tests), jobs, label), strict=True):
        bounds[:, test], caught[:, test] = parts[0], found
        verdicts.append(parts[1].set_index(np.flatnonzero(test)))
    return bounds, pd.concat(verdicts).sort_index(), caught


def coverage_table(targets, bounds):
    """Of each target: assays, share between the bounds, below and above, of thirds, median width.

    Parameters
    ----------
    targets : DataFrame of shape (n_rows, n_targets)
    bounds : ndarray of shape (3, n_rows, n_targets)
        From `held_out_bounds`.

    Returns
    -------
    DataFrame of shape (n_targets, 7)
    """
    actual = targets.to_numpy()
    predicted, lower, upper = np.where(np.isnan(actual), np.nan, bounds)
    below, above = share(actual < lower, actual), share(actual > upper, actual)
    thirds = np.nanquantile(predicted, [1 / 3, 2 / 3], axis=0)
    inside = (actual >= lower) & (actual <= upper)
    with np.errstate(invalid="ignore", divide="ignore"):  # a constant target
        width = np.nanmedian(upper - lower, axis=0) / np.nanstd(actual, axis=0, ddof=1)
    return pd.DataFrame(
        {
            "assays": targets.notna().sum(),
            "coverage": share(inside, actual),
            "below": below,
            "above": above,
            "coverage, low": share(inside, np.where(predicted <= thirds[0], actual, np.nan)),
            "coverage, high": share(inside, np.where(predicted >= thirds[1], actual, np.nan)),
            "width / SD": width,
        }
    )


def share(true, actual):
    """Of each column, the share of rows with an assay that are true; NaN where there is none."""
    known = ~np.isnan(actual)
    with np.errstate(invalid="ignore"):
        return (true & known).sum(axis=0) / known.sum(axis=0)


# --- faults -------------------------------------------------------------------------


def faults(spectra, other=None, seed=0):
    """Good spectra, and the same with one fault each.

    Parameters
    ----------
    spectra : ndarray of shape (n_rows, n_channels)
        Absorbance, or % reflectance.
    other : ndarray of shape (n_others, n_channels), optional
        Spectra of another material on the same channels and in the same unit.
    seed : int

    Returns
    -------
    dict of str to ndarray of shape (n_rows, n_channels)
        The gross faults first, then the subtle ones.
    """
    rng = np.random.default_rng(seed)
    n, c = spectra.shape
    kept = spectra[:, preprocess.SCALE_RANGE]
    low, high = kept.min(axis=1, keepdims=True), kept.max(axis=1, keepdims=True)
    span, reflectance = high - low, in_percent(spectra)
    phase, place = rng.uniform(0, 2 * np.pi, (n, 1)), rng.integers(0, kept.shape[1], n)
    wave = np.sin(2 * np.pi * np.arange(c) / PERIOD + phase)
    spike = np.zeros((n, c))
    spike[np.arange(n), place] = 1

    def saturated(at):
        return np.maximum(spectra, high - at * span) if reflectance else np.minimum(spectra, low + at * span)

    beam = reference_beam(c)
    found = {
        GOOD: spectra,
        "axis reversed": spectra[:, ::-1],
        f"shifted by {SHIFT} channels": spectra[:, np.maximum(np.arange(c) - SHIFT, 0)],
        f"strongest bands cut at {SATURATED:.0%}": saturated(SATURATED),
        f"fringes of {FRINGES:.0%}": spectra + FRINGES * span * wave,
        f"spike of {SPIKE:.0%}": spectra + SPIKE * span * spike,
        "reference not subtracted": spectra * beam if reflectance else spectra - np.log10(beam),
    }
    if other is not None:
        found["another material"] = other[rng.integers(0, len(other), n)]
    found |= {
        f"gain slope of {SLOPE:.0%}": spectra * np.linspace(1 - SLOPE / 2, 1 + SLOPE / 2, c),
        f"noise × {NOISE}": spectra + NOISE * noise_of(kept) * rng.standard_normal((n, c)),
        f"strongest bands cut at {NEARLY:.0%}": saturated(NEARLY),
        f"fringes of {FAINT:.0%}": spectra + FAINT * span * wave,
        f"spike of {SMALL:.0%}": spectra + SMALL * span * spike,
    }
    return found


def reference_beam(channels):
    """What source and detector give without a sample, 1 at its best: a hump with a band of CO2 in it."""
    axis = np.linspace(0, 1, channels)
    return np.exp(-(((axis - 0.6) / 0.45) ** 2)) * (1 - 0.5 * np.exp(-(((axis - 0.45) / 0.01) ** 2)))


def noise_of(spectra):
    """Standard deviation of each spectrum's noise (n, 1), from second differences."""
    steps = np.diff(spectra, n=2, axis=1)
    return np.median(np.abs(steps), axis=1, keepdims=True) / (MAD * np.sqrt(6))


def other_material(paths, channels, reflectance):
    """Spectra of the first other file that has these channels, on them and in this unit; None if none has.

    Parameters
    ----------
    paths : list of str
    channels : list of str
        Named by wavenumber.
    reflectance : bool
        Whether they are wanted in % reflectance, else in absorbance.

    Returns
    -------
    ndarray of shape (n_others, n_channels) or None
    """
    axis = wavenumbers(channels)
    for path in paths if axis is not None else ():
        found = read_spectra(path)
        theirs = wavenumbers(found)
        if theirs is None or ((axis < theirs.min()) | (axis > theirs.max())).mean() > BEYOND:
            continue
        order, spectra = np.argsort(theirs), found.to_numpy()
        spectra = np.array([np.interp(axis, theirs[order], row[order]) for row in spectra])
        if in_percent(spectra) == reflectance:
            return spectra
        with np.errstate(divide="ignore", invalid="ignore"):
            return 100 * 10.0**-spectra if reflectance else -np.log10(np.clip(spectra, 1e-3, None) / 100)
    return None


def wavenumbers(channels):
    """The numbers that name channels, (n_channels,); None where any is no number."""
    numbers = [preprocess.number(str(name)) for name in channels]
    return None if None in numbers else np.array(numbers)


def to_features(spectra):
    """Features (n, p), NaN where a spectrum cannot be scaled: that is caught by preprocess.py."""
    usable = spectra[:, preprocess.SCALE_RANGE].max(axis=1) > 0
    X = preprocess.window_sums(preprocess.scale(np.where(usable[:, None], spectra, 1.0)))
    return np.where(usable[:, None], X, np.nan)


# --- what it costs ------------------------------------------------------------------


def cost(table, group):
    """Lines of a table: seconds without and with what bounds and verdicts take, side by side."""
    X, targets = table.features.to_numpy(), usable(table.targets, 2)
    ways, sites = {"fit": None}, table.ids.get(group, pd.Series(dtype=float))
    if sites.nunique() > 2:
        ways["fit, sites left out"] = sites
    rows = []
    for name, groups in ways.items():
        calls = (partial(fit, make, X, targets, groups) for make in (Search, ZeroClippedRidgeCV))
        rows.append([name, *side_by_side(*calls)])
    model, values = fit(ZeroClippedRidgeCV, table.features, targets, None), np.ascontiguousarray(X)

    def detailed():
        train.trust(values, train.predict_array(values, model), model)

    rows.append(["predict", *side_by_side(lambda: train.predict_array(values, model), detailed)])
    for name, without, with_ in rows:
        yield [name, f"{without:.4f}", f"{with_:.4f}", f"{with_ / without:.2f}"]


def fit(make, X, targets, groups):
    """The project's model, or the same without bounds; quiet, as in a fold."""
    with quiet():
        return make().fit(X, targets, groups=groups)


def side_by_side(one, other):
    """Median seconds of two calls in turn."""
    seconds = []
    for _ in range(COST_RUNS + 1):
        began = time.perf_counter()
        one()
        between = time.perf_counter()
        other()
        seconds.append((between - began, time.perf_counter() - between))
    return np.median(seconds[1:], axis=0)  # the first run wakes threads


# --- the step -----------------------------------------------------------------------


def plans(plan):
    """{what is held out, and what bounds are of: (folds (n_rows,), groups or None)} of `validate.schemes`."""
    names = {"row": "row", "given folds": "given folds", "site": "site, bounds by row"}
    names["site, α by site"] = "site, bounds by site"
    return {names[name]: (folds[0], groups) for name, (folds, groups) in plan.items()}


def summary(found):
    """Cells of a line: coverage and width over the targets."""
    each = found["coverage"]
    yield f"{each.mean():.1%}"
    yield f"{each.min():.0%} to {each.max():.0%}"
    yield f"{found['coverage, low'].mean():.0%} / {found['coverage, high'].mean():.0%}"
    yield f"{found['below'].mean():.1%} / {found['above'].mean():.1%}"
    yield f"{found['width / SD'].median():.2f}"


def measure(path, others, arguments):
    """Coverage of each scheme and target, and share of spectra caught of each fault and scheme.

    Returns
    -------
    dict of str to DataFrame
        What is held out, and `coverage_table` of it.
    DataFrame of shape (n_faults, n_schemes)
    """
    table = preprocess.read_table(path)
    targets = usable(table.targets, arguments.folds)
    X, Y, name = table.features.to_numpy(), targets.to_numpy(), name_of(path)
    plan, folder = plans(schemes(table, arguments)), report_folder(path)
    covered, found = {}, {}
    spectra = read_spectra(path)
    values = spectra.to_numpy()
    material = other_material(others, spectra.columns, in_percent(values))
    made = {fault: to_features(each) for fault, each in faults(values, material).items()}
    for scheme, (folds, groups) in plan.items():
        settings = {"groups": groups, "coverage": arguments.coverage, "faulty": list(made.values())}
        label = f"{name}, {scheme}"
        bounds, _, caught = held_out_bounds(X, Y, folds, **settings, jobs=arguments.jobs, label=label)
        covered[scheme], found[scheme] = coverage_table(targets, bounds), caught.mean(axis=1)
    shares = pd.DataFrame(found, index=pd.Index(made, name="fault"))
    pd.concat(covered, names=["held out by", "target"]).to_csv(folder / "coverage.csv")
    shares.to_csv(folder / "faults.csv")
    return covered, shares


def name_of(path):
    """How a file is called in the tables."""
    return report_folder(path).name


def arguments_of(argv):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", default=["data/public/public.csv.gz"], help="(%(default)s)")
    parser.add_argument("--coverage", type=float, default=COVERAGE, help="of the bounds (%(default)s)")
    parser.add_argument("--folds", type=int, default=FOLDS, help="(%(default)s)")
    parser.add_argument(
        "--group", default="SiteID", help="id that is never in both halves, or none (%(default)s)"
    )
    parser.add_argument("--fold-file", help="CSV with the index and a column Fold, instead of drawing rows")
    parser.add_argument("--cost", action="store_true", help="time on top of fit and predict, nothing else")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (%(default)s)")
    arguments = parser.parse_args(argv)
    arguments.repeats = 1
    names = [preprocess.stem_of(path) for path in arguments.files]
    if len(set(names)) < len(names):
        raise preprocess.DataError(
            f"found two files that are called {max(names, key=names.count)}, expected names of their own, as their "
            "reports have; rename one"
        )
    if arguments.jobs == 0:
        raise preprocess.DataError(
            "found --jobs 0, expected a number of processes; leave it out for all cores"
        )
    if arguments.folds < 2 or not 0 < arguments.coverage <= mdl.MOST:
        raise preprocess.DataError(
            f"found --folds {arguments.folds} and --coverage {arguments.coverage:g}, expected 2 or more folds "
            f"and a coverage above 0 and at most {mdl.MOST}; leave them out for {FOLDS} and {COVERAGE}"
        )
    return arguments


def main(argv=None):
    arguments = arguments_of(argv)
    if arguments.cost:
        for path in arguments.files:
            lines = list(cost(preprocess.read_table(path), arguments.group))
            print(f"{name_of(path)}, medians of {COST_RUNS}, {os.cpu_count()} threads:\n")
            header = ["seconds", "alone", "with bounds and verdicts", "times"]
            print("\n".join(markdown(header, lines)) + "\n")
        return
    lines, columns = [], {}
    for place, path in enumerate(arguments.files):
        others = arguments.files[place + 1 :] + arguments.files[:place]
        covered, columns[name_of(path)] = measure(path, others, arguments)
        lines += [[f"{name_of(path)}, {scheme}", *summary(found)] for scheme, found in covered.items()]
    print(f"Bounds of {arguments.coverage:.0%}:\n")
    header = ["file, held out by", "coverage", "of a target", "low / high", "below / above", "width / SD"]
    print("\n".join(markdown(header, lines)))
    print(
        "\nShare of spectra with a fault that are caught, held out by row / site, bounds by row / by site:\n"
    )
    names = list(dict.fromkeys(fault for shares in columns.values() for fault in shares.index))
    rows = [[fault, *(cell(shares, fault) for shares in columns.values())] for fault in names]
    print("\n".join(markdown(["fault", *columns], rows)))
    print(f"\nwrote {', '.join(str(report_folder(path)) for path in arguments.files)}")


def cell(shares, fault):
    """'100 / 98 / 97 %' of a fault, one number a scheme."""
    if fault not in shares.index:
        return ""
    return (
        " / ".join(
            f"{100 * each:.0f}" if each in (0, 1) else f"{100 * each:.1f}" for each in shares.loc[fault]
        )
        + " %"
    )


if __name__ == "__main__":
    preprocess.run(main)
