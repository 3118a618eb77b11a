"""The command lines of the scripts and tools: the same thing has the same name everywhere."""

import argparse
import os
import sys

import preprocess
from preprocess import DataError, place

PLATFORM = ("SM_CHANNEL_TRAINING", "SM_CHANNEL_TRAIN", "SM_TRAINING_ENV", "SM_MODEL_DIR")  # set there alone
METHODS = ("ridge", "views", "kernel")  # names of `mdl.METHODS`, the challenge's first
TABLES = "spectra file (.csv, .csv.gz, .parquet), or a folder or pattern of such"


class Parser(argparse.ArgumentParser):
    """Takes the names of options with hyphens, as they are told, and with underscores, as the platform has them."""

    def parse_known_args(self, args=None, namespace=None):
        return super().parse_known_args(
            list(map(hyphened, sys.argv[1:] if args is None else args)), namespace
        )


def hyphened(argument):
    """An argument with hyphens in the name of its option."""
    name, equals, value = argument.partition("=")
    return name.replace("_", "-") + equals + value if name.startswith("--") else argument


def add_spectra(parser, option, default, what=TABLES):
    """Add the file or folder that comes first without a name, or by the platform's option; see `spectra_of`."""
    parser.add_argument("file", nargs="?", help=f"{what} ({default})")
    parser.add_argument(option, help="the same, as the platform names it")
    parser.set_defaults(spectra=(option, default))


def spectra_of(arguments):
    """The file or folder that a command line names."""
    option, default = arguments.spectra
    return preprocess.one_of(
        arguments.file, getattr(arguments, option.strip("-").replace("-", "_")), option, default
    )


def add_model(parser):
    """Add the folder of the model."""
    default = os.getenv("SM_MODEL_DIR", place("/opt/ml/model", "model"))
    parser.add_argument("--model", "--model-dir", default=default, help="folder of the model (%(default)s)")


def add_method(parser):
    """Add the method, one of METHODS."""
    about = "how features become concentrations: the challenge's ridge regression, the average of two linear views, or "
    about += f"of one and a kernel of distances ({METHODS[0]})"
    parser.add_argument("--method", type=str.lower, choices=METHODS, default=METHODS[0], help=about)


def add_group(parser, default, what):
    """Add the id column, of which `group_of` gives the name."""
    usual = default or "none: single rows"
    parser.add_argument("--group", default=default, help=f"id column {what}, or none ({usual})")


def group_of(arguments):
    """The name of the id column that a command line asks for, None where it asks for none."""
    return None if arguments.group in (None, "", "none") else arguments.group


def training_spectra():
    """Where spectra with assays are when no file is named."""
    channel = os.getenv("SM_CHANNEL_TRAIN")  # AWS's examples call it train
    usual = place("/opt/ml/input/data/training", "data/public")
    return os.getenv("SM_CHANNEL_TRAINING", channel or usual)


def on_platform():
    """Whether this is the platform's container, or what runs beside it."""
    return os.path.isdir(preprocess.PLATFORM) or any(map(os.getenv, PLATFORM))


def say_without_effect(logger, options, why):
    """Say which options of {name: whether it was given} cannot have an effect."""
    given = [name for name, value in options.items() if value]
    if given:
        logger.info("%s: no effect %s", ", ".join(given), why)


def check_share(option, value, most):
    """Raise a DataError unless a share is above 0 and at most the most."""
    if not 0 < value <= most:
        raise DataError(option, f"found {value:g}", f"more than 0 and at most {most}", "0.9 is usual")
