"""The four jobs of the online pipeline on this machine, on the platform's own model server.

    python -m tools.simulate                                  # data/public/public.csv.gz
    python -m tools.simulate some/spectra.csv.gz

Every job runs in a folder of its own that holds only what the platform gives it, and installs
requirements.txt where the platform does:

    archive       setup.py sdist, less what `unearthed build` takes out
    training      the unpacked archive, the public file
    processing    preprocess.py alone, the public file; again with the private file
    transform     the unpacked archive, the model, AWS's own worker (tools/server.py); each way to
                  split a file into requests, by lines and by MaxPayload
    scoring       score.py alone, a file with assays and its predictions

The private file is made of rows that the public one, and so the model, then does not have: those of
every fifth site, or every fifth row of a file without sites. A lost row, or a prediction on the
server that differs from predict.py's in any digit, ends the run with status 1.
"""

import argparse
import contextlib
import csv
import functools
import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import preprocess
from tools import server
from tools.environments import CannotInstall

ROOT = server.ROOT
SHIPPED = ["README.md", "mdl.py", "preprocess.py", "requirements.txt", "train.py"]
TAKEN_OUT = {"setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in", "PKG-INFO"}  # by `unearthed build`
PRIVATE = 5  # of so many sites, or rows, one is private
MAX_PAYLOAD = 6  # MB, the platform's default
MB = 1 << 20
WAYS = [  # SplitType, BatchStrategy, MaxPayload in MB
    ("Line", "MultiRecord", MAX_PAYLOAD),
    ("Line", "MultiRecord", 1),
    ("Line", "SingleRecord", MAX_PAYLOAD),
    ("None", "SingleRecord", MAX_PAYLOAD),
]


class Failed(Exception):
    """A job did not do what it must; one line."""


# --- data ---------------------------------------------------------------------------


def read_lines(path):
    """A spectra file's rows as lists of text, its header first."""
    with gzip.open(path, "rt", newline="") if str(path).endswith(".gz") else open(path, newline="") as file:
        return [row for row in csv.reader(file) if row]


def write_lines(path, rows):
    with gzip.open(path, "wt", newline="", compresslevel=1) as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def split_off(path, folder):
    """Split a file into public.csv.gz, private.csv.gz and, for the score, private-assays.csv.gz.

    Returns
    -------
    list of int
        Rows of the public and of the private file.
    str
        Which rows are private.
    """
    header, *rows = read_lines(path)
    sites = [row[header.index("SiteID")] for row in rows] if "SiteID" in header else []
    names = list(dict.fromkeys(sites))
    if len(names) >= PRIVATE:
        chosen = names[PRIVATE - 1 :: PRIVATE]
        private = [site in set(chosen) for site in sites]
        said = f"SiteID {', '.join(chosen)}" if len(chosen) <= 8 else f"{len(chosen)} of {len(names)} sites"
    else:
        private = [place % PRIVATE == PRIVATE - 1 for place in range(len(rows))]
        said = "every fifth row"
    name = os.path.basename(path)
    layout = preprocess.split_columns([cell.strip() for cell in header], path=name, text=text_columns(path))
    kept = [place for place, cell in enumerate(header) if cell.strip() not in layout.targets]
    hidden = [row for row, is_private in zip(rows, private) if is_private]
    public = [row for row, is_private in zip(rows, private) if not is_private]
    write_lines(folder / "public.csv.gz", [header, *public])
    write_lines(folder / "private-assays.csv.gz", [header, *hidden])
    write_lines(folder / "private.csv.gz", [[row[place] for place in kept] for row in [header, *hidden]])
    return [len(public), len(hidden)], said


def text_columns(path):
    """Columns of text, as preprocess.py tells them."""
    blocks = preprocess.read_blocks(str(path))
    names = preprocess.read_header(next(blocks))
    return preprocess.text_columns(next(block for block in blocks if block.lines()), names)


# --- jobs ---------------------------------------------------------------------------


# A process's peak memory begins at that of the one that started it: this one is small.
LAUNCH = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def measured(command, cwd, environment=None):
    """Run a command as a job; seconds and peak memory in MB."""
    environment = {"PATH": os.environ.get("PATH", ""), **(environment or {})}
    command = [str(part) for part in command]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCH, *command], cwd=cwd, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    *said, peak = done.stdout.splitlines()
    if done.returncode:
        raise Failed(
            f"{Path(command[1]).name} ended with status {done.returncode}: {(said or ['no reason'])[-1]}"
        )
    return seconds, int(peak) / 1024


def install(interpreter, code):
    """What each step of the platform does before it runs."""
    pip = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return measured([*pip, "-r", "requirements.txt"], code, pip_settings())


