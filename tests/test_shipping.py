"""What the platform gets: the archive, requirements.txt, and the editor's settings."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tarfile

import pytest
from conftest import ROOT

from tools.shipped import SHIPPED, is_taken_out

CLUSTERS = {"distributed", "ray", "joblibspark", "pyspark"}  # for --backend
BY_NAME = {"train", "predict"}  # scripts that import themselves, so that workers find their functions by name


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
    assert {name for name in files if not is_taken_out(name)} == set(SHIPPED)


def imports(nodes):
    """Names of the packages that some nodes of a file import."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


@pytest.mark.skipif(sys.version_info < (3, 10), reason="this Python does not list its standard library")
@pytest.mark.parametrize(
    "module, of_the_project, inside",
    [
        ("preprocess", set(), {"joblib", "threadpoolctl", "pyarrow", *CLUSTERS}),
        ("score", set(), {"pyarrow"}),
        ("mdl", set(), set()),
        ("train", {"mdl", "preprocess"}, set()),
        ("predict", {"mdl", "preprocess", "train"}, set()),
    ],
)
def test_shipped_files_import_only_what_the_container_has_and_what_the_design_allows(
    module, of_the_project, inside
):
    """At the top the four packages; inside functions also what is asked for: Parquet, a cluster; itself as a script.

    joblib and threadpoolctl come with scikit-learn.
    """
    tree = ast.parse((ROOT / (module + ".py")).read_text(encoding="utf-8"))
    top = {"numpy", "pandas", "sklearn", "joblib", *of_the_project, *sys.stdlib_module_names}
    assert set(imports(tree.body)) <= top
    assert set(imports(ast.walk(tree))) - top == inside - top | ({module} & BY_NAME)


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


@pytest.mark.skipif(not shutil.which("make"), reason="this machine has no make")
def test_make_alone_lists_every_target():
    said = subprocess.run(
        ["make"], cwd=str(ROOT), stdout=subprocess.PIPE, universal_newlines=True, check=True
    )
    listed = [line.split()[1] for line in said.stdout.splitlines()]
    (targets,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert listed == targets.split()
