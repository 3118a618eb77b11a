"""The editor's settings: every launch configuration runs, in its order, and every task is a make target that expands."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, make_table, write

LAUNCH = json.loads((ROOT / ".vscode" / "launch.json").read_text())["configurations"]
TASKS = json.loads((ROOT / ".vscode" / "tasks.json").read_text())["tasks"]
MADE = {  # what each step leaves behind
    "preprocess": ["data/preprocess/public.csv"],
    "train": ["model/model.pkl", "model/model.json"],
    "predict": ["data/predictions/public.csv.out"],
    "score": ["data/scores/public.txt"],
    "current file": ["model/model.pkl"],
}


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
    return project


def run(configuration, project, file):
    """What the editor does: its program, arguments, environment file and folder, under this interpreter."""

    def filled(text):
        return text.replace("${workspaceFolder}", str(project)).replace("${file}", str(project / file))

    with open(filled(configuration["envFile"])) as lines:
        pairs = dict(line.strip().split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    command = [sys.executable, filled(configuration["program"]), *map(filled, configuration["args"])]
    return subprocess.run(
        command,
        cwd=filled(configuration["cwd"]),
        env=dict(os.environ, **pairs),
        capture_output=True,
        text=True,
    )


def test_every_launch_configuration_runs_and_leaves_what_it_should(project):
    assert [configuration["name"] for configuration in LAUNCH] == list(MADE)
    for configuration in LAUNCH:
        for path in MADE[configuration["name"]]:
            if (project / path).exists():
                (project / path).unlink()
        done = run(configuration, project, "train.py")
        assert done.returncode == 0, (configuration["name"], done.stderr)
        assert all((project / path).stat().st_size for path in MADE[configuration["name"]])
    score = float((project / "data" / "scores" / "public.txt").read_text())
    assert 0.5 < score <= 1.01


@pytest.mark.skipif(not shutil.which("make"), reason="this machine has no make")
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task["label"])
def test_every_task_is_a_target_that_expands(task, project):
    command = [task["command"], "--dry-run", *task["args"]]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip(), done.stderr
