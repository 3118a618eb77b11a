"""Run a tool that is a folder under the name that its user typed; without anything to do, say what it is for.

if __name__ == "__main__":
    command.run(main, "tools.demo_data")
"""

import os
import sys

import preprocess
from tools.spectra import demo_file


def run(main, name):
    """Run `main`; a mistake in what the user gave ends in one line and status 1, nothing to do in status 2."""
    sys.argv[0] = f"python -m {name}"  # else help and errors would call every tool __main__.py
    missing = None if sys.argv[1:] else not_there(parser_of(main))
    if missing is None:
        preprocess.run(main)
        return
    sys.stdout.reconfigure(errors="replace")  # as preprocess.run does
    print(f"{sys.modules[main.__module__].__doc__.strip()}\n\n{missing}; all options: {sys.argv[0]} --help")
    sys.exit(2)  # as argparse has it for a file that is not named


def parser_of(main):
    """The parser of the tool that has this `main`, None where it takes no arguments."""
    command_line = getattr(sys.modules[main.__module__], "command_line", None)
    return command_line and command_line()


def not_there(parser):
    """What a call without arguments lacks, in words: what must be named, or the file that is taken by itself."""
    if parser is None:
        return None
    needed = [(action.metavar or action.dest).upper() for action in parser._actions if action.required]
    if needed:
        return f"found no {' and no '.join(needed)}"
    usual = parser.parse_args([])
    demo = demo_file()
    if demo in (getattr(usual, "file", None), *getattr(usual, "files", ())) and not os.path.exists(demo):
        makes = f"python -m tools.demo_data --output {demo} makes them"
        return f"found no file named, nor the demo data, {demo} ({makes})"
    return None
