"""tools/command.py: a tool that is a folder is called by its name, in one line where its user is mistaken."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT, said_in_one_line


@pytest.mark.parametrize(
    "name, arguments, said",
    [
        ("tools.demo_data", ["--rows", "0"], "--rows: found 0"),
        ("tools.validate", ["none.csv"], "none.csv: not found"),
    ],
)
def test_a_mistake_is_told_in_one_line_under_the_tools_name(name, arguments, said):
    command = [sys.executable, "-m", name, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert said_in_one_line(done).startswith(f"python -m {name}: {said}")
    assert done.returncode == 1
