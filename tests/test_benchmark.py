"""tools/benchmark.py: what it measures is what a process takes."""

import subprocess
import sys

import pytest
from conftest import ROOT

from tools import benchmark


def test_a_process_that_waits_and_holds_memory_is_measured_so():
    code = "import time; held = bytearray(300 << 20); time.sleep(0.3)"
    seconds, megabytes = benchmark.measure([sys.executable, "-c", code], threads=1)
    assert seconds > 0.3
    assert 300 < megabytes < 400


def test_a_step_that_fails_ends_the_benchmark_with_what_it_said():
    with pytest.raises(SystemExit, match="status 3: no such thing"):
        benchmark.measure(
            [sys.executable, "-c", "import sys; sys.stderr.write('no such thing'); sys.exit(3)"], 1
        )


def test_each_step_stands_in_the_table_both_ways():
    command = [sys.executable, "-m", "tools.benchmark", "--rows", "60", "--repeats", "1"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = [line.split(" | ") for line in result.stdout.splitlines() if line.startswith("| 60 |")]
    assert [row[1] for row in rows] == list(benchmark.STEPS)
    assert all(float(row[3]) > 0 and float(row[6]) > 20 for row in rows)
    assert "synthetic" in result.stdout
