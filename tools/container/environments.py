"""Other Pythons on this machine, and virtual environments of them that are made once and kept."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

MADE_OF = "made-of.json"  # in an environment's folder; written last, so a half-made one is made again
PIP = ["-m", "pip", "--disable-pip-version-check"]


def find_python(version):
    """Path of an interpreter of a version such as "3.8", from PATH or pyenv; None when there is none.

    It counts when it starts (a pyenv shim may not) and can make virtual environments.
    """
    pyenv = Path(os.getenv("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = sorted(pyenv.glob(f"versions/{version}.*/bin/python"), key=patch_number, reverse=True)
    for candidate in [shutil.which(f"python{version}"), *installed, sys.executable]:
        if (
            candidate
            and ask(candidate, "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])") == version
        ):
            return str(candidate)
    return None


def patch_number(path):
    """The last number of the version that stands in a pyenv interpreter's path; -1 for a release candidate."""
    patch = path.parts[-3].rsplit(".", 1)[1]
    return int(patch) if patch.isdigit() else -1


def ask(python, code):
    """What a line of Python prints under an interpreter; None when it fails."""
    try:
        result = subprocess.run([str(python), "-c", code], capture_output=True, text=True, timeout=60)
    except OSError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def frozen(python):
    """Installed packages and their versions."""
    listed = subprocess.run(
        [python, *PIP, "list", "--format=json"], capture_output=True, text=True, check=True
    )
    return {package["name"].lower(): package["version"] for package in json.loads(listed.stdout)}


def pip_settings():
    """The user's own settings of pip, a mirror for instance."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}


class CannotInstall(Exception):
    """pip could not install something; the message is its last line."""


def pip_install(python, *arguments):
    """Install with an interpreter's pip."""
    result = subprocess.run([python, *PIP, "install", "--quiet", *arguments], capture_output=True, text=True)
    if result.returncode:
        said = [line for line in result.stderr.splitlines() if not re.match(r"WARNING|\s*$", line)]
        raise CannotInstall((said or ["pip failed"])[-1])


def environment(folder, python, packages, then=lambda interpreter: None, depends=""):
    """A virtual environment with some packages, made when it is missing or was made of others.

    Parameters
    ----------
    folder : Path
    python : str
        The interpreter to make it of.
    packages : sequence of str
        pip's arguments.
    then : callable
        Called with the environment's interpreter once it is made; what it returns is kept.
    depends : str
        What else it depends on: when that has changed, it is made again.

    Returns
    -------
    interpreter : str
    kept : object
        What `then` returned when the environment was made.

    Raises
    ------
    CannotInstall
    """
    interpreter = str(folder / "bin" / "python")
    made_of = {"python": str(Path(python).resolve()), "packages": list(packages), "depends": depends}
    note = folder / MADE_OF
    if note.exists():
        noted = json.loads(note.read_text())
        if noted["made_of"] == made_of:
            return interpreter, noted["kept"]
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    pip_install(interpreter, *packages)
    kept = then(interpreter)
    note.write_text(json.dumps({"made_of": made_of, "kept": kept}))
    return interpreter, kept
