"""What the platform gets: the archive; and the targets that make lists."""

import re
import shutil
import subprocess
import sys
import tarfile

import pytest

from tests.conftest import ROOT
from tools.shipped import SHIPPED, is_taken_out


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


@pytest.mark.skipif(not shutil.which("make"), reason="this machine has no make")
def test_make_alone_lists_every_target():
    said = subprocess.run(
        ["make"], cwd=str(ROOT), stdout=subprocess.PIPE, universal_newlines=True, check=True
    )
    listed = [line.split()[1] for line in said.stdout.splitlines()]
    (targets,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert listed == targets.split()
