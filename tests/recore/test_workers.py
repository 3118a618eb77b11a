"""Processes: what goes wrong in one is told in one line, and the same command goes on."""

import logging
import os
import pickle
import signal
import subprocess
import sys

import pytest

import preprocess
import recore.many
import recore.workers
from preprocess import DataError
from tests.conftest import ROOT, said_in_one_line, step, write
from tests.processes import begin, begun, large_table, leaves_interrupts, wait_for, workers_of
from tests.tables import contents, do, model_of, needs_parquet, said_by, said_without, split, with_records


def test_processes_are_one_or_more(long_table, tmp_path):
    folder = split(long_table, tmp_path / "spectra", ".csv")
    with pytest.raises(preprocess.DataError, match="--jobs: found 0, expected 1 or more"):
        recore.many.main(["--input", str(folder), "--output", str(tmp_path / "out"), "--jobs", "0"])


@pytest.mark.slow
def test_a_bad_table_is_named_and_the_others_are_finished_and_kept(long_table, tmp_path, caplog):
    folder, out = split(long_table, tmp_path / "spectra"), tmp_path / "out"
    bad, good = folder / "part-1.csv.gz", (folder / "part-1.csv.gz").read_bytes()
    bad.write_bytes(good[: len(good) // 2])
    (folder / "part-3.csv.gz").write_bytes(b"no gzip")
    for said in (
        said_in_one_line(step("preprocess", "--input", folder, "--output", out)),
        said_by("train", "--data_dir", folder, "--model_dir", tmp_path / "model"),
    ):
        assert "part-1.csv.gz: the gzip file ends too early" in said and said.endswith("; 1 more failed")
    assert set(contents(out)) == with_records(["part-0.csv", "part-2.csv"])
    assert [path.name for path in (tmp_path / "model").iterdir()] == [".features"]
    bad.write_bytes(good)
    write(long_table[180:], folder / "part-3.csv.gz")
    caplog.set_level("INFO")
    do("preprocess", "--input", folder, "--output", out)
    assert "in 2 tables, 2 done before" in caplog.text
    do("train", "--data_dir", folder, "--model_dir", tmp_path / "model")
    do("train", "--data_dir", folder, "--model_dir", tmp_path / "undisturbed")
    assert model_of(tmp_path / "model") == model_of(tmp_path / "undisturbed")
    assert not (tmp_path / "model" / ".features").exists()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the workers in /proc")
@pytest.mark.parametrize("name", ["preprocess", "train"])
def test_a_worker_that_is_killed_ends_in_one_line_and_the_same_command_goes_on(tmp_path, name):
    folder = large_table(tmp_path / "spectra")

    def arguments(out):
        if name == "preprocess":
            return name, "--input", folder, "--output", out, "--jobs", "2"
        return name, "--data_dir", folder, "--model_dir", out, "--jobs", "2"

    out = tmp_path / "out"
    place = out if name == "preprocess" else out / ".features"
    process = begin(*arguments(out))
    wait_for(lambda: begun(place))
    os.kill(workers_of(process)[0], signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    # joblib's own warnings may follow
    ours = [line for line in said.splitlines() if line.startswith("%s.py: " % name)]
    assert len(ours) == 1 and "a worker process was killed" in ours[0]
    assert "Traceback" not in said
    result = step(*arguments(out))
    assert result.returncode == 0, result.stderr
    assert step(*arguments(tmp_path / "undisturbed")).returncode == 0
    assert contents(out) == contents(tmp_path / "undisturbed")


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the workers in /proc")
def test_an_interrupt_ends_in_one_line_and_leaves_nothing_half_written_and_no_worker(tmp_path):
    folder, out = large_table(tmp_path / "spectra"), tmp_path / "out"
    process = begin("preprocess", "--input", folder, "--output", out, "--jobs", "2")
    wait_for(lambda: begun(out))
    workers = wait_for(lambda: len(workers_of(process)) == 2 and workers_of(process))
    # one that still starts would say more on Python 3.7
    wait_for(lambda: all(map(leaves_interrupts, workers)))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to all of them
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.strip() == "preprocess.py: interrupted, no output is half-written"
    wait_for(lambda: not any(os.path.exists("/proc/%d" % each) for each in workers))
    step("preprocess", "--input", folder, "--output", out)
    step("preprocess", "--input", folder, "--output", tmp_path / "undisturbed")
    assert contents(out) == contents(tmp_path / "undisturbed")


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the size of files")
@pytest.mark.parametrize("name", ["preprocess", "preprocess to parquet", "train", "predict"])
def test_a_full_disk_ends_in_one_line_that_names_the_table(long_table, tmp_path, name):
    import resource

    folder, out, model = split(long_table, tmp_path / "spectra"), tmp_path / "out", tmp_path / "model"
    if name == "predict":
        do("train", "--data_dir", folder, "--model_dir", model)
    if name.endswith("parquet"):
        needs_parquet()
    arguments = {
        "preprocess": ("--input", folder, "--output", out),
        "preprocess to parquet": ("--input", folder, "--output", out, "--format", "parquet"),
        "train": ("--data_dir", folder, "--model_dir", out),
        "predict": ("--data_dir", folder, "--model_dir", model, "--output_dir", out),
    }[name]
    name = name.split()[0]
    command = [sys.executable, str(ROOT / (name + ".py")), *map(str, arguments), "--jobs", "1"]
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)),
    )  # fmt: skip
    said = said_in_one_line(result)
    assert "part-0.csv" in said and "File too large" in said, said
    place = out / ".features" if name == "train" else out
    assert contents(place) == {}
    do(name, *arguments)


