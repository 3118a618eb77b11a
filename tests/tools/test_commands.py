"""docs/commands.md tells the parsers' own options; every script takes them with hyphens and underscores."""

import argparse
import re
import subprocess
import sys

import pytest

import preprocess
from recore.options import Parser
from tests.conftest import ROOT
from tools.docs import commands


def test_the_page_holds_the_tables_that_the_parsers_make():
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for table in "\n".join(commands.tables()).split("\n\n"):
        assert table in page, "make it anew: python -m tools.docs --only commands"


def test_every_command_that_can_be_run_is_told():
    """Modules with a parser of their own, those that only a tool runs left out."""
    inside = {"tools.benchmark.plain", "tools.container.plain_handlers"}
    found = {*commands.COMMANDS.values()}
    for path in [*ROOT.glob("*.py"), *(ROOT / "tools").rglob("*.py")]:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if "def command_line(" in path.read_text(encoding="utf-8") and name not in inside:
            assert name in found, name


@pytest.mark.parametrize("command", commands.COMMANDS)
def test_options_are_told_in_words_and_have_hyphens(command):
    for names, meaning in commands.options(commands.parsers()[command]):
        assert meaning, names
        assert names.startswith("-") == bool(re.fullmatch(r"--[a-z-]+(, --[a-z-]+)*", names))


def test_the_same_option_is_of_the_same_kind_in_every_command():
    kinds = {}
    for parser in commands.parsers().values():
        for action in parser._actions:
            for name in action.option_strings:
                takes = action.nargs == 0, action.type in (None, str, str.lower) or action.type
                kinds.setdefault(name, set()).add(str(takes))
    several = {name for name, found in kinds.items() if len(found) > 1}
    assert several <= {"--peers", "--folder", "--model", "--reports"}, several


def test_hyphens_and_underscores_are_the_same():
    parser = Parser()
    parser.add_argument("--model-dir")
    parser.add_argument("file", nargs="?")
    for name in ("--model-dir", "--model_dir"):
        assert parser.parse_args([name, "a_b"]).model_dir == "a_b"
        assert parser.parse_args([f"{name}=a_b", "c_d"]) == argparse.Namespace(model_dir="a_b", file="c_d")


TELL = """
import os, runpy, sys
import matplotlib.pyplot, pandas, sklearn.linear_model  # what takes long, once for all
for name in sys.argv[1:]:
    child = os.fork()
    if not child:
        sys.argv = [name, "--help"]
        os.dup2(os.open(os.path.basename(name) + ".txt", os.O_WRONLY | os.O_CREAT), 1)
        runpy.run_path(name, run_name="__main__") if name.endswith(".py") else runpy._run_module_as_main(name)
    assert os.waitpid(child, 0)[1] == 0, name
"""


def test_every_command_tells_itself_from_any_folder(tmp_path):
    """Each in a process of its own, in a folder that is not the project's."""
    typed = [str(ROOT / name) if name.endswith(".py") else name for name in commands.COMMANDS]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    run = [sys.executable, "-c", TELL, *typed]
    done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in commands.COMMANDS:
        assert (tmp_path / f"{name}.txt").read_text().startswith("usage: "), name


def test_what_is_not_named_is_the_platforms_where_it_is_there_else_the_projects(tmp_path, monkeypatch):
    for name in ("SM_MODEL_DIR", "SM_OUTPUT_DIR", "SM_CHANNEL_TRAINING", "SM_CHANNEL_TRAIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(ROOT)
    own = [
        "data/public",
        "model",
        "data/predictions",
        "data/public/public.csv.gz",
        "data/preprocess/public.csv",
    ]
    theirs = [
        "/opt/ml/input/data/training",
        "/opt/ml/model",
        "/opt/ml/output",
        f"{tmp_path}/processing/input/public/public.csv.gz",
        f"{tmp_path}/processing/output/preprocess/public.csv",
    ]

    def defaults():
        found = {
            name: commands.importlib.import_module(module).command_line()
            for name, module in commands.COMMANDS.items()
            if name.endswith(".py")
        }
        parsed = {name: parser.parse_args([]) for name, parser in found.items()}
        steps = [parsed["train.py"].spectra[1], parsed["predict.py"].model, parsed["predict.py"].output]
        assert parsed["score.py"].spectra[1] == parsed["preprocess.py"].spectra[1]
        return [*steps, parsed["preprocess.py"].spectra[1], parsed["preprocess.py"].output]

    assert defaults() == own
    monkeypatch.chdir(tmp_path)  # from another folder the project's are the same places
    assert [(tmp_path / path).resolve() for path in defaults()] == [ROOT / path for path in own]
    monkeypatch.setattr(preprocess, "PLATFORM", str(tmp_path))
    assert defaults() == theirs
