"""The four jobs of the online pipeline on this machine, on the platform's own model server.

    python -m tools.container.simulate                                  # data/public/public.csv.gz
    python -m tools.container.simulate some/spectra.csv.gz

Every job runs in a folder of its own that holds only what the platform gives it, and installs
requirements.txt where the platform does:

    archive       setup.py sdist, less what `unearthed build` takes out
    training      the unpacked archive, the public file
    processing    preprocess.py alone, the public file; again with the private file
    serving       the unpacked archive, the model, AWS's own installation and worker (tools/container/server.py)
    transform     each way to split a file into requests to it, by lines and by MaxPayload
    scoring       score.py and the code, a file with assays and its predictions

The private file is made of rows that the public one, and so the model, then does not have: those of
every fifth site, or every fifth row of a file without sites. A lost row, or a prediction on the
server that differs from predict.py's in any digit, ends the run with status 1.
"""

import sys
import tempfile
import time
from pathlib import Path

import preprocess
from recore.options import Parser
from tools import command
from tools.container import jobs, server
from tools.container.environments import CannotInstall
from tools.container.jobs import MB, Failed, measured
from tools.container.private import split_off
from tools.shipped import ROOT
from tools.spectra import add_table

MAX_PAYLOAD = 6  # MB, the platform's default
WAYS = [  # SplitType, BatchStrategy, MaxPayload in MB
    ("Line", "MultiRecord", MAX_PAYLOAD),
    ("Line", "MultiRecord", 1),
    ("Line", "SingleRecord", MAX_PAYLOAD),
    ("None", "SingleRecord", MAX_PAYLOAD),
]


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
    code, figures = jobs.build(interpreter, folder)
    show("archive", *figures, None, None)
    model, (installing, figures) = jobs.training_job(interpreter, folder, code, folder / "public.csv.gz")
    show("training: requirements", installing, None, None, None)
    show("training", *figures, rows[0], None)

    tables = {}
    for label, expected in zip(("public", "private"), rows):
        output, figures = jobs.processing_job(interpreter, folder, folder / f"{label}.csv.gz")
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
    began = time.perf_counter()
    with server.Server(code, model, installs=True) as running:
        show("serving: installation", time.perf_counter() - began, None, None, None)
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
                text, number = jobs.transform_job(running, tables[label], way)
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
        score, figures = jobs.scoring_job(interpreter, folder, label, folder / actual, predictions[label])
        show(f"scoring, {label}: {score:.4f}", *figures, count(predictions[label]), None)
        scores.append(score)
    return scores


def kept(step, rows_in, rows_out):
    """Raise when a step lost a row or made one up."""
    if rows_in != rows_out:
        raise Failed(f"{step}: {rows_in:,} rows in, {rows_out:,} rows out")


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    add_table(parser)
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    path = preprocess.find_table(arguments.file)
    if path.endswith(".parquet"):
        raise preprocess.DataError(path, "found Parquet", ".csv or .csv.gz as the platform has", "name such")

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
    command.run(main, "tools.container.simulate")
