"""What the platform gets: the archive; and the targets that make lists."""

import os
import re
import shutil
import subprocess
import sys
import tarfile

import pytest

import recore
import recore.predictions
from tests.conftest import ROOT
from tools.shipped import CODE, SHIPPED, is_taken_out, lay


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


def run(*command, **options):
    result = subprocess.run(
        [sys.executable, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        universal_newlines=True, **options,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_what_is_shipped_trains_by_itself_to_the_same_bytes(model_dir, tmp_path):
    code = lay(tmp_path / "code")
    arguments = "--data_dir", model_dir / "public.csv.gz", "--model_dir", tmp_path / "model"
    run("-W", "error", "train.py", *arguments, cwd=str(code))
    assert (tmp_path / "model" / "model.pkl").read_bytes() == (model_dir / "model.pkl").read_bytes()


def test_a_server_whose_installation_left_the_package_out_finds_it_beside_the_code(
    model_dir, features, model, tmp_path
):
    base = tmp_path / "ml"
    lay(base / "code")
    installed = tmp_path / "site"
    lay(installed, [name for name in CODE if "/" not in name])
    (tmp_path / "body.csv").write_text(features[:3].to_csv())
    serve = """
import os, sys
sys.path.insert(0, sys.argv[1])
import train
assert os.path.dirname(train.__file__) == sys.argv[1]
model = train.model_fn(sys.argv[2])
table = train.input_fn(open("body.csv").read(), "text/csv")
sys.stdout.write(train.output_fn(train.predict_fn(table, model), "text/csv")[0])
"""
    environment = dict(os.environ, SAGEMAKER_BASE_DIR=str(base), PYTHONPATH="")
    said = run("-c", serve, installed, model_dir, cwd=str(tmp_path), env=environment)
    assert said == recore.predictions.csv_rows(model.predict(features[:3]))


def test_the_archive_has_the_version_that_records_tell():
    assert 'version="%s"' % recore.__version__ in (ROOT / "setup.py").read_text()


@pytest.mark.skipif(not shutil.which("make"), reason="this machine has no make")
def test_make_alone_lists_every_target():
    said = subprocess.run(
        ["make", "--no-print-directory"],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        universal_newlines=True,
        check=True,
    )
    listed = [line.split()[1] for line in said.stdout.splitlines()]
    (targets,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert listed == targets.split()
