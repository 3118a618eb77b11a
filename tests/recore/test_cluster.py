"""A Dask cluster, whose workers know nothing of the project but what they are sent, gives the bytes of one process."""

import importlib.util
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import said_in_one_line, step
from tests.processes import begin, begun, large_table, wait_for
from tests.tables import contents, model_of, split, with_records

STEPS = {
    "preprocess": lambda folder, out: ("--input", folder, "--output", out / "features"),
    "train": lambda folder, out: ("--data_dir", folder, "--model_dir", out / "model"),
    "predict": lambda folder, out: (
        *("--data_dir", folder, "--model_dir", out / "model", "--output_dir", out / "predictions"),
        "--details",
    ),
}


class Cluster:
    """A scheduler and two workers on loopback, processes of their own that were started in an empty folder."""

    def __init__(self, folder, stack):
        self.folder, self.stack, self.file = folder, stack, folder / "scheduler.json"
        (folder / "empty").mkdir()
        self.start("scheduler", "--port", "0", "--scheduler-file", self.file)
        wait_for(self.file.exists)
        worker = "--nthreads", "1", "--no-nanny", "--scheduler-file", self.file
        self.workers = [
            self.start("worker", *worker, "--local-directory", folder / name) for name in ("one", "two")
        ]

    def start(self, kind, *arguments):
        program = [
            sys.executable,
            "-m",
            "distributed.cli.dask_" + kind,
            "--host",
            "127.0.0.1",
            "--no-dashboard",
        ]
        with open(str(self.folder / "log"), "ab") as log:
            process = subprocess.Popen(
                [*program, *map(str, arguments)], cwd=str(self.folder / "empty"), stdout=log, stderr=log,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            )  # fmt: skip
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def address(self):
        """Where the scheduler is, once both workers are there; none of them can import the project."""
        from distributed import Client

        with Client(scheduler_file=str(self.file)) as client:
            client.wait_for_workers(2, timeout=60)
            for module in ("preprocess", "recore", "train"):
                assert set(client.run(importlib.util.find_spec, module).values()) == {None}
            return client.scheduler.address


@pytest.fixture
def cluster(tmp_path_factory):
    pytest.importorskip("distributed", reason="distributed is not installed here")
    with ExitStack() as stack:
        yield Cluster(tmp_path_factory.mktemp("cluster"), stack)


def on(address):
    return "--backend", "dask", "--scheduler", address


@pytest.mark.slow
def test_every_step_gives_the_same_bytes_also_where_a_bad_table_is_among_the_others(
    cluster, long_table, tmp_path
):
    folder, address = split(long_table, tmp_path / "spectra"), cluster.address()
    for name, options in (("here", ("--jobs", "1")), ("there", on(address))):
        for kind, arguments in STEPS.items():
            paths = arguments(Path("spectra"), Path(name))  # from a folder that the workers are not in
            done = step(kind, *paths, *options, cwd=str(tmp_path))
            assert done.returncode == 0, done.stderr
    for each in ("features", "predictions"):
        assert contents(tmp_path / "here" / each) == contents(tmp_path / "there" / each) != {}
    assert model_of(tmp_path / "here/model") == model_of(tmp_path / "there/model")

    for name in ("part-1.csv.gz", "part-3.csv.gz"):
        (folder / name).write_bytes(b"no gzip")
    out = tmp_path / "bad"
    said = said_in_one_line(step("preprocess", *STEPS["preprocess"](folder, out), *on(address)))
    assert said.startswith("preprocess.py: part-1.csv.gz: cannot be read as gzip") and said.endswith(
        "; 1 more failed"
    )
    assert set(contents(out / "features")) == with_records(["part-0.csv", "part-2.csv"])


@pytest.mark.slow
def test_what_a_killed_worker_had_in_work_is_done_by_another(cluster, tmp_path):
    folder, address = large_table(tmp_path / "spectra"), cluster.address()
    assert step("train", *STEPS["train"](folder, tmp_path / "here"), "--jobs", "1").returncode == 0
    process = begin("train", *STEPS["train"](folder, tmp_path / "there"), *on(address))
    wait_for(lambda: begun(tmp_path / "there" / "model" / ".features"))
    cluster.workers[0].kill()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert model_of(tmp_path / "there" / "model") == model_of(tmp_path / "here" / "model")
