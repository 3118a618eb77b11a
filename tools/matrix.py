"""The whole pipeline under every version of the container, and across them.

    python -m tools.matrix            # or --short: the oldest and the newest only

Each version gets a virtual environment of its own with the container's exact packages, then
requirements.txt on top, as the container does. Each one preprocesses, trains and scores; then
each one serves the models of all, by predict.py and by the model server's functions. All
predictions must be those of the oldest version, trained and served there, and the features of two Parquet
files, by two processes, those of the CSV file where the version reads Parquet:

    max over rows |p - oldest| <= TOLERANCE * max over rows |oldest|, for each target

Interpreters come from PATH or pyenv; one that is missing is named and left out.
"""

import argparse
import os
import re
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
from tools.environments import ROOT, CannotInstall, environment, find_python, frozen, pip_install

TOLERANCE = 1e-10  # of a target's largest prediction: rounding, and nothing that a laboratory could see
SCORE = 0.5  # official, of its own training spectra: less, and the versions agree on nonsense
ROWS = 320  # spectra, more than the 243 features; with gaps, fewer: mdl's two forms of the fit
FEW, MANY = 0.05, 0.4  # share of missing assays
SUITE = 7  # targets that are missing together; MANY in the first suite
SHOWN = ("numpy", "pandas", "scikit-learn", "scipy", "joblib", "pyarrow")
CACHE = ROOT / ".venv-matrix"
READS_PARQUET = 3  # pyarrow, from then on
FILES = ("preprocess.py", "mdl.py", "train.py", "predict.py", "score.py")


class Version(NamedTuple):
    """A version of the container, or the newest of everything."""

    name: str
    python: str
    packages: tuple
    moves: tuple = ()  # what requirements.txt may change in it

    @property
    def label(self):
        return f"{self.name} on {self.python}"

    @property
    def folder(self):
        return f"{self.name}-{self.python}"


def pins(numpy, pandas, sklearn, scipy, joblib, pyarrow):
    """pip's words for the packages of one line of the container's table."""
    return tuple(
        f"{name}=={version}" for name, version in zip(SHOWN, (numpy, pandas, sklearn, scipy, joblib, pyarrow))
    )


CONTAINERS = (  # as measured in the images; Python is the image's, or the two that its packages fit
    Version("0.23-1", "3.7", pins("1.19.2", "1.1.3", "0.23.2", "1.5.3", "1.3.*", "1.0.*"), ("scikit-learn",)),
    Version("1.0-1", "3.8", pins("1.24.1", "1.1.3", "1.0.2", "1.8.0", "1.4.*", "14.0.*")),
    Version("1.2-1", "3.9", pins("1.24.1", "1.1.3", "1.2.1", "1.8.0", "1.5.*", "14.0.*")),
    Version("1.2-1", "3.10", pins("1.24.1", "1.5.3", "1.2.1", "1.9.3", "1.5.*", "14.0.*")),
    Version("1.4-2", "3.10", pins("2.1.0", "2.3.2", "1.4.2", "1.15.*", "1.6.*", "17.0.*")),
    Version("1.4-2", "3.12", pins("2.1.0", "2.3.2", "1.4.2", "1.18.*", "1.6.*", "17.0.*")),
    Version("1.9", "3.12", pins("2.5.1", "2.2.3", "1.9.0", "1.18.0", "1.6.*", "25.0.*")),
)
NEWEST = ("3.13", "3.14", "3.15")  # Pythons that get the newest of everything, where they are


def versions():
    """Every version that this machine has an interpreter for, and the Pythons that are missing."""
    newest = [
        Version("newest", python, SHOWN) for python in NEWEST if python == NEWEST[0] or find_python(python)
    ]
    wanted = [*CONTAINERS, *newest]
    return [v for v in wanted if find_python(v.python)], [v for v in wanted if not find_python(v.python)]


# --- environments -------------------------------------------------------------------


class Made(NamedTuple):
    """A version's environment."""

    interpreter: str
    packages: dict  # {name: version}, after requirements.txt
    moved: dict  # {name: [before, after]}, by requirements.txt
    exact: bool  # False: a wheel is missing here, the nearest patch release was taken


