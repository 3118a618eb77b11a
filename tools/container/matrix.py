"""The whole pipeline under every version of the container, and across them.

    python -m tools.container.matrix            # or --short: the oldest and the newest only

Each version gets a virtual environment of its own with the container's exact packages, then
requirements.txt on top, as the container does. Each one preprocesses, trains and scores; then
each one serves the models of all, by predict.py and by the model server's functions; of --method views and kernel
those of the oldest and of the newest version. All predictions must be those of the oldest version, trained and
served there, and the features of two Parquet
files, by two processes, those of the CSV file where the version reads Parquet:

    max over rows |p - oldest| <= TOLERANCE * max over rows |oldest|, for each target

Interpreters come from PATH or pyenv; one that is missing is named and left out.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np
import pandas as pd
from tqdm import tqdm

import preprocess
from recore.options import METHODS, Parser
from tools import command
from tools.container.versions import SHOWN, make_all, versions, words
from tools.shipped import CODE, ROOT, lay

TOLERANCE = 1e-10  # of a target's largest prediction: rounding, and nothing that a laboratory could see
SCORE = 0.5  # official, of its own training spectra: less, and the versions agree on nonsense
ROWS = 510  # spectra, more than the 243 features; with gaps, fewer: mdl's two forms of the fit; folds are drawn once
FEW, MANY = 0.05, 0.6  # share of missing assays
FURTHER = "AgPPM,SnPPM"  # targets of the further methods: one of the first suite, one of another
SUITE = 17  # targets that are missing together; MANY in the first suite
READS_PARQUET = 3  # pyarrow, from then on
SERVE = Path(__file__).with_name("inside") / "serve_models.py"
FILES = (*CODE, "predict.py", "score.py")


def run(interpreter, script, *arguments, cwd):
    """Run a script under a version; SystemExit with what it said when it fails."""
    environ = dict(os.environ, PYTHONPATH=str(cwd), PYTHONDONTWRITEBYTECODE="1")
    result = subprocess.run(
        [interpreter, script, *map(str, arguments)], cwd=cwd, env=environ, capture_output=True, text=True
    )
    if result.returncode:
        sys.exit(
            f"matrix: {Path(script).name} ended with status {result.returncode} under {interpreter}: {result.stderr.strip()}"
        )


def write_data(folder):
    """Demo spectra in folder/public, in two of Parquet in folder/shards, with gaps among assays in folder/gaps."""
    public, gaps = folder / "public" / "public.csv.gz", folder / "gaps" / "public.csv.gz"
    subprocess.run(
        [sys.executable, "-m", "tools.demo_data", "--rows", str(ROWS), "--output", str(public)],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    table = pd.read_csv(public, index_col=0)
    targets = list(preprocess.TARGETS)
    suites = np.arange(len(targets)) // SUITE
    share = np.where(np.arange(suites[-1] + 1) == 0, MANY, FEW)
    missing = np.random.default_rng(0).random((len(table), len(share))) < share
    table[targets] = table[targets].mask(missing[:, suites])
    gaps.parent.mkdir()
    table.to_csv(gaps)
    (folder / "shards").mkdir()
    spectra = pd.read_csv(public, index_col=0)
    for place, part in enumerate((spectra[: ROWS // 3], spectra[ROWS // 3 :])):
        part.to_parquet(folder / "shards" / f"part-{place}.parquet")
    return public, gaps


class Outcome(NamedTuple):
    """What one version made of the demo data."""

    features: bytes  # the file that preprocess.py wrote
    sharded: Optional[bytes]  # what it made of the same rows in Parquet; None where it reads none
    served: list  # for each model, in the order of the versions: (2, n_rows, n_targets)
    score: float  # of its own model
    further: (
        dict  # {another method: as `served`, of the models that the oldest and the newest version trained}
    )


def run_all(made):
    """{version: Outcome}: every version preprocesses and trains, then each serves all models."""
    outcomes, of_age = {}, list(made)
    ends = list(dict.fromkeys([of_age[0], of_age[-1]]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        public, gaps = write_data(folder)
        code = lay(folder / "code", FILES)  # what the versions run, and nothing else
        shutil.copy(SERVE, code)
        for version, (interpreter, packages, *_) in tqdm(made.items(), desc="train", disable=None):
            own = folder / version.session
            if int(packages.get("pyarrow", "0").split(".")[0]) >= READS_PARQUET:
                run(
                    interpreter, "preprocess.py", "--input", folder / "shards", "--output", own / "shards",
                    "--format", "csv", "--jobs", "2", cwd=code,
                )  # fmt: skip
            run(interpreter, "preprocess.py", "--input", public, "--output", own / "public.csv", cwd=code)
            for method in METHODS if version in ends else METHODS[:1]:
                how = ["--method", method, *(["--targets", FURTHER] if method != METHODS[0] else [])]
                where = "--data_dir", gaps, "--model_dir", own / method
                run(interpreter, "train.py", *where, *how, cwd=code)
        models = [folder / version.session / METHODS[0] for version in made]
        models += [folder / version.session / method for method in METHODS[1:] for version in ends]
        for version, (interpreter, *_) in tqdm(made.items(), desc="serve", disable=None):
            own = folder / version.session
            run(interpreter, SERVE.name, public, own / "public.csv", own / "served", *models, cwd=code)
            place = list(made).index(version)
            predicted = own / "served" / str(place) / "public.csv.out"
            run(
                interpreter, "score.py", "--actual", public, "--predicted", predicted, "--output",
                own / "score.txt", cwd=code,
            )  # fmt: skip
            served = [np.load(own / "served" / f"{number}.npy") for number in range(len(models))]
            others = np.reshape(np.arange(len(made), len(models)), (-1, len(ends)))
            outcomes[version] = Outcome(
                (own / "public.csv").read_bytes(),
                joined(sorted((own / "shards").glob("*.csv"))),
                served[: len(made)],
                float((own / "score.txt").read_text()),
                {method: [served[k] for k in places] for method, places in zip(METHODS[1:], others)},
            )
    return outcomes


def joined(paths):
    """Feature tables as one; None of none."""
    tables = [path.read_bytes().splitlines(keepends=True) for path in paths]
    return b"".join(tables[0] + [line for table in tables[1:] for line in table[1:]]) if tables else None


def difference(predicted, oldest):
    """Largest difference from the oldest version's, relative to each target's largest prediction.

    Parameters
    ----------
    predicted : ndarray of shape (..., n_rows, n_targets)
    oldest : ndarray of shape (n_rows, n_targets)

    Returns
    -------
    float
        Infinite when a shape differs or a number is missing.
    """
    if predicted.shape[-2:] != oldest.shape or not np.isfinite(predicted).all():
        return np.inf
    size = np.abs(oldest).max(axis=0)
    return float((np.abs(predicted - oldest) / np.where(size > 0, size, 1)).max())


def judge(outcomes):
    """What is wrong with the outcomes, a line each, and the matrix of differences.

    Returns
    -------
    wrong : list of str
    differences : list of list of float
        [trained][served], as `difference` returns it.
    """
    labels = [version.label for version in outcomes]
    first = next(iter(outcomes.values()))
    oldest = first.served[0][0]
    wrong = []
    for label, outcome in zip(labels, outcomes.values()):
        if outcome.features != first.features:
            wrong.append(f"{label}: preprocess.py wrote another file than {labels[0]} did")
        if outcome.sharded not in (None, outcome.features):
            wrong.append(f"{label}: preprocess.py made other features of Parquet than of CSV")
        if not abs(outcome.score - first.score) <= TOLERANCE:
            wrong.append(f"{label}: scored {outcome.score}, {labels[0]} {first.score}")
    if not first.score > SCORE:
        wrong.append(
            f"{labels[0]}: scored {first.score}, expected more than {SCORE} of its own training spectra"
        )
    differences = [
        [difference(outcome.served[place], oldest) for outcome in outcomes.values()]
        for place in range(len(labels))
    ]
    for trained, row in zip(labels, differences):
        for served, found in zip(labels, row):
            if not found <= TOLERANCE:
                wrong.append(
                    f"trained on {trained}, served on {served}: predictions differ by {found:.1e} of the "
                    f"target's largest, expected {TOLERANCE:.0e} at most"
                )
    for method, (expected, *_) in first.further.items():
        for label, outcome in zip(labels, outcomes.values()):
            found = max(difference(each, expected[0]) for each in outcome.further[method])
            if not found <= TOLERANCE:
                wrong.append(
                    f"--method {method}, served on {label}: predictions differ by {found:.1e} of the target's "
                    f"largest, expected {TOLERANCE:.0e} at most"
                )
    return wrong, differences


def worst(outcomes, method):
    """The largest difference of another method."""
    expected = next(iter(outcomes.values())).further[method][0][0]
    return max(
        difference(each, expected) for outcome in outcomes.values() for each in outcome.further[method]
    )


def print_tables(made, outcomes, differences):
    """The versions, and the matrix."""
    shown = SHOWN[:4]
    print("| container | Python |", " | ".join(shown), "| moved by requirements.txt | score |")
    print("|-" * (len(shown) + 4) + "|")
    for version, (_, packages, moved, _) in made.items():
        cells = [version.name, version.python, *(packages[name] for name in shown), words(moved)]
        print("|", " | ".join(cells), f"| {outcomes[version].score:.6f} |")
    labels = [version.label for version in made]
    print("\n| trained on ↓, served on → |", " | ".join(labels), "|")
    print("|-" * (len(labels) + 1) + "|")
    for label, row in zip(labels, differences):
        print(f"| {label} |", " | ".join(f"{found:.0e}" if found else "0" for found in row), "|")


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="the oldest and the newest version only")
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    here, missing = versions()
    for python in dict.fromkeys(version.python for version in missing):
        names = " and ".join(version.name for version in missing if version.python == python)
        print(f"not run: {names}, found no Python {python} on PATH or in pyenv")
    if arguments.short:
        here = list(dict.fromkeys([*here[:1], *here[-1:]]))
    began = time.perf_counter()
    made, wrong = make_all(here)
    if not made:
        return
    ready = time.perf_counter()
    outcomes = run_all(made)
    found, differences = judge(outcomes)
    print_tables(made, outcomes, differences)
    print(
        f"\n{len(made)} versions, {len(made) ** 2} pairs, {ROWS} synthetic spectra, predict.py and the server's "
        f"functions; largest difference {max(map(max, differences)):.0e} of a target's largest prediction"
        + "".join(f", --method {method} {worst(outcomes, method):.0e}" for method in METHODS[1:])
        + ".\n"
        f"environments {ready - began:.0f} s, pipelines {time.perf_counter() - ready:.0f} s"
    )
    if wrong + found:
        sys.exit("\n".join(["matrix:", *wrong, *found]))


if __name__ == "__main__":
    command.run(main, "tools.container.matrix")
