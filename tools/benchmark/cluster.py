"""The steps on one core, in two processes and on a Dask cluster: seconds, and whether all make the same model.

    python -m tools.benchmark --scale --backend dask

The cluster is a scheduler and two workers on loopback, each a process of its own; after it trained, it trains
again while a worker is killed.
"""

import hashlib
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

from tqdm import tqdm

from tools.benchmark.scale import STEPS, check_space, command, make_spectra, measure


@contextmanager
def dask_cluster(folder):
    """A scheduler and two workers on loopback, each a process of its own: their address and the workers."""
    file = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    common = ["--host", "127.0.0.1", "--scheduler-file", str(file), "--no-dashboard"]
    with ExitStack() as stack:
        start = [sys.executable, "-m"]
        processes = [
            subprocess.Popen([*start, "distributed.cli.dask_scheduler", "--port", "0", *common], **quiet),
            *(
                subprocess.Popen(
                    [*start, "distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *common], **quiet
                )
                for _ in range(2)
            ),
        ]
        for process in processes:
            stack.callback(process.wait)
            stack.callback(process.terminate)
        from distributed import Client

        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        with Client(scheduler_file=str(file)) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        yield address, processes[1:]


def model_sum(folder):
    """sha256 of a model."""
    return hashlib.sha256((folder / "model" / "model.pkl").read_bytes()).hexdigest()


def cluster(folder, rows):
    """Preprocess and train on one core, in two processes, on a Dask cluster; print seconds, and if models agree."""
    check_space(folder, rows)
    spectra = make_spectra(folder, rows, "parquet")
    seconds, sums = {}, {}
    print(
        f"{rows:,} spectra in Parquet\n\n| where | preprocess, s | train, s | the same model |\n|-|-:|-:|-|"
    )
    with dask_cluster(folder) as (address, workers):
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
        half, out = seconds["Dask, two workers"][1] / 2, folder / "killed"

        def kill(passed):
            if passed > half and workers[0].poll() is None:
                workers[0].send_signal(signal.SIGKILL)

        again = measure(command("train", out, spectra, on_cluster), kill)[0]
        same = "yes" if model_sum(out) == sums["one core"] and workers[0].poll() is not None else "NO"
        print(f"| Dask, a worker killed after {half:.0f} s | | {again:.1f} | {same} |")
    one = seconds["one core"]
    for way in list(ways)[1:]:
        faster = [alone / each for alone, each in zip(one, seconds[way], strict=True)]
        print(f"\n{way}: {faster[0]:.1f} times as fast as one core in preprocess, {faster[1]:.1f} in train")
    return sums