def pip_settings():
    """The user's own settings of pip, a mirror for instance."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}


def build(interpreter, folder):
    """The archive as `unearthed build` makes it; the folder that it unpacks to."""
    project = folder / "project"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "data", "dist", "model", "reports")
    shutil.copytree(ROOT, project, ignore=ignored)
    figures = measured([interpreter, "setup.py", "--quiet", "sdist"], project)
    (sdist,) = (project / "dist").glob("*.tar.gz")
    code = folder / "archive"
    with tarfile.open(sdist) as tar:
        for member in tar.getmembers():
            name = member.name.split("/", 1)[-1]
            if member.isfile() and name not in TAKEN_OUT and ".egg-info/" not in name:
                target = code / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(member).read())
    found = sorted(str(path.relative_to(code)) for path in code.rglob("*") if path.is_file())
    if found != SHIPPED:
        raise Failed(f"the archive holds {', '.join(found)}, expected {', '.join(SHIPPED)}")
    shutil.rmtree(project)
    return code, figures


def training_job(interpreter, folder, code, public):
    """train.py from the unpacked archive; the model's folder, files that the job made."""
    base = folder / "training" / "opt" / "ml"
    shutil.copytree(code, base / "code")
    (base / "input" / "data" / "training").mkdir(parents=True)
    (base / "model").mkdir()
    shutil.copy(public, base / "input" / "data" / "training" / "public.csv.gz")
    environment = {
        "SAGEMAKER_BASE_DIR": base,
        "SM_MODEL_DIR": base / "model",
        "SM_CHANNEL_TRAINING": base / "input" / "data" / "training",
        "PYTHONPATH": base / "code",
    }
    installing, _ = install(interpreter, base / "code")
    figures = measured([interpreter, "train.py"], base / "code", {k: str(v) for k, v in environment.items()})
    made = sorted(os.listdir(base / "model"))
    if made != ["model.json", "model.pkl"]:
        raise Failed(f"training made {', '.join(made) or 'nothing'}, expected model.json and model.pkl")
    return base / "model", (installing, figures)


def processing_job(interpreter, folder, spectra):
    """preprocess.py alone; the feature table's path."""
    base = folder / f"processing-{spectra.name.split('.')[0]}" / "opt" / "ml" / "processing"
    (base / "input" / "code").mkdir(parents=True)
    (base / "input" / "public").mkdir()
    (base / "output").mkdir()
    shutil.copy(ROOT / "preprocess.py", base / "input" / "code")
    shutil.copy(spectra, base / "input" / "public" / "public.csv.gz")
    output = base / "output" / "preprocess" / "public.csv"
    command = [
        interpreter,
        base / "input" / "code" / "preprocess.py",
        "--input",
        base / "input" / "public" / "public.csv.gz",
    ]
    return output, measured([*command, "--output", output], base)


def requests(text, split_type, strategy, max_payload):
    """The bodies that Batch Transform makes of a file.

    Parameters
    ----------
    text : bytes
    split_type : {"None", "Line"}
    strategy : {"SingleRecord", "MultiRecord"}
        One line a request, or as many as fit.
    max_payload : float
        In MB.
    """
    limit = max_payload * MB
    records = [text] if split_type == "None" else text.splitlines(keepends=True)
    too_long = max(map(len, records))
    if too_long > limit:
        raise Failed(f"a record of {too_long / MB:.1f} MB is above MaxPayload, {max_payload} MB")
    if strategy == "SingleRecord":
        return records
    bodies, size = [[]], 0
    for record in records:
        if bodies[-1] and size + len(record) > limit:
            bodies.append([])
            size = 0
        bodies[-1].append(record)
        size += len(record)
    return [b"".join(body) for body in bodies]


def transform_job(running, features, way):
    """Batch Transform of a feature table, two requests at a time; predictions and requests' number."""
    local = threading.local()
    bodies = requests(features, *way)
    with contextlib.ExitStack() as stack:

        def connect():
            local.connection = stack.enter_context(contextlib.closing(running.connection()))

        with ThreadPoolExecutor(2, initializer=connect) as pool:
            post = functools.partial(running.post, content_type="text/csv", accept="text/csv")
            answers = list(pool.map(lambda body: post(body, connection=local.connection), bodies))
    for status, _, answer in answers:
        if status != 200:
            raise Failed(f"the server answered {status}: {answer.decode(errors='replace').strip()[:200]}")
    return b"".join(answer for _, _, answer in answers), len(bodies)


def scoring_job(interpreter, folder, label, actual, predictions):
    """score.py alone; the score."""
    base = folder / f"scoring-{label}" / "opt" / "ml" / "processing"
    (base / "input" / "code").mkdir(parents=True)
    (base / "input" / "predictions").mkdir()
    shutil.copy(ROOT / "score.py", base / "input" / "code")
    shutil.copy(actual, base / "input" / "public.csv.gz")
    (base / "input" / "predictions" / "public.csv.out").write_bytes(predictions)
    output = base / "output" / "scores" / "public.txt"
    command = [
        interpreter,
        base / "input" / "code" / "score.py",
        "--actual",
        base / "input" / "public.csv.gz",
    ]
    command += ["--predicted", base / "input" / "predictions" / "public.csv.out", "--output", output]
    figures = measured(command, base)
    return float(output.read_text()), figures


