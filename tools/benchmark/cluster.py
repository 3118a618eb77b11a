"""The steps on one core, in two processes and on a Dask cluster: seconds, and whether all make the same model.

    python -m tools.benchmark --scale --backend dask

The cluster is a scheduler and two workers on loopback, each a process of its own; after it trained, it trains
again while a worker is killed.
"""

import hashlib
import logging
import os
import tempfile
from contextlib import contextmanager

import psutil
from tqdm import tqdm

from tools.benchmark.scale import STEPS, check_space, command, make_spectra, measure


@contextmanager
def dask_cluster():
    """A scheduler and two workers on loopback, each a process of its own: the address and the workers' processes.

    They start in an empty folder, so that they have the project's code from where it is sent, as on other machines.
    """
    from distributed import SubprocessCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "worker_class": "distributed.Worker"}
    with tempfile.TemporaryDirectory() as empty:
        here = os.getcwd()
        os.chdir(empty)
        try:
            cluster = SubprocessCluster(**options, dashboard_address=None, silence_logs=logging.CRITICAL)
        finally:
            os.chdir(here)
        with cluster:
            yield cluster.scheduler_address, [psutil.Process(w.process.pid) for w in cluster.workers.values()]


def model_sum(folder):
    """sha256 of a model."""
    return hashlib.sha256((folder / "model" / "model.pkl").read_bytes()).hexdigest()


def compare(folder, rows):
    """Preprocess and train on one core, in two processes, on a Dask cluster; print seconds, and if models agree."""
    check_space(folder, rows)
    spectra = make_spectra(folder, rows, "parquet")
    seconds, sums = {}, {}
    print(
        f"{rows:,} spectra in Parquet\n\n| where | preprocess, s | train, s | the same model |\n|-|-:|-:|-|"
    )
    with dask_cluster() as (address, workers):
        on_cluster = ["--backend", "dask", "--scheduler", address]
        ways = {
            "one core": ["--jobs", "1"],
            "two processes": ["--jobs", "2"],
            "Dask, two workers": on_cluster,
        }
        for way, options in tqdm(ways.items(), unit="way", disable=None):
            out = folder / way.replace(" ", "-")
            cores = {min(os.sched_getaffinity(0))} if way == "one core" else None
            seconds[way] = [
                measure(command(step, out, spectra, options), cores=cores)[0] for step in STEPS[:2]
            ]
            sums[way] = model_sum(out)
            same = "" if way == "one core" else ("yes" if sums[way] == sums["one core"] else "NO")
            times = " | ".join(f"{each:.1f}" for each in seconds[way])
            print(f"| {way} | {times} | {same} |", flush=True)
        half, out = min(train for _, train in seconds.values()) / 2, folder / "killed"

        def kill(passed):
            if passed > half and workers[0].is_running():
                workers[0].kill()

        again = measure(command("train", out, spectra, on_cluster), kill)[0]
        same = "yes" if model_sum(out) == sums["one core"] and not workers[0].is_running() else "NO"
        print(f"| Dask, a worker killed after {half:.0f} s | | {again:.1f} | {same} |")
    one = seconds["one core"]
    for way in list(ways)[1:]:
        faster = [alone / each for alone, each in zip(one, seconds[way], strict=True)]
        print(f"\n{way}: {faster[0]:.1f} times as fast as one core in preprocess, {faster[1]:.1f} in train")
    return sums
