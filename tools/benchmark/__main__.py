"""Wall time and peak memory of each step as a whole process, beside the plain way of doing it.

    python -m tools.benchmark            # 1,344 and 20,000 spectra, medians of 5
    python -m tools.benchmark --short    # 1,344 spectra, medians of 3
    python -m tools.benchmark --scale    # up to 1,000,000 spectra, see tools/benchmark/scale.py

What is measured is told in tools/benchmark/steps.py.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from recore.options import Parser
from tools import command
from tools.benchmark import cluster, scale
from tools.benchmark.steps import compare


def at_scale(arguments):
    """What --scale does."""
    threads = os.cpu_count()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"synthetic spectra, {threads} processes or threads, one run each\n")
        if arguments.backend == "dask":
            cluster.compare(folder, arguments.rows[0] if arguments.rows else 200_000)
            return
        sizes = [(rows, "parquet") for rows in arguments.rows or []] or scale.SIZES
        scale.steps(folder, sizes[:1] if arguments.short else sizes, threads)


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", help="synthetic spectra (1344 20000)")
    parser.add_argument(
        "--repeats", type=int, default=5, help="of each step, of which medians are shown (%(default)s)"
    )
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count(), help="of each process (as many as there are cores)"
    )
    parser.add_argument("--python", default=sys.executable, help="interpreter for the steps (this one)")
    parser.add_argument("--short", action="store_true", help="1,344 rows, medians of 3")
    parser.add_argument("--scale", action="store_true", help="10,000 to 1,000,000 spectra, in many files")
    parser.add_argument("--folder", help="with --scale: where spectra and outputs go (a temporary one)")
    parser.add_argument("--backend", choices=["loky", "dask"], default="loky", help="with --scale")
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    if arguments.scale:
        return at_scale(arguments)
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
    command.run(main, "tools.benchmark")
