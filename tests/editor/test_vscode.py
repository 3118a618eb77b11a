"""The editor's settings: every launch configuration runs, in its order, and every task is a make target that expands."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT, make_table, write

FILE = json.loads((ROOT / ".vscode" / "launch.json").read_text())
LAUNCH = {configuration["name"]: configuration for configuration in FILE["configurations"]}
INPUTS = {each["id"]: each for each in FILE["inputs"]}
TASKS = json.loads((ROOT / ".vscode" / "tasks.json").read_text())["tasks"]
STEPS = {  # what each leaves behind
    "preprocess": ["data/preprocess/public.csv"],
    "train": ["model/model.pkl", "model/model.json"],
    "predict": ["data/predictions/public.csv.out"],
    "score": ["data/scores/public.txt"],
}
TOOLS = {
    "validate": ["reports/soil/measures.csv"],
    "report": ["reports/soil/report.html"],
    "tune": ["reports/soil/tune.csv"],
    "monitor": ["reports/model/monitor.csv"],
}
ANSWERS = {"spectra": "soil.csv", "folds": "--short"}  # where the default would take long


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with small data."""
    project = tmp_path_factory.mktemp("workspace") / "project"
    ignored = shutil.ignore_patterns(
        ".git", ".venv*", ".hypothesis", "__pycache__", "model", "public", "reports"
    )
    shutil.copytree(str(ROOT), str(project), ignore=ignored)
    (project / "data" / "public").mkdir(parents=True)
    write(make_table(), project / "data" / "public" / "public.csv.gz")
    write(make_table(targets=("Ca", "clay")), project / "soil.csv")
    return project


def answer(name):
    """What a user picks or types when the editor asks."""
    asked = INPUTS[name]
    given = ANSWERS.get(name, asked["default"])
    if asked["type"] == "pickString":
        offered = [option["value"] for option in asked["options"]]
        assert given in offered and asked["default"] in offered
    return given


def run(configuration, project, file="train.py"):
    """What the editor does: its program or module, arguments, environment and folder, under this interpreter."""

    def filled(text):
        text = text.replace("${workspaceFolder}", str(project)).replace("${file}", str(project / file))
        return re.sub(r"\$\{input:(\w+)\}", lambda found: answer(found[1]), text)

    pairs = {name: filled(value) for name, value in configuration.get("env", {}).items()}
    what = (
        ["-m", configuration["module"]] if "module" in configuration else [filled(configuration["program"])]
    )
    return subprocess.run(
        [sys.executable, *what, *map(filled, configuration["args"])],
        cwd=filled(configuration["cwd"]),
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | pairs,
        capture_output=True,
        text=True,
    )


def leaves(name, paths, project, *file):
    """A configuration runs and makes these files."""
    for path in paths:
        (project / path).unlink(missing_ok=True)
    done = run(LAUNCH[name], project, *file)
    assert done.returncode == 0, (name, done.stderr)
    assert all((project / path).stat().st_size for path in paths)
    return done


def test_the_steps_and_the_tools_are_there_in_their_order():
    assert list(LAUNCH) == [*STEPS, *TOOLS, "current file"]


def test_every_step_runs_and_leaves_what_it_should(project):
    for name, paths in STEPS.items():
        leaves(name, paths, project)
    assert 0.5 < float((project / "data" / "scores" / "public.txt").read_text()) <= 1.01


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_asks_for_what_is_defined_and_offers_an_answer_by_default(name, project):
    asked = re.findall(r"\$\{input:(\w+)\}", " ".join(LAUNCH[name]["args"]))
    assert asked and all(answer(each) and INPUTS[each]["description"] for each in asked)
    assert (ROOT / LAUNCH[name]["module"].replace(".", "/") / "__main__.py").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_runs_and_leaves_what_it_should(name, project):
    if name == "monitor":
        leaves("train", STEPS["train"], project)
    leaves(name, TOOLS[name], project)


@pytest.mark.slow
@pytest.mark.parametrize(
    "file, paths",
    [
        ("train.py", STEPS["train"]),
        ("notebooks/02_validation.py", []),
        ("tools/validate/__main__.py", ["reports/public/measures.csv"]),
    ],
)
def test_the_current_file_runs_whether_step_notebook_or_tool(file, paths, project):
    assert leaves("current file", paths, project, file).stdout or paths


@pytest.mark.skipif(not shutil.which("make"), reason="this machine has no make")
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task["label"])
def test_every_task_is_a_target_that_expands(task, project):
    command = [task["command"], "--dry-run", *task["args"]]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip(), done.stderr
