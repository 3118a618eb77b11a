"""Time and memory of a fit, side by side with scikit-learn's RidgeCV and himalaya's.

    python -m tools.benchmark.fit            # three sizes, about 10 minutes
    python -m tools.benchmark.fit --short    # 1,344 rows only, half a minute

Every fit runs in a process of its own, with the same number of threads, on the same file of
simulated spectra; the candidates take turns, so that a busy machine is unfair to none. Seconds are
medians; memory is how far the fit raised the process's peak above the data it was given.

himalaya (Dupré la Tour et al. 2022, NeuroImage 264) is the nearest equivalent: an alpha for each
target, many targets at once. It differs in that it holds out five folds, not each row: five
decompositions for the choice and one for the refit, and slightly other alphas. Its memory grows
with the square of the rows, so that it cannot run on many.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from recore.options import Parser

ALPHAS = np.logspace(-5, 5, 50)
TARGETS = 49
SIZES = {"challenge": (1_344, 243), "many rows": (100_000, 243), "many features": (10_000, 1_700)}
LONGEST = 120  # s; a fit that takes longer is ended and said to
REPEATS = 5  # runs of each candidate; the median is shown
NOISE = 1e-3  # of an absorbance of 1, a usual FTIR measurement
WINDOW = 7  # channels in a feature
OURS = "ZeroClippedRidgeCV"


def fit_ours(X, Y):
    """This project's estimator."""
    from mdl import ZeroClippedRidgeCV  # here, as each process imports its candidate only

    return ZeroClippedRidgeCV(alphas=ALPHAS).fit(X, Y)


def fit_sklearn(X, Y, scoring=None):
    """scikit-learn's leave-one-out, by mean squared error."""
    from sklearn.linear_model import RidgeCV

    return RidgeCV(alphas=ALPHAS, alpha_per_target=True, scoring=scoring).fit(X, Y)


def fit_sklearn_r2(X, Y):
    """scikit-learn's leave-one-out by R2, the reference solution's way."""
    return fit_sklearn(X, Y, scoring="r2")


def fit_himalaya(X, Y):
    """himalaya's five folds, with the score that RidgeCV uses."""
    from himalaya.ridge import RidgeCV

    # all alphas at once, its default, is no faster and takes ten times the memory
    model = RidgeCV(alphas=ALPHAS, fit_intercept=True, cv=5, solver_params={"n_alphas_batch": 5})
    return model.fit(X, Y)


CANDIDATES = {
    OURS: (fit_ours, SIZES),
    "RidgeCV": (fit_sklearn, SIZES),
    "RidgeCV(scoring='r2')": (fit_sklearn_r2, ["challenge"]),
    "himalaya RidgeCV(cv=5)": (fit_himalaya, SIZES),
}


def simulate(n, p, rng):
    """Spectra of overlapping bands (n, p), and concentrations >= 0 (n, TARGETS)."""
    channel = np.linspace(0, 1, p)
    position, width = rng.random((2, TARGETS, 1))
    bands = np.exp(-(((channel - position) / (0.01 + 0.05 * width)) ** 2))  # (TARGETS, p)
    Y = rng.gamma(1, 1, (n, TARGETS))
    X = Y @ bands
    X *= WINDOW / X.max(axis=1, keepdims=True)
    X += NOISE * np.sqrt(WINDOW) * rng.standard_normal((n, p))
    Y *= rng.lognormal(0, 0.3, Y.shape)  # the assay's own error
    return X, Y


def peak_memory():
    """Largest resident memory of this process so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run_one(what, folder):
    """Fit once in this process and print seconds and bytes, or write the data of a size."""
    folder = Path(folder)
    if what in SIZES:
        for name, array in zip("XY", simulate(*SIZES[what], np.random.default_rng(1)), strict=True):
            np.save(folder / f"{name}.npy", array)
        return
    fit = CANDIDATES[what][0]
    fit(*simulate(300, 20, np.random.default_rng(0)))  # imports, and threads that start
    X, Y = np.load(folder / "X.npy"), np.load(folder / "Y.npy")
    before, start = peak_memory(), time.perf_counter()
    fit(X, Y)
    print(time.perf_counter() - start, peak_memory() - before)


def run_in_process(what, folder, threads):
    """What `run_one` prints in a new process, as numbers, or the reason why it did not run."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    command = [sys.executable, "-W", "ignore", "-m", "tools.benchmark.fit"]
    try:
        done = subprocess.run(
            [*command, "--one", what, str(folder)],
            env={**os.environ, **dict.fromkeys(names, str(threads))},
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired:
        return f"not done after {LONGEST} s"
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["killed, out of memory?"])[-1]
        return reason.split(": ", 1)[-1]
    return tuple(map(float, done.stdout.split()[-2:]))


def measure(sizes, threads):
    """Yield size, candidate, median seconds and largest extra memory; or None and why not."""
    jobs = [(size, name) for size in sizes for name, (_, at) in CANDIDATES.items() if size in at]
    with tqdm(total=len(jobs) * REPEATS, unit="fit", disable=not sys.stderr.isatty()) as progress:
        for size in sizes:
            names = [name for job, name in jobs if job == size]
            runs = {name: [] for name in names}
            with tempfile.TemporaryDirectory() as folder:
                run_in_process(size, folder, threads)  # not here: a child's peak begins at its parent's
                for _ in range(REPEATS):
                    for name in names:
                        progress.set_description(f"{size}, {name}")
                        if not any(isinstance(run, str) for run in runs[name]):
                            runs[name].append(run_in_process(name, folder, threads))
                        progress.update()
            for name in names:
                if isinstance(runs[name][-1], str):
                    yield size, name, None, runs[name][-1]
                else:
                    seconds, memory = zip(*runs[name], strict=True)
                    yield size, name, statistics.median(seconds), max(memory)


def table(rows):
    """Yield the lines of a markdown table; `times` is the seconds in units of this project's."""
    yield "| rows × features | fit | seconds | times | extra memory |"
    yield "|-|-|-:|-:|-:|"
    ours = {}
    for size, name, seconds, memory in rows:
        n, p = SIZES[size]
        start = f"| {n:,} × {p:,} | {name} "
        if name == OURS:
            ours[size] = seconds
        if seconds is None:
            yield start + f"| did not run: {memory} | | |"
        else:
            times = f"{seconds / ours[size]:.1f}" if ours[size] else ""
            yield start + f"| {seconds:.3g} | {times} | {memory / 1e6:,.0f} MB |"


def command_line():
    """The parser of the arguments."""
    parser = Parser(prog="python -m tools.benchmark.fit", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--short", action="store_true", help="the challenge's size only")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count(), help="of each process (as many as there are cores)"
    )
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    return parser


def main(argv=None):
    """Print the table."""
    args = command_line().parse_args(argv)
    if args.one:
        run_one(*args.one)
        return
    print(
        f"{TARGETS} targets, {len(ALPHAS)} alphas, median of {REPEATS} runs, "
        f"threads of each: {args.threads}\n"
    )
    for line in table(measure(list(SIZES)[: 1 if args.short else None], args.threads)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
