"""Tables of all commands and their options, from the parsers themselves.

python -m tools.docs.commands
"""

import importlib
import sys

from tools import command
from tools.output import markdown
from tools.shipped import ROOT

COMMANDS = {  # as they are typed, and where the parser is
    "tools.convert": "tools.convert.__main__",
    "preprocess.py": "recore.many",
    "train.py": "train",
    "predict.py": "predict",
    "score.py": "score",
    "tools.tune": "tools.tune.__main__",
    "tools.validate": "tools.validate.__main__",
    "tools.report": "tools.report.__main__",
    "tools.trust": "tools.trust.__main__",
    "tools.trust.resampling": "tools.trust.resampling",
    "tools.page": "tools.page.__main__",
    "tools.monitor": "tools.monitor.__main__",
    "tools.monitor.trial": "tools.monitor.trial",
    "tools.validate.kept": "tools.validate.kept",
    "tools.validate.published": "tools.validate.published",
    "tools.demo_data": "tools.demo_data.__main__",
    "tools.benchmark": "tools.benchmark.__main__",
    "tools.benchmark.fit": "tools.benchmark.fit",
    "tools.container.docker": "tools.container.docker",
    "tools.container.simulate": "tools.container.simulate",
    "tools.container.matrix": "tools.container.matrix",
    "tools.container.loadtest": "tools.container.loadtest",
    "tools.docs": "tools.docs.__main__",
}
HIDDEN = "==SUPPRESS=="  # argparse's word for what help leaves out


def parsers():
    """{command: its parser}."""
    before, sys.argv[0] = sys.argv[0], ""  # argparse names a parser after it
    try:
        return {name: importlib.import_module(module).command_line() for name, module in COMMANDS.items()}
    finally:
        sys.argv[0] = before


def options(parser):
    """Yield the names, the default and the help of each option, and of what comes without a name."""
    for action in parser._actions:
        if action.help != HIDDEN and action.dest != "help":
            names = action.option_strings or [(action.metavar or action.dest).upper()]
            help_of = " ".join((action.help or "").split())
            yield ", ".join(names), help_of % {**vars(action), "prog": parser.prog}


def tables():
    """Yield the lines of two tables: what each command takes; what each option means, and where it is taken."""
    found = {name: list(options(parser)) for name, parser in parsers().items()}
    rows = []
    for name, taken in found.items():
        first = [names for names, _ in taken if not names.startswith("-")]
        others = [f"`{names}`" for names, _ in taken if names.startswith("-")]
        call = f"`python {name}`" if name.endswith(".py") else f"`python -m {name}`"
        rows.append([call, " ".join(first), " ".join(others)])
    yield from text_table(["command", "first", "options"], rows)
    yield ""
    meanings = {}
    for name, taken in found.items():
        for names, meaning in taken:
            if names.startswith("-"):
                meanings.setdefault((names, meaning.replace(str(ROOT), "")), []).append(name)
    rows = [
        [f"`{names}`", meaning.replace("|", "\\|"), ", ".join(taken)]
        for (names, meaning), taken in sorted(meanings.items())
    ]
    yield from text_table(["option", "means (default)", "of"], rows)


def text_table(header, rows):
    """Lines of a markdown table of text."""
    head, _, *body = markdown(header, rows)
    yield from [head, "|" + "-|" * len(header), *body]


def main(argv=None):
    print("\n".join(tables()))


if __name__ == "__main__":
    command.run(main, "tools.docs.commands")
