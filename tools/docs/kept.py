"""Outputs of commands, kept in reports/docs/ until what they came from has changed.

    keeper = Keeper(ROOT, "../shared/data")
    keeper.make("python -m tools.trust data/public/public.csv.gz").output

A command's output is used again as long as these are the same: the command, the files that it names, the code
that it runs (its folder of tools/, what that imports of the project, the five steps; comments and docstrings
do not count), what it needs (tools/docs/needs.csv: a command in whose text `in` occurs needs `needs`) and the
files that it leaves.
"""

import ast
import csv
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
NEEDS = Path(__file__).with_name("needs.csv")
STEPS = "preprocess train predict score".split()
FOLDER = "DATA/"  # how a file of the open spectra begins


class Failed(Exception):
    """A command did not end well; one line."""


class Made(NamedTuple):
    """What a command has made, and what of."""

    command: str
    key: str
    seconds: float
    output: str
    leaves: list  # paths within the project
    sums: list  # of what it left, as one text each


class Keeper:
    """Runs commands in a project's folder, or takes what they printed the last time.

    Parameters
    ----------
    root : Path
        The project.
    data : str
        The folder of open spectra, from the project's root.
    again : bool
        Run every command once, kept or not.
    """

    def __init__(self, root=ROOT, data="", again=False):
        self.root, self.data, self.again = root, data, again
        self.ran = set()

    def make(self, command):
        """The Made of a command, run when nothing is kept of it."""
        for needed in self.needs(command):
            self.make(needed)
        made = None if self.again and command not in self.ran else self.find(command)
        if made is None:
            made = self.run(command)
            self.file(command).parent.mkdir(parents=True, exist_ok=True)
            self.file(command).write_text(
                json.dumps(made._asdict(), indent=1, ensure_ascii=False), encoding="utf-8"
            )
        self.ran.add(command)
        return made

    def find(self, command):
        """What is kept of a command and still holds, or None."""
        made = self.last(command)
        if made is None or made.key != self.key(command) or made.sums != self.sums(made.leaves):
            return None
        return made

    def last(self, command):
        """What was made the last time, or None."""
        try:
            return Made(**json.loads(self.file(command).read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def seconds(self, command):
        """How long a command, and what it needs, took the last time; None where that is not known."""
        made = [self.last(each) for each in (command, *self.needs(command))]
        return None if None in made else sum(each.seconds for each in made)

    def run(self, command):
        """Run a command; its Made."""
        if sys.stderr.isatty():
            last = self.last(command)
            print(f"running{f', {last.seconds:.0f} s last time' if last else ''}: {command}", file=sys.stderr)
        began = time.perf_counter()
        # the steps of `make run` speak on stderr; a tool's progress bar is there, and is no part of its output
        stderr = subprocess.STDOUT if command.startswith("make") else None
        process = subprocess.run(
            self.words(command),
            cwd=self.root,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            check=False,
        )
        if process.returncode:
            raise Failed(f"`{command}` ended with status {process.returncode}; run it by itself to see why")
        seconds, leaves = time.perf_counter() - began, self.leaves(command)
        return Made(command, self.key(command), seconds, process.stdout, leaves, self.sums(leaves))

    def words(self, command):
        """A command as a process takes it."""
        program, *rest = shlex.split(command)
        start = {"python": [sys.executable], "make": ["make", "--no-print-directory"]}[program]
        return [*start, *(self.placed(word) for word in rest)]

    def placed(self, word):
        """A word of a command, with the folder of open spectra in place of DATA."""
        return self.data + word[len(FOLDER) - 1 :] if f"{word}/".startswith(FOLDER) else word

    def needs(self, command):
        """The commands that must have run before."""
        return [line["needs"] for line in needs() if line["in"] in command]

    def leaves(self, command):
        """The files that a command is run for: those of needs.csv, and what it is told to write."""
        words = shlex.split(command)
        found = {line["leaves"] for line in needs() if line["needs"] == command}
        return sorted(
            found | {word for option, word in pairwise(words) if option in ("--output", "--figure")}
        )

    def sums(self, paths):
        """The sha256 of each file, '' for one that is not there."""
        return [file_sum(self.root / path) for path in paths]

    def key(self, command):
        """A sum of all that the output depends on."""
        told = [command, *(file_sum(path) for path in self.inputs(command)), code_sum(self.root, command)]
        told += [self.key(needed) for needed in self.needs(command)]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    def inputs(self, command):
        """The files that a command names, but for those that it writes."""
        written = self.leaves(command)
        words = [self.placed(word) for word in shlex.split(command) if word not in written]
        return [self.root / word for word in words if (self.root / word).is_file()]

    def file(self, command):
        """Where a command's output is kept."""
        return self.root / "reports" / "docs" / f"{hashlib.sha256(command.encode()).hexdigest()[:16]}.json"


def needs():
    """The lines of needs.csv."""
    with open(NEEDS, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def environment():
    """This process's environment without what a make above has put there."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


def file_sum(path):
    """The sha256 of a file, '' for one that is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


# --- the code that a command runs ---------------------------------------------------


def code_sum(root, command):
    """A sum of the code that a command runs."""
    words = shlex.split(command)
    if words[0] == "make":
        files = {path for place in (".", "recore", "tools", "tests") for path in python_files(root, place)}
    else:
        files = code_of(root, words[2])
    told = [f"{path.relative_to(root).as_posix()}\n{meaning(path)}" for path in sorted(files)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def python_files(root, place):
    """The Python files of a folder; of those below it too, but for the root's."""
    return (root / place).glob("*.py" if place == "." else "**/*.py")


def code_of(root, module):
    """The files of a module of tools/ and of the steps: its folder's, and what these import of the project."""
    start = file_of(root, module)
    beside = (
        {path for path in start.parent.iterdir() if path.is_file()}
        if start.parent != root / "tools"
        else {start}
    )
    found, ahead = set(), beside | {file_of(root, step) for step in STEPS} - {None}
    while ahead:
        path = ahead.pop()
        found.add(path)
        if path.suffix == ".py":
            ahead |= {file_of(root, name) for name in imports(path)} - found - {None}
    return found


def file_of(root, module):
    """The file of a module of the project, or None."""
    place = root.joinpath(*module.split("."))
    files = place.with_name(f"{place.name}.py"), place / "__main__.py", place / "__init__.py"
    return next((path for path in files if path.is_file()), None)


def imports(path):
    """The names of all modules that a file may import, and of what it takes from them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def meaning(path):
    """A file's code without comments, docstrings and layout; of another file its sum."""
    if path.suffix != ".py":
        return file_sum(path)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node, clean=False
        ):
            node.body[0] = ast.Pass()
    return ast.unparse(tree)