def require(interpreter):
    """Install requirements.txt on top; what is there after it, and what it changed."""
    before = frozen(interpreter)
    pip_install(interpreter, "-r", str(ROOT / "requirements.txt"))
    after = frozen(interpreter)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return after, {name: [before.get(name), after.get(name)] for name in names}


def nearest(packages):
    """The same packages, any patch release of each."""
    return tuple(re.sub(r"==(\d+\.\d+)\.\d+$", r"==\1.*", package) for package in packages)


def make(version):
    """A version's environment, as Made; CannotInstall where there are no wheels for it."""
    depends = (ROOT / "requirements.txt").read_text()
    if version.packages == SHOWN:
        depends += time.strftime("%G week %V")  # what is newest is asked once a week
    folder, python = CACHE / version.folder, find_python(version.python)
    for packages in dict.fromkeys((version.packages, nearest(version.packages))):
        arguments = ["--only-binary=:all:", *packages]
        try:
            interpreter, (installed, moved) = environment(folder, python, arguments, require, depends)
            return Made(interpreter, installed, moved, packages == version.packages)
        except CannotInstall as error:
            failure = error
    raise failure


def make_all(wanted):
    """{version: Made} of the versions that can be made here, and what is wrong with them.

    Says in one line what cannot be made, or not exactly.
    """
    made, wrong = {}, []
    for version in tqdm(wanted, desc="environments", disable=None):
        try:
            made[version] = make(version)
        except CannotInstall as error:
            print(f"not run: {version.label}, its packages cannot be installed here ({error})")
            continue
        if not made[version].exact:
            print(
                f"{version.label}: a wheel of the exact versions is missing, took the nearest patch releases"
            )
        moved = made[version].moved
        if set(moved) != set(version.moves):
            expected = " and ".join(version.moves) or "nothing"
            wrong.append(f"{version.label}: requirements.txt moved {words(moved)}, expected {expected}")
    return made, wrong


def words(moved):
    """'scikit-learn 0.23.2 → 1.0.2', or 'nothing'."""
    return ", ".join(f"{name} {before} → {after}" for name, (before, after) in moved.items()) or "nothing"


# --- the pipeline -------------------------------------------------------------------


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


def run_all(made):
    """{version: Outcome}: every version preprocesses and trains, then each serves all models."""
    outcomes = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        public, gaps = write_data(folder)
        code = folder / "code"  # what the versions run, and nothing else
        code.mkdir()
        for file in (*FILES, "tools/matrix_worker.py"):
            shutil.copy(ROOT / file, code)
        for version, (interpreter, packages, *_) in tqdm(made.items(), desc="train", disable=None):
            own = folder / version.folder
            if int(packages.get("pyarrow", "0").split(".")[0]) >= READS_PARQUET:
                run(
                    interpreter, "preprocess.py", "--input", folder / "shards", "--output", own / "shards",
                    "--format", "csv", "--jobs", "2", cwd=code,
                )  # fmt: skip
            run(interpreter, "preprocess.py", "--input", public, "--output", own / "public.csv", cwd=code)
            run(interpreter, "train.py", "--data_dir", gaps, "--model_dir", own / "model", cwd=code)
        models = [folder / version.folder / "model" for version in made]
        for version, (interpreter, *_) in tqdm(made.items(), desc="serve", disable=None):
            own = folder / version.folder
            run(
                interpreter, "matrix_worker.py", public, own / "public.csv", own / "served", *models, cwd=code
            )
            place = list(made).index(version)
            predicted = own / "served" / str(place) / "public.csv.out"
            run(
                interpreter, "score.py", "--actual", public, "--predicted", predicted, "--output",
                own / "score.txt", cwd=code,
            )  # fmt: skip
            outcomes[version] = Outcome(
                (own / "public.csv").read_bytes(),
                joined(sorted((own / "shards").glob("*"))),
                [np.load(own / "served" / f"{number}.npy") for number in range(len(models))],
                float((own / "score.txt").read_text()),
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
    return wrong, differences


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


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="the oldest and the newest version only")
    arguments = parser.parse_args(argv)
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
        f"functions; largest difference {max(map(max, differences)):.0e} of a target's largest prediction.\n"
        f"environments {ready - began:.0f} s, pipelines {time.perf_counter() - ready:.0f} s"
    )
    if wrong + found:
        sys.exit("\n".join(["matrix:", *wrong, *found]))


if __name__ == "__main__":
    main()
