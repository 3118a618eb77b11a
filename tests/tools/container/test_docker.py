"""The `unearthed` command against a Docker engine: what is checked of its work, and the engine itself."""

import os
import re
import subprocess
import sys
import tarfile

import pytest

from tests.conftest import ROOT
from tools.container import docker, engine, unearthed
from tools.container.versions import CONTAINERS
from tools.shipped import SHIPPED


def project_with(folder, **files):
    """A folder with the files to ship, and some of other contents."""
    for name in SHIPPED:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(files.get(name, name))
    return folder


def archive(project, names, **texts):
    """src.tar.gz as `unearthed build` leaves it."""
    packed = project / "packed"
    packed.mkdir()
    for name in names:
        (packed / name).parent.mkdir(exist_ok=True)
        (packed / name).write_text(texts.get(name, name))
    with tarfile.open(project / "src.tar.gz", "w:gz") as tar:
        tar.add(packed, arcname=".")


def test_an_archive_of_exactly_the_shipped_files_is_right(tmp_path):
    archive(project_with(tmp_path), SHIPPED)
    assert docker.check_archive(tmp_path) == (True, "archive: " + " ".join(SHIPPED))


def test_what_an_archive_lacks_or_has_too_much_or_changed_is_named(tmp_path):
    names = [*(set(SHIPPED) - {"preprocess.py"}), "tests/test_mdl.py"]
    archive(project_with(tmp_path), names, **{"mdl.py": "other"})
    right, words = docker.check_archive(tmp_path)
    assert not right
    assert words == "archive: missing preprocess.py; not expected tests/test_mdl.py; changed mdl.py"


def test_a_step_that_left_nothing_is_wrong(tmp_path):
    for step in (*docker.STEPS, "build"):
        right, words = docker.outcome(step, tmp_path, tmp_path)
        assert not right and words.startswith("left nothing")


def test_without_an_engine_one_line_says_so_and_how_to_get_one():
    environ = dict(os.environ, DOCKER_HOST="unix:///no/such/socket")
    command = [sys.executable, "-m", "tools.container.docker"]
    result = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (docker.NOT_RUN, "")
    assert len(result.stdout.splitlines()) == 1 and result.stdout.startswith("not run: ")
    (hint,) = re.findall(r"make docker .*(?=\)$)", result.stdout.strip())
    expands = subprocess.run(
        [*hint.split(), "--dry-run", "--no-print-directory"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert expands.stdout.splitlines()[-1].endswith("-m tools.container.docker --install")


def test_where_no_engine_can_be_made_one_line_says_so_and_the_command_is_not_run():
    environ = dict(os.environ, DOCKER_HOST="unix:///no/such/socket")
    command = [ROOT / ".ci" / "engine", "3.8", "--", "echo", "run"]
    result = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (docker.NOT_RUN, "")
    assert len(result.stdout.splitlines()) == 1 and result.stdout.startswith("not run: ")


def test_an_image_in_a_private_aws_registry_is_pulled_after_a_login(tmp_path):
    for name in ("aws", "docker"):
        stub = tmp_path / name
        stub.write_text('#!/bin/sh\necho "${0##*/} $*" >> "${0%/*}/said"\n')
        stub.chmod(0o755)
    image = "123456789012.dkr.ecr.us-east-1.example.org/sagemaker-scikit-learn:0.23-1"
    environ = dict(os.environ, PATH=f"{tmp_path}:{os.environ['PATH']}")
    subprocess.run([ROOT / "docker" / "pull.sh", image], env=environ, check=True)
    said = (tmp_path / "said").read_text().splitlines()
    assert sorted(said[:2]) == [  # the two ends of a pipe
        "aws ecr get-login-password --region us-east-1",
        "docker login --username AWS --password-stdin " + image.split("/")[0],
    ]
    assert said[2:] == ["docker pull --quiet " + image]


# --- with an engine -----------------------------------------------------------------


@pytest.fixture(scope="module")
def image():
    """An image that stands in for the container, on an engine that answers."""
    try:
        engine.version()
        unearthed.make_cli()
        return engine.container_image(CONTAINERS[0])
    except engine.NotHere as error:
        pytest.skip(str(error))


@pytest.fixture
def project(tmp_path, image):
    """A project whose train.py ends with status 3, for `unearthed train`."""
    folder = project_with(tmp_path, **{"train.py": "print('R² is no number'); raise SystemExit(3)"})
    (folder / "requirements.txt").write_text("")
    (folder / "data" / "public").mkdir(parents=True)
    with engine.lent(image, "ftir-test:train"):
        unearthed.write_challenge(folder, "ftir-test:train")
        yield folder


def train(project):
    return unearthed.unearthed("train", unearthed.make_cli(), project, project)


@pytest.mark.engine
def test_the_status_that_the_command_hides_is_the_containers(project):
    step = train(project)
    assert step.status == 3
    assert "R² is no number" in step.said
    assert engine.docker("ps", "--all", "--quiet", "--filter", f"volume={project}") == ""


@pytest.mark.engine
def test_a_requirement_that_cannot_be_had_ends_the_step(project):
    (project / "requirements.txt").write_text("./no-such-package\n")
    step = train(project)
    assert step.status == 1 and "R²" not in step.said


@pytest.mark.engine
def test_a_name_is_lent_to_an_image_and_taken_back(image):
    with engine.lent(image, "ftir-test:lent"):
        assert engine.is_there("ftir-test:lent")
    assert not engine.is_there("ftir-test:lent")
