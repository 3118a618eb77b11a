"""Settings become the one line of preprocess.py, which the platform's Processing job runs alone."""

import re

import preprocess
from preprocess import DataError, Settings
from tools.shipped import ROOT

LINE = re.compile(r"^SETTINGS = Settings\(.*?\)(?=  #|$)", re.MULTILINE)


def apply(settings, path=ROOT / "preprocess.py"):
    """Write Settings into a preprocess.py; its path, and the line as it now stands."""
    text = path.read_text(encoding="utf-8")
    own = zip(Settings._fields, settings, Settings())
    line = f"SETTINGS = Settings({', '.join(f'{name}={value!r}' for name, value, usual in own if value != usual)})"
    line = line.replace("'", '"')
    if len(LINE.findall(text)) != 1:
        raise DataError(str(path), "found no one line SETTINGS = Settings(…)", remedy="put it back")
    with preprocess.replacing(str(path)) as file:
        file.write(LINE.sub(lambda _: line, text))
    return path, line
