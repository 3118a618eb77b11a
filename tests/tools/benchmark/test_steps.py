"""tools/benchmark/steps.py: what it measures is what a process takes."""

import subprocess
import sys

import pytest
from conftest import ROOT

from tools.benchmark import scale, steps


def test_a_process_that_waits_and_holds_memory_is_measured_so():
    code = "import time; held = bytearray(300 << 20); time.sleep(0.3)"
    seconds, megabytes = steps.measure([sys.executable, "-c", code], threads=1)
    assert seconds > 0.3
    assert 300 < megabytes < 400


def test_a_step_that_fails_ends_the_benchmark_with_what_it_said():
    with pytest.raises(SystemExit, match="status 3: no such thing"):
        steps.measure([sys.executable, "-c", "import sys; sys.stderr.write('no such thing'); sys.exit(3)"], 1)


def test_each_step_stands_in_the_table_both_ways():
    command = [sys.executable, "-m", "tools.benchmark", "--rows", "60", "--repeats", "1"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = [line.split(" | ") for line in result.stdout.splitlines() if line.startswith("| 60 |")]
    assert [row[1] for row in rows] == list(steps.STEPS)
    assert all(float(row[3]) > 0 and float(row[6]) > 20 for row in rows)
    assert "synthetic" in result.stdout


def test_memory_at_scale_is_that_of_all_processes_together():
    child = "held = bytearray(200 << 20); import time; time.sleep(1.2)"
    code = "import subprocess, sys; held = bytearray(100 << 20); "
    code += (
        f"[each.wait() for each in [subprocess.Popen([sys.executable, '-c', {child!r}]) for _ in range(2)]]"
    )
    seconds, megabytes = scale.measure([sys.executable, "-c", code])
    assert seconds > 1.2
    assert 500 < megabytes < 600


def test_each_step_stands_in_the_table_of_scale_beside_the_machine_s_limits(tmp_path, capsys):
    scale.steps(tmp_path, [(300, "parquet")], threads=2)
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| 300 |")]
    assert [row[2] for row in rows] == list(scale.STEPS)
    for row in rows:
        seconds, rows_a_second, megabytes = (float(cell.replace(",", "")) for cell in row[3:6])
        assert rows_a_second == pytest.approx(300 / seconds, rel=0.2) and megabytes > 20
    assert not list(tmp_path.iterdir())
