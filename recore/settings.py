"""The settings of the preprocessing: from the command line, a file, a model, the names of features."""

import json
import re

import preprocess
from preprocess import SETTINGS, TREATMENTS, DataError, Settings
from recore.options import on_platform

RANGE = re.compile(r"(-?[0-9]*):(-?[0-9]*)|([0-9.]+):([0-9.]+) *cm-?1", re.IGNORECASE)
WINDOW = re.compile(r"(.*?)(?: \[([a-z]+=.*)\])?", re.DOTALL)  # the name of a feature: window, own settings
WIDEST = 1000  # channels in a window
LOWEST, HIGHEST = -1e9, 1e9  # of a feature: none that a spectrum can have is beyond


def add_settings(parser):
    """Add the options that `settings_in` takes."""
    group = parser.add_argument_group("how spectra become features")
    group.add_argument("--settings", help="file of the three below: of tools.tune, or a model's model.json")
    usual = Settings()
    wanted = f"channels as a slice, or wavenumbers, 3900:700cm-1 ({usual.range})"
    group.add_argument("--range", help=wanted)
    group.add_argument("--window", type=int, help=f"channels that are summed ({usual.window})")
    group.add_argument("--treatment", type=str.lower, help=f"{', '.join(TREATMENTS)} ({usual.treatment})")


def settings_in(arguments):
    """The Settings that a command line asks for; those of preprocess.py where it asks for none."""
    found = SETTINGS if arguments.settings is None else read_settings(arguments.settings)
    asked = {name: getattr(arguments, name) for name in Settings._fields}
    asked = {name: value for name, value in asked.items() if value is not None}
    return checked(found._replace(**asked)._asdict(), "--settings")


def read_settings(path):
    """The Settings in a file, by themselves or in a model's description."""
    path = str(path)
    remedy = "name a file of tools.tune, or model.json"
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except ValueError:
        raise DataError(path, "found no JSON", ", ".join(Settings._fields), remedy) from None
    found = found.get("preprocessing", found) if isinstance(found, dict) else found
    return checked(found, path)


def checked(found, where):
    """The Settings in a dict, where they are some; a DataError names the first that is not."""
    if not isinstance(found, dict) or not {*found} <= {*Settings._fields}:
        seen = f"found {', '.join(map(str, found))}" if isinstance(found, dict) else "found no settings"
        raise DataError(where, seen[:200], f"{', '.join(Settings._fields)}, or some of them", "mend it")
    settings = Settings(**found)
    matched = RANGE.fullmatch(settings.range) if isinstance(settings.range, str) else None
    if matched is None or (matched[3] and None in map(preprocess.number, matched.groups()[2:])):
        expected = "channels as a slice, 0:-300, or wavenumbers, 3900:700cm-1"
        raise DataError(where, f"found the range {settings.range!r:.40}", expected, "mend it")
    if matched[3]:
        settings = settings._replace(range=f"{matched[3]}:{matched[4]}cm-1")
    else:
        settings = settings._replace(
            range=":".join(str(int(end)) if end else "" for end in matched.groups()[:2])
        )
    if type(settings.window) is not int or not 1 <= settings.window <= WIDEST:
        expected = f"1 to {WIDEST} channels"
        raise DataError(where, f"found the window {settings.window!r:.40}", expected, "mend it")
    if settings.treatment not in TREATMENTS:
        seen = f"found the treatment {settings.treatment!r:.40}"
        raise DataError(where, seen, f"one of {', '.join(TREATMENTS)}", "name one")
    return settings


def window_of(feature):
    """The window that a feature's name tells, without the settings in it."""
    return WINDOW.fullmatch(feature)[1]


def settings_of(features):
    """The Settings that names of features tell: the challenge's where they tell none."""
    own = WINDOW.fullmatch(features[0])[2] if len(features) else None
    if own is None:
        return Settings()
    found = dict(part.split("=", 1) for part in own.split(" ") if "=" in part)
    if found.get("window", "0").isdigit() and "window" in found:
        found["window"] = int(found["window"])
    try:
        return checked(found, "feature")
    except DataError:
        return Settings()


def worded(settings):
    """Settings as errors name them."""
    return str(settings) or "the challenge's settings"


def limits(features):
    """The least and the largest that a feature can be, by the settings in the names."""
    settings = settings_of(features)
    return LOWEST, float(settings.window) if settings.treatment == "max" else HIGHEST


def check_platform(settings):
    """Raise a DataError where the platform trains, as it preprocesses by the line in preprocess.py alone."""
    if settings != SETTINGS and on_platform():
        found = f"found {worded(settings)} where the platform trains"
        here = f"{worded(SETTINGS)}, as SETTINGS in preprocess.py has it"
        raise DataError("--settings", found, here, "write them there: tools.tune --apply FILE")