def test_a_backend_that_is_not_installed_is_named(long_table, tmp_path):
    folder = split(long_table, tmp_path / "spectra")
    said = said_without("distributed", "--input", folder, "--output", tmp_path / "out", "--backend", "dask")
    assert "--backend dask: found no distributed; install it" in said


def refuse(item):
    """What a task does with a bad table."""
    raise DataError("part-%d.csv, line 7" % item, "found text", "a number", "mend the cell")


def fail(item):
    """What a task does on a full disk."""
    raise OSError("no space left for %d" % item)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_keeps_its_fields_on_the_way_from_a_worker(jobs):
    with recore.workers.workers(jobs) as run, pytest.raises(DataError) as caught:
        list(run(refuse, [0, 1, 2]))
    error = caught.value
    assert error.args == ("part-0.csv, line 7", "found text", "a number", "mend the cell; 2 more failed")
    assert str(error) == "part-0.csv, line 7: found text, expected a number; mend the cell; 2 more failed"
    assert type(error) is DataError


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_the_system_s_is_told_as_it_is(jobs):
    with recore.workers.workers(jobs) as run, pytest.raises(DataError) as caught:
        list(run(fail, [0, 1]))
    assert str(caught.value) == "no space left for 0; 1 more failed"


@pytest.mark.parametrize(
    "fields, told",
    [
        (("a.csv", "found text", "a number", "mend it"), "a.csv: found text, expected a number; mend it"),
        (("", "found text", "a number"), "found text, expected a number"),
        (("a.csv", "not found"), "a.csv: not found"),
    ],
)
def test_an_error_is_the_same_once_pickled(fields, told):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(DataError(*fields), protocol))
        assert type(again) is DataError and again.args == DataError(*fields).args and str(again) == told


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_in_the_items_order(jobs):
    with recore.workers.workers(jobs) as run:
        assert list(run(len, ["a" * size for size in range(9)])) == list(range(9))


def say(item):
    logging.getLogger("preprocess").info("read %s", item)
    logging.getLogger("preprocess").debug("not this")
    if item == "b":
        raise DataError(item, "found text")
    return item


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_logged_in_a_worker_is_heard_once_and_in_order_also_before_an_error(jobs, caplog):
    caplog.set_level("INFO")
    with recore.workers.workers(jobs) as run, pytest.raises(DataError, match="b: found text"):
        list(run(say, ["a", "b", "c"], "letters"))
    said = [(record.name, record.getMessage()) for record in caplog.records]
    assert said == [("preprocess", f"read {item}") for item in "abc"]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system has no affinity")
def test_no_more_cores_are_used_than_are_allowed():
    program = "import os; os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1]); import recore.workers as w, preprocess"
    command = [sys.executable, "-c", program + "; print(w.cores(), preprocess.THREADS)"]
    result = subprocess.run(command, cwd=str(ROOT), stdout=subprocess.PIPE, universal_newlines=True)
    assert result.stdout.split() == ["1", "1"]
