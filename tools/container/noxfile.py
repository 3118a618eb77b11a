"""Environments of other Pythons and of exact packages, made by nox and kept in .venv-nox/.

    python -m nox -f tools/container/noxfile.py --list
    python -m nox -f tools/container/noxfile.py -s oldest    # make test-oldest

A session whose interpreter is missing is named and left out.
"""

import json
import os
import sys
import time
from pathlib import Path

import nox
from nox.command import CommandFailed

from tools.container.environments import FOLDER, environment, pyenv
from tools.container.unearthed import CLI, CLI_PYTHON
from tools.container.versions import SHOWN, VERSIONS, nearest
from tools.shipped import ROOT

REQUIREMENTS = ROOT / "requirements.txt"
OLDEST, SERVER = (Path(__file__).with_name(f"requirements-{name}.txt") for name in ("oldest", "server"))
TESTS = [
    "tests/recore",
    *(f"tests/{path.name}" for path in sorted((ROOT / "tests").glob("test_*.py"))),
]  # of the shipped
MARKS = "not server and not engine and not pythons"  # the slow ones as well

os.environ.update(pyenv())
nox.options.envdir = str(FOLDER)
nox.options.default_venv_backend = "venv"  # virtualenv makes no Python 3.7 any more
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["oldest"]


@nox.session(python="3.7")
def oldest(session):
    """The tests of what is shipped, on the oldest versions that it promises to run on."""
    session.install("--quiet", "-r", str(OLDEST))
    session.chdir(ROOT)
    session.run("python", "-m", "pytest", "-m", MARKS, *TESTS, *session.posargs)


def server(session):
    """AWS's model server; what has no wheel is built with this setuptools, not with the newest."""
    session.install("--quiet", "setuptools<81", "wheel")
    session.install("--quiet", "--no-build-isolation", "-r", str(SERVER), "-r", str(REQUIREMENTS))


def unearthed(session):
    """The challenge's own command."""
    session.install("--quiet", *CLI)


def container(version):
    """What installs a version's packages, then requirements.txt; it gives back what was there before and after."""

    def install(session):
        for packages in dict.fromkeys((version.packages, nearest(version.packages))):
            exact = packages == version.packages
            try:
                session.install("--quiet", "--only-binary=:all:", *packages)
                break
            except CommandFailed:
                if packages == nearest(version.packages):
                    raise
        before = listed(session)
        session.install("--quiet", "-r", str(REQUIREMENTS))
        return {"exact": exact, "before": before, "after": listed(session)}

    install.__doc__ = f"The packages of {version.label}."
    return install


def listed(session):
    """Installed packages and their versions."""
    command = ["python", "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    packages = json.loads(session.run(*command, silent=True).splitlines()[0])
    return {package["name"].lower(): package["version"] for package in packages}


required = REQUIREMENTS.read_text()
environment("server", None, server, required, SERVER.read_text(), sys.version)
environment("unearthed", CLI_PYTHON, unearthed, CLI)
for each in VERSIONS:
    # what is newest is asked once a week
    week = time.strftime("%G week %V") if each.packages == SHOWN else ""
    environment(each.session, each.python, container(each), each.packages, required, week)
