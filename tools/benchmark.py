"""Wall time and peak memory of each step as a whole process, beside the plain way of doing it.

    python -m tools.benchmark            # 1,344 and 20,000 spectra, medians of 5
    python -m tools.benchmark --short    # 1,344 spectra, medians of 3
    python -m tools.benchmark --scale    # up to 1,000,000 spectra, see tools/benchmark_scale.py

Synthetic spectra of 1,700 channels (tools.demo_data), 49 targets. The plain way is
tools/baseline.py; both run in turn, with the same interpreter and the same number of
threads, and a process counts from its start to its end, imports included.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
STEPS = ("preprocess", "train", "predict", "score")


def ours(step, folder):
    """The command of one of the project's own steps."""
    public, out = f"{folder}/public.csv.gz", f"{folder}/public.csv.out"
    options = {
        "preprocess": ["--input", public, "--output", f"{folder}/public.csv"],
        "train": ["--data_dir", public, "--model_dir", f"{folder}/model"],
        "predict": ["--data_dir", public, "--model_dir", f"{folder}/model", "--output_dir", folder],
        "score": ["--actual", public, "--predicted", out, "--output", f"{folder}/public.txt"],
    }
    return [str(ROOT / f"{step}.py"), *options[step]]


def plain(step, folder):
    """The command of the same step the plain way."""
    return [str(ROOT / "tools" / "baseline.py"), step, "--folder", folder]


def measure(command, threads):
    """Run a command; its wall time in seconds and its peak memory in MB.

    This process imports nothing large, because a child's peak begins at its parent's size.
    """
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    with process.stderr as stream:
        said = stream.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"benchmark: {' '.join(command)} ended with status {process.returncode}: {said.strip()}")
    return seconds, usage.ru_maxrss / 1024


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


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", help="(1344 20000)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(%(default)s)")
    parser.add_argument("--python", default=sys.executable, help="interpreter for the steps (%(default)s)")
    parser.add_argument("--short", action="store_true", help="1,344 rows, medians of 3")
    parser.add_argument("--scale", action="store_true", help="10,000 to 1,000,000 spectra, in many files")
    parser.add_argument("--folder", help="with --scale: where spectra and outputs go (a temporary one)")
    parser.add_argument("--backend", choices=["loky", "dask"], default="loky", help="with --scale")
    arguments = parser.parse_args(argv)
    if arguments.scale:
        from tools import benchmark_scale  # here, because what it imports would add to a step's peak

        return benchmark_scale.run(arguments)
    arguments.rows = arguments.rows or [1344, 20000]
    if arguments.short:
        arguments.rows, arguments.repeats = [1344], 3
    packages = "import sys, numpy, pandas, sklearn as s; print('Python', sys.version.split()[0], "
    packages += "'numpy', numpy.__version__, 'pandas', pandas.__version__, 'scikit-learn', s.__version__)"
    print(subprocess.run([arguments.python, "-c", packages], capture_output=True, text=True).stdout.strip())
    print(f"synthetic spectra, {arguments.threads} threads, medians of {arguments.repeats}\n")
    print(
        "| rows | step | plain way, s | here, s | times faster | plain way, MB | here, MB | of its memory |"
    )
    print("|-|-|-|-|-|-|-|-|")
    for rows in arguments.rows:
        figures = compare(rows, arguments.python, arguments.repeats, arguments.threads)
        for step, (plain_s, our_s, plain_mb, our_mb) in figures.items():
            print(
                f"| {rows:,} | {step} | {plain_s:.2f} | {our_s:.2f} | {plain_s / our_s:.1f} "
                f"| {plain_mb:.0f} | {our_mb:.0f} | {our_mb / plain_mb:.0%} |"
            )


if __name__ == "__main__":
    from preprocess import run  # here, as above

    run(main)
