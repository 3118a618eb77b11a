"""tools/benchmark: what it measures is what a process takes, and its tables hold every step."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tools.benchmark import cluster, scale, steps


def test_memory_is_that_of_the_process():
    _, megabytes = steps.measure([sys.executable, "-c", "held = bytearray(300 << 20)"], threads=1)
    assert 300 < megabytes < 400


def test_a_step_that_fails_ends_the_benchmark_with_what_it_said():
    failing = [sys.executable, "-c", "import sys; sys.stderr.write('no such thing'); sys.exit(3)"]
    with pytest.raises(SystemExit, match="status 3: no such thing"):
        steps.measure(failing, threads=1)


def test_memory_at_scale_is_that_of_all_processes_together():
    child = "held = bytearray(200 << 20); import time; time.sleep(1.2)"
    code = "import subprocess, sys; held = bytearray(100 << 20); "
    code += f"[c.wait() for c in [subprocess.Popen([sys.executable, '-c', {child!r}]) for _ in range(2)]]"
    _, megabytes = scale.measure([sys.executable, "-c", code])
    assert 500 < megabytes < 600


@pytest.mark.slow
def test_each_step_stands_in_the_table_both_ways():
    command = [sys.executable, "-m", "tools.benchmark", "--rows", "60", "--repeats", "1"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = [line.split(" | ") for line in result.stdout.splitlines() if line.startswith("| 60 |")]
    assert [row[1] for row in rows] == list(steps.STEPS)
    assert all(float(row[6]) > 20 for row in rows)
    assert "synthetic" in result.stdout


@pytest.mark.slow
def test_each_step_stands_in_the_table_of_scale_beside_the_machine_s_limits(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(scale, "BLOCK", 100)
    monkeypatch.setattr(scale, "REPEATS", 1)
    monkeypatch.setattr(scale, "PAUSE", 0.02)  # steps of so few rows are short
    scale.steps(tmp_path, [(300, "parquet")], threads=2)
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| 300 |")]
    assert [row[2] for row in rows] == list(scale.STEPS)
    assert all(float(row[5].replace(",", "")) > 20 for row in rows)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_processes_and_a_cluster_that_loses_a_worker_make_the_model_of_one_core(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(scale, "SHARD", 150)
    sums = cluster.compare(tmp_path, 300)
    assert len(sums) == 3 and len(set(sums.values())) == 1
    table = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row[-1].strip(" |") for row in table[1:]] == ["", "yes", "yes", "yes"]
