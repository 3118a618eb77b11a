"""Environments of other Pythons: made once, and named where they cannot be made."""

import subprocess
import sys

import pytest

from tools.container import environments

SESSIONS = """
import nox
from pathlib import Path
from tools.container.environments import environment

nox.options.envdir = {folder!r}
nox.options.error_on_missing_interpreters = False  # where CI is set nox would fail


@nox.session(python="3.99")
def never(session):
    pass


def wrong(session):
    session.install("--no-index", "no-such-package")


def right(session):
    return Path({made!r}).read_text()


environment("wrong", None, wrong, folder=Path({folder!r}))
environment("right", None, right, Path({made!r}).read_text()[0], folder=Path({folder!r}))
"""


@pytest.fixture
def sessions(tmp_path):
    """Sessions, the folder of their environments, and the file that `right` is made of: its first letter."""
    noxfile, folder, made = (tmp_path / name for name in ("noxfile.py", "made", "made-of"))
    noxfile.write_text(SESSIONS.format(folder=str(folder), made=str(made)))
    made.write_text("first")
    return noxfile, folder, made


def test_this_python_is_found_by_its_version_and_one_that_was_never_made_is_not():
    found = environments.find_python("%d.%d" % sys.version_info[:2])
    assert found.version_info[:2] == sys.version_info[:2]
    assert environments.find_python("3.99") is None


@pytest.mark.slow
def test_a_python_that_is_missing_and_a_package_that_cannot_be_installed_are_named(sessions):
    with pytest.raises(environments.NoPython, match=r"^found no Python 3\.99$"):
        environments.make("never", *sessions[:2])
    with pytest.raises(environments.CannotInstall, match=r"^ERROR: .*no-such-package"):
        environments.make("wrong", *sessions[:2])


@pytest.mark.slow
def test_an_environment_is_made_once_and_again_when_what_it_is_made_of_changes(sessions):
    noxfile, folder, made = sessions
    interpreter = environments.make("right", noxfile, folder)
    command = [interpreter, "-c", "import sys; print(sys.prefix)"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.strip() == str(folder / "right")

    def noted_after(text):
        made.write_text(text)
        environments.make("right", noxfile, folder)
        return environments.noted("right", folder)

    assert noted_after("fresh") == "first"
    assert noted_after("second") == "second"
    (folder / "right" / environments.NOTE).unlink()  # as when it was broken off
    assert noted_after("stopped") == "stopped"
