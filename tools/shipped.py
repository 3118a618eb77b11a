"""What the platform gets, in one list that every test and tool reads.

setup.py tells setuptools the same in its own words; tests/test_shipping.py builds the archive and compares.
"""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = tuple(sorted(str(path.relative_to(ROOT)) for path in (ROOT / "recore").glob("*.py")))
CODE = ("preprocess.py", "train.py", "mdl.py", *PACKAGE)
SHIPPED = ("README.md", "requirements.txt", *CODE)  # what is in the archive, and nothing else
TAKEN_OUT = ("setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in", "PKG-INFO")  # by `unearthed build`


def lay(folder, files=SHIPPED):
    """Copy files of the project to the same places in a folder."""
    for file in files:
        target = Path(folder) / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, target)
    return Path(folder)


def is_taken_out(name):
    """Whether `unearthed build` takes a file out of setuptools' archive."""
    return name in TAKEN_OUT or ".egg-info/" in name
