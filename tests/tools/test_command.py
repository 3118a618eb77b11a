"""tools/command.py: a tool that is a folder is called by its name, in one line where its user is mistaken."""

import subprocess
import sys

import pytest

import tools.spectra
from tests.conftest import ROOT, said_in_one_line
from tools import command
from tools.convert import __main__ as convert
from tools.trust import __main__ as trust
from tools.validate import __main__ as validate


@pytest.mark.parametrize(
    "name, arguments, said",
    [
        ("tools.demo_data", ["--rows", "0", "--output", "none.csv"], "--rows: found 0"),
        ("tools.validate", ["none.csv"], "none.csv: not found"),
    ],
)
def test_a_mistake_is_told_in_one_line_under_the_tools_name(name, arguments, said):
    done = subprocess.run([sys.executable, "-m", name, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert said_in_one_line(done).startswith(f"python -m {name}: {said}")
    assert done.returncode == 1


def test_with_nothing_to_do_a_tool_says_what_it_is_for_and_fails():
    done = subprocess.run([sys.executable, "-m", "tools.convert"], cwd=ROOT, capture_output=True, text=True)
    first, *_, last = done.stdout.strip().splitlines()
    assert first == convert.__doc__.splitlines()[0] and "python -m tools.convert scans/" in done.stdout
    assert last == "found no FILE; all options: python -m tools.convert --help"
    assert (done.stderr, done.returncode) == ("", 2)


def test_the_demo_data_are_something_to_do_where_they_are_there(tmp_path, monkeypatch):
    monkeypatch.setattr(tools.spectra, "ROOT", tmp_path)
    for parser in (validate.command_line(), trust.command_line()):
        assert "public.csv.gz makes them)" in command.not_there(parser)
    path = tmp_path / "data" / "public" / "public.csv.gz"
    path.parent.mkdir(parents=True)
    path.touch()
    assert command.not_there(validate.command_line()) is command.not_there(trust.command_line()) is None
