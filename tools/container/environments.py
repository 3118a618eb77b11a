"""Other Pythons on this machine, and environments of them: those of noxfile.py, made once and kept."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nox
from python_discovery import get_interpreter

from tools.shipped import ROOT

NOXFILE = Path(__file__).with_name("noxfile.py")
FOLDER = ROOT / ".venv-nox"
NOTE = "made-of.json"  # in an environment's folder; written last, so a half-made one is made again


class CannotInstall(Exception):
    """An environment cannot be made; the message is pip's last line, or says which Python is missing."""


class NoPython(CannotInstall):
    """There is no interpreter of the version."""


def pyenv():
    """The variable with which pyenv's shims start each version that it has; none where there is no pyenv."""
    root = Path(os.getenv("PYENV_ROOT") or Path.home() / ".pyenv")
    names = [path.name for path in root.glob("versions/*") if re.fullmatch(r"\d+\.\d+\.\d+", path.name)]
    newest_first = sorted(names, key=lambda name: [int(part) for part in name.split(".")], reverse=True)
    return {"PYENV_VERSION": ":".join(newest_first)} if names else {}


def find_python(version):
    """What nox finds for a version such as "3.8", on PATH or in pyenv; None when there is none."""
    return get_interpreter(version, env={**os.environ, **pyenv()})


def environment(name, python, install, *made_of, folder=FOLDER):
    """A session that makes an environment once, and anew when what it is made of has changed."""
    note, made_of = folder_of(name, folder) / NOTE, list(map(str, made_of))
    kept = note.exists() and json.loads(note.read_text())["made_of"] == made_of

    def session(session):
        if not kept:
            note.write_text(json.dumps({"made_of": made_of, "kept": install(session)}))

    session.__doc__ = install.__doc__
    nox.session(session, name=name, python=python, reuse_venv=kept)


def make(session, noxfile=NOXFILE, folder=FOLDER):
    """Path of the interpreter of a session's environment, which is made where there is none.

    Raises
    ------
    NoPython, CannotInstall
    """
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary, "report.json")
        done = subprocess.run(
            [sys.executable, "-m", "nox", "-f", noxfile, "-s", session, "--report", report],
            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said = [line for line in done.stdout.splitlines() if line.strip()]
        if not report.exists():
            raise CannotInstall((said or ["nox failed"])[-1])
        (result,) = json.loads(report.read_text())["sessions"]
    if result["result"] == "skipped":
        raise NoPython(re.sub(r"Python interpreter (.*) not found", r"found no Python \1", result["reason"]))
    if result["result"] != "success":
        raise CannotInstall(next((line for line in said[::-1] if line.startswith("ERROR: ")), said[-1]))
    return str(folder_of(session, folder) / "bin" / "python")


def noted(session, folder=FOLDER):
    """What a session gave back when it made its environment."""
    return json.loads((folder_of(session, folder) / NOTE).read_text())["kept"]


def folder_of(session, folder=FOLDER):
    """Where a session's environment is, or would be: nox writes no dots into the names of folders."""
    return folder / session.replace(".", "-")


def pip_settings():
    """The user's own settings of pip, a mirror for instance."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}