# --- the pipeline -------------------------------------------------------------------


def count(text):
    return len([line for line in text.splitlines() if line.strip()])


def simulate(path, folder, show):
    """All jobs, one after the other.

    Parameters
    ----------
    path : str
        A spectra file with assays.
    folder : Path
        For everything that the jobs need and make.
    show : callable
        Given each row of the table: step, seconds, memory in MB, rows in, rows out.

    Returns
    -------
    public_score, private_score : float

    Raises
    ------
    Failed
        When a job fails, loses a row, or predicts other numbers than predict.py.
    """
    interpreter = server.python()
    rows, which = split_off(path, folder)
    show(f"private rows: {which}", None, None, sum(rows), sum(rows))
    code, figures = build(interpreter, folder)
    show("archive", *figures, None, None)
    model, (installing, figures) = training_job(interpreter, folder, code, folder / "public.csv.gz")
    show("training: requirements", installing, None, None, None)
    show("training", *figures, rows[0], None)

    tables = {}
    for label, expected in zip(("public", "private"), rows):
        output, figures = processing_job(interpreter, folder, folder / f"{label}.csv.gz")
        tables[label] = output.read_bytes()
        kept(f"processing, {label}", expected, count(tables[label]) - 1)
        show(f"processing, {label}", *figures, expected, count(tables[label]) - 1)

    local = folder / "predict"
    command = [interpreter, ROOT / "predict.py", "--model_dir", model, "--output_dir", local, "--data_dir"]
    figures = measured([*command, folder / "public.csv.gz"], folder)
    expected_text = (local / "public.csv.out").read_bytes()
    kept("predict.py", rows[0], count(expected_text))
    show("predict.py, public", *figures, rows[0], count(expected_text))

    predictions = {}
    serving = folder / "serving"
    shutil.copytree(code, serving)
    show("serving: requirements", install(interpreter, serving)[0], None, None, None)
    with server.Server(serving, model) as running:
        began = time.perf_counter()
        if running.ping() != 200:
            raise Failed("the server's /ping is not 200; is the model refused?")
        show("serving: start", time.perf_counter() - began, running.memory("VmHWM"), None, None)
        for way in WAYS:
            for label, expected in zip(("public", "private"), rows):
                step = f"transform, {label}: {way[0]}, {way[1]}, MaxPayload {way[2]} MB"
                if way[0] == "None" and len(tables[label]) > way[2] * MB:
                    show(f"{step}: {len(tables[label]) / MB:.1f} MB is too large", None, None, expected, None)
                    continue
                began = time.perf_counter()
                text, number = transform_job(running, tables[label], way)
                kept(step, expected, count(text))
                if predictions.setdefault(label, text) != text:
                    raise Failed(f"{step}: other predictions than in other batches")
                show(
                    f"{step}, {number:,} request{'s' * (number > 1)}", time.perf_counter() - began, running.memory("VmHWM"),
                    expected, count(text),
                )  # fmt: skip
    if predictions["public"] != expected_text:
        raise Failed("the server's predictions for the public file are not predict.py's")

    scores = []
    for label, actual in (("public", "public.csv.gz"), ("private", "private-assays.csv.gz")):
        score, figures = scoring_job(interpreter, folder, label, folder / actual, predictions[label])
        show(f"scoring, {label}: {score:.4f}", *figures, count(predictions[label]), None)
        scores.append(score)
    return scores


def kept(step, rows_in, rows_out):
    """Raise when a step lost a row or made one up."""
    if rows_in != rows_out:
        raise Failed(f"{step}: {rows_in:,} rows in, {rows_out:,} rows out")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "file", nargs="?", default="data/public/public.csv.gz", help="spectra with assays (%(default)s)"
    )
    arguments = parser.parse_args(argv)
    path = preprocess.find_table(arguments.file)
    if path.endswith(".parquet"):
        raise preprocess.DataError(
            f"{path}: found Parquet, expected .csv or .csv.gz as the platform has; name such"
        )

    def show(step, seconds, memory, rows_in, rows_out):
        cells = [
            "" if value is None else form(value)
            for value, form in (
                (seconds, "{:.1f}".format), (memory, "{:.0f}".format),
                (rows_in, "{:,}".format), (rows_out, "{:,}".format),
            )
        ]  # fmt: skip
        print(f"| {step} | {' | '.join(cells)} |", flush=True)

    try:
        with tempfile.TemporaryDirectory(prefix="simulate-") as folder:
            print("| step | seconds | peak MB | rows in | rows out |\n|-|-|-|-|-|", flush=True)
            public, private = simulate(path, Path(folder), show)
    except (Failed, CannotInstall) as error:
        sys.exit(f"simulate: {error}")
    print(
        f"public score {public:.4f}, private score {private:.4f}; no row lost; the server predicts what predict.py does"
    )


if __name__ == "__main__":
    preprocess.run(main)
