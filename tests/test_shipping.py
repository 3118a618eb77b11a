"""What the platform gets: the archive, requirements.txt, and the editor's settings."""

import ast
import json
import shutil
import subprocess
import sys
import tarfile

import pytest
from conftest import ROOT

SHIPPED = {"preprocess.py", "train.py", "mdl.py", "requirements.txt", "README.md"}
REMOVED = {"setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in", "PKG-INFO"}  # by `unearthed build`


def copy_of_the_project(folder):
    ignored = shutil.ignore_patterns(
        ".git", ".venv*", "__pycache__", "*.gz", "*.egg-info", "model", "reports"
    )
    shutil.copytree(str(ROOT), str(folder), ignore=ignored)
    return folder


def test_the_source_archive_holds_what_is_shipped_and_nothing_else(tmp_path):
    pytest.importorskip("setuptools", reason="this Python has no setuptools to build an archive with")
    project = copy_of_the_project(tmp_path / "project")
    subprocess.run(
        [sys.executable, "setup.py", "sdist"], cwd=str(project), check=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    (archive,) = (project / "dist").glob("*.tar.gz")
    with tarfile.open(str(archive)) as tar:
        files = {member.name.split("/", 1)[1] for member in tar.getmembers() if member.isfile()}
    assert {name for name in files if ".egg-info/" not in name} - REMOVED == SHIPPED


def imports(path):
    """Top-level names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


@pytest.mark.skipif(sys.version_info < (3, 10), reason="this Python does not list its standard library")
@pytest.mark.parametrize(
    "module, of_the_project",
    [
        ("preprocess", set()),
        ("score", set()),
        ("mdl", set()),
        ("train", {"mdl", "preprocess"}),
        ("predict", {"mdl", "preprocess", "train"}),
    ],
)
def test_shipped_files_import_only_what_the_container_has_and_what_the_design_allows(module, of_the_project):
    others = set(imports(ROOT / (module + ".py"))) - set(sys.stdlib_module_names)
    assert others - {"numpy", "pandas", "sklearn", "joblib"} == of_the_project


def test_every_launch_configuration_names_a_file_and_the_one_place_of_the_environment():
    launch = json.loads((ROOT / ".vscode" / "launch.json").read_text())
    for configuration in launch["configurations"]:
        program = configuration["program"].replace("${workspaceFolder}", str(ROOT))
        assert program == "${file}" or (ROOT / program).is_file()
        environment = configuration["envFile"].replace("${workspaceFolder}", str(ROOT))
        assert (ROOT / environment).is_file()
    assert {c["name"] for c in launch["configurations"]} >= {"preprocess", "train", "predict", "score"}


def test_every_editor_task_is_a_target_of_the_makefile():
    tasks = json.loads((ROOT / ".vscode" / "tasks.json").read_text())["tasks"]
    makefile = (ROOT / "Makefile").read_text()
    assert tasks and all("\n%s:" % task["args"][0] in makefile for task in tasks)
