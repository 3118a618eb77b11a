"""Wall time and peak memory of each step as a whole process, beside the plain way of doing it.

Synthetic spectra of 1,700 channels (tools.demo_data), 49 targets. The plain way is
tools/benchmark/plain.py; both run in turn, with the same interpreter and the same number of
threads, and a process counts from its start to its end, imports included.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from tools.benchmark.process import measured

ROOT = Path(__file__).resolve().parent.parent.parent
STEPS = ("preprocess", "train", "predict", "score")


def ours(step, folder):
    """The command of one of the project's own steps."""
    public, out = f"{folder}/public.csv.gz", f"{folder}/public.csv.out"
    options = {
        "preprocess": ["--input", public, "--output", f"{folder}/public.csv"],
        "train": ["--data_dir", public, "--model_dir", f"{folder}/model"],
        "predict": [
            "--data_dir",
            public,
            "--model_dir",
            f"{folder}/model",
            "--output_dir",
            folder,
            "--no-details",
        ],
        "score": ["--actual", public, "--predicted", out, "--output", f"{folder}/public.txt"],
    }
    return [str(ROOT / f"{step}.py"), *options[step]]


def plain(step, folder):
    """The command of the same step the plain way."""
    return [str(Path(__file__).with_name("plain.py")), step, "--folder", folder]


def measure(command, threads):
    """Run a command; its wall time in seconds and its peak memory in MB."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    status, said, *figures = measured(command, env=environment)
    if status:
        sys.exit(f"benchmark: {' '.join(command)} ended with status {status}: {(said or ['no reason'])[-1]}")
    return figures


def compare(rows, python, repeats, threads):
    """Medians of each step both ways; {step: (plain s, our s, plain MB, our MB)}."""
    with tempfile.TemporaryDirectory() as folder:
        public = f"{folder}/public.csv.gz"
        subprocess.run(
            [sys.executable, "-m", "tools.demo_data", "--rows", str(rows), "--output", public],
            check=True, cwd=ROOT, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        result = {}
        with tqdm(total=len(STEPS) * repeats, desc=f"{rows:,} rows", disable=None) as bar:
            for step in STEPS:
                runs = []
                for _ in range(repeats):
                    runs.append([measure([python, *way(step, folder)], threads) for way in (plain, ours)])
                    bar.update()
                medians = [
                    [statistics.median(run[way][figure] for run in runs) for way in (0, 1)]
                    for figure in (0, 1)
                ]
                result[step] = (*medians[0], *medians[1])
    return result
