"""Every version of the container, and an environment of each."""

import re
from typing import NamedTuple

from tqdm import tqdm

from tools.container import environments
from tools.container.environments import CannotInstall, find_python

SHOWN = ("numpy", "pandas", "scikit-learn", "scipy", "joblib", "pyarrow")


class Version(NamedTuple):
    """A version of the container, or the newest of everything."""

    name: str
    python: str
    packages: tuple
    moves: tuple = ()  # what requirements.txt may change in it

    @property
    def label(self):
        return f"{self.name} on {self.python}"

    @property
    def session(self):
        return f"{self.name}-{self.python}"


def pins(numpy, pandas, sklearn, scipy, joblib, pyarrow):
    """pip's words for the packages of one line of the container's table."""
    return tuple(
        f"{name}=={version}" for name, version in zip(SHOWN, (numpy, pandas, sklearn, scipy, joblib, pyarrow))
    )


CONTAINERS = (  # as measured in the images; Python is the image's, or the two that its packages fit
    Version("0.23-1", "3.7", pins("1.19.2", "1.1.3", "0.23.2", "1.5.3", "1.3.*", "1.0.*"), ("scikit-learn",)),
    Version("1.0-1", "3.8", pins("1.24.1", "1.1.3", "1.0.2", "1.8.0", "1.4.*", "14.0.*")),
    Version("1.2-1", "3.9", pins("1.24.1", "1.1.3", "1.2.1", "1.8.0", "1.5.*", "14.0.*")),
    Version("1.2-1", "3.10", pins("1.24.1", "1.5.3", "1.2.1", "1.9.3", "1.5.*", "14.0.*")),
    Version("1.4-2", "3.10", pins("2.1.0", "2.3.2", "1.4.2", "1.15.*", "1.6.*", "17.0.*")),
    Version("1.4-2", "3.12", pins("2.1.0", "2.3.2", "1.4.2", "1.18.*", "1.6.*", "17.0.*")),
    Version("1.9", "3.12", pins("2.5.1", "2.2.3", "1.9.0", "1.18.0", "1.6.*", "25.0.*")),
)
NEWEST = ("3.13", "3.14", "3.15")  # Pythons that get the newest of everything, where they are
VERSIONS = (*CONTAINERS, *(Version("newest", python, SHOWN) for python in NEWEST))


def versions():
    """Every version that this machine has an interpreter for, and those whose Python is missing."""
    found = {python: find_python(python) for python in dict.fromkeys(v.python for v in VERSIONS)}
    here = [v for v in VERSIONS if found[v.python]]
    return here, [v for v in VERSIONS if not found[v.python] and v.python not in NEWEST[1:]]


class Made(NamedTuple):
    """A version's environment."""

    interpreter: str
    packages: dict  # {name: version}, after requirements.txt
    moved: dict  # {name: [before, after]}, by requirements.txt
    exact: bool  # False: a wheel is missing here, the nearest patch release was taken


def nearest(packages):
    """The same packages, any patch release of each."""
    return tuple(re.sub(r"==(\d+\.\d+)\.\d+$", r"==\1.*", package) for package in packages)


def make(version):
    """A version's environment, as Made; CannotInstall where there are no wheels for it."""
    interpreter = environments.make(version.session)
    noted = environments.noted(version.session)
    before, after = noted["before"], noted["after"]
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    moved = {name: [before.get(name), after.get(name)] for name in names}
    return Made(interpreter, after, moved, noted["exact"])


def make_all(wanted):
    """{version: Made} of the versions that can be made here, and what is wrong with them.

    Says in one line what cannot be made, or not exactly.
    """
    made, wrong = {}, []
    for version in tqdm(wanted, desc="environments", disable=None):
        try:
            made[version] = make(version)
        except CannotInstall as error:
            print(f"not run: {version.label}, its packages cannot be installed here ({error})")
            continue
        if not made[version].exact:
            print(
                f"{version.label}: a wheel of the exact versions is missing, took the nearest patch releases"
            )
        moved = made[version].moved
        if set(moved) != set(version.moves):
            expected = " and ".join(version.moves) or "nothing"
            wrong.append(f"{version.label}: requirements.txt moved {words(moved)}, expected {expected}")
    return made, wrong


def words(moved):
    """'scikit-learn 0.23.2 → 1.0.2', or 'nothing'."""
    return ", ".join(f"{name} {before} → {after}" for name, (before, after) in moved.items()) or "nothing"
