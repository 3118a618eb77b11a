"""Rows a second and peak memory of each step at 10,000 to 1,000,000 spectra, and how far from the machine's limit.

    python -m tools.benchmark --scale            # 20 minutes on two cores, 15 GB of disk
    python -m tools.benchmark --scale --short    # 10,000 spectra
    python -m tools.benchmark --scale --backend dask

Synthetic spectra of 1,700 channels (tools.demo_data), 49 targets, in files of 10,000. A step is a whole
process with its workers, imports included, run once. Its memory is the most that all of its processes take
together: the proportional set size (Pss), looked at twice a second.

Beside it the machine's limit, two ways, with as many processes or threads: seconds to read the bytes of its
input and do nothing with them, and seconds of one matrix product of the size that the step cannot do without:

    preprocess, predict   spectra (rows x 1,700) by windows (1,700 x 243); predict, features by targets as well
    train                 features (rows x 243) by themselves, and by the coefficients of 49 targets x 50 alphas

The product is timed on BLOCK rows at a time, REPEATS times, and scaled to all rows. "Times both" is how many times
as long as the two together the step takes.

On a Dask cluster (--backend dask): tools/benchmark/cluster.py.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from tqdm import tqdm

from preprocess import DataError

ROOT = Path(__file__).resolve().parent.parent.parent
CHANNELS, FEATURES, TARGETS, ALPHAS = 1700, 243, 49, 50
SHARD = 10_000  # rows
BLOCK = 10_000  # rows of a product
REPEATS = 20  # of a product; the median counts
SIZES = [(10_000, "parquet"), (100_000, "parquet"), (1_000_000, "parquet"), (100_000, "csv.gz")]
BYTES = 15_000  # of disk a spectrum takes, with features, cache and predictions
REFERENCE = 20_000 / 16.8  # rows a second of the reference's preprocess.py, as given
PAUSE = 0.5  # s between looks at the memory, which themselves take time
STEPS = ("preprocess", "train", "predict", "score")


def command(step, folder, spectra, options=()):
    """The command of a step of the project."""
    out = {name: str(folder / name) for name in ("features", "model", "predictions", "score.txt")}
    arguments = {
        "preprocess": ["--input", spectra, "--output", out["features"]],
        "train": ["--data_dir", spectra, "--model_dir", out["model"]],
        "predict": [
            "--data_dir",
            spectra,
            "--model_dir",
            out["model"],
            "--output_dir",
            out["predictions"],
            "--no-details",
        ],
        "score": ["--actual", spectra, "--predicted", out["predictions"], "--output", out["score.txt"]],
    }
    return [sys.executable, str(ROOT / f"{step}.py"), *map(str, arguments[step]), *options]


def memory(process):
    """What a process and all that it has started take together, MB."""
    total = 0
    with suppress(psutil.Error):  # it has ended
        for each in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error):
                total += each.memory_full_info().pss
    return total / (1 << 20)


def measure(command, meanwhile=None, cores=None):
    """Run a command; its seconds and peak memory in MB.

    `meanwhile(seconds)` is called while it runs; of `cores`, the numbers of those that it may use.
    """
    keep_to = partial(os.sched_setaffinity, 0, cores) if cores else None
    began, peak = time.perf_counter(), 0.0
    with tempfile.TemporaryFile("w+") as said:
        process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=said, preexec_fn=keep_to)
        while process.poll() is None:
            peak = max(peak, memory(process))
            if meanwhile:
                meanwhile(time.perf_counter() - began)
            time.sleep(PAUSE)
        if process.returncode:
            said.seek(0)
            raise DataError(
                f"{' '.join(command)} ended with status {process.returncode}", f"{said.read().strip()}"
            )
    return time.perf_counter() - began, peak


def reading(folder, threads):
    """Seconds to read all files of a folder."""

    def read(path):
        with open(path, "rb", buffering=0) as file:
            while file.read(1 << 20):
                pass

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, sorted(folder.iterdir())))
    return time.perf_counter() - began


def products(rows):
    """Seconds of the matrix product that each step cannot do without, for so many rows."""
    rng = np.random.default_rng(0)
    spectra, features = rng.random((BLOCK, CHANNELS)), rng.random((BLOCK, FEATURES))
    windows, coefficients = rng.random((CHANNELS, FEATURES)), rng.random((FEATURES, TARGETS * ALPHAS))

    def seconds(product):
        times = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            product()
            times.append(time.perf_counter() - began)
        return statistics.median(times) * rows / BLOCK

    to_features = seconds(lambda: spectra @ windows)
    return {
        "preprocess": to_features,
        "train": seconds(lambda: (features.T @ features, features @ coefficients)),
        "predict": to_features + seconds(lambda: features @ coefficients[:, :TARGETS]),
    }


def make_spectra(folder, rows, kind):
    """A folder of synthetic spectra, SHARD to a file; made when missing."""
    spectra = folder / f"{rows}-{kind}"
    settings = ["--rows", str(rows), "--shard-rows", str(SHARD), "--format", kind]
    if len(list(spectra.glob("part-*"))) != -(-rows // SHARD):
        subprocess.run(
            [sys.executable, "-m", "tools.demo_data", "--output", str(spectra), *settings],
            check=True, cwd=ROOT, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return spectra


def check_space(folder, rows):
    """Raise a DataError when the folder's disk has no room for so many spectra."""
    free = shutil.disk_usage(folder).free
    if free < rows * BYTES:
        raise DataError(
            folder,
            f"found {free / 1000000000.0:.0f} GB free",
            f"{rows * BYTES / 1000000000.0:.0f} for {rows:,} spectra",
            "name another folder with --folder, or take fewer --rows",
        )


def steps(folder, sizes, threads):
    """Measure and print a table of all steps; the peak memories."""
    print(
        "| rows | files | step | s | rows a second | peak MB | reading alone, s | product alone, s | times both |"
    )
    print("|-:|-|-|-:|-:|-:|-:|-:|-:|", flush=True)
    peaks, preprocessed = {}, None
    with tqdm(total=len(sizes) * len(STEPS), unit="step", disable=None) as bar:
        for rows, kind in sizes:
            check_space(folder, rows)
            spectra = make_spectra(folder, rows, kind)
            limits, out = products(rows), folder / "out"
            for step in STEPS:
                bar.set_description(f"{rows:,} {kind} {step}")
                seconds, peak = measure(command(step, out, spectra))
                peaks[rows, kind, step] = peak
                if step == "preprocess" and kind == "parquet":
                    preprocessed = rows / seconds
                read, product = reading(spectra, threads), limits.get(step, 0)
                print(
                    f"| {rows:,} | {kind} | {step} | {seconds:.1f} | {rows / seconds:,.0f} | {peak:,.0f} "
                    f"| {read:.2f} | {f'{product:.2f}' if product else '–'} | {seconds / (read + product):.0f} |",
                    flush=True,
                )
                bar.update()
            shutil.rmtree(out)
            shutil.rmtree(spectra)
    if preprocessed:
        print(
            f"\npreprocess, {max(rows for rows, kind in sizes if kind == 'parquet'):,} spectra in Parquet: "
            f"{preprocessed / REFERENCE:.0f} times the rows a second of the reference's CSV path "
            "(20,000 in 16.8 s, given)"
        )
    for step in STEPS:
        few, many = peaks.get((100_000, "parquet", step)), peaks.get((1_000_000, "parquet", step))
        if few and many:
            print(f"peak memory of {step}, 1,000,000 rows over 100,000: {many / few:.2f}")
