"""Run a tool that is a folder under the name that its user typed.

if __name__ == "__main__":
    command.run(main, "tools.demo_data")
"""

import sys

import preprocess


def run(main, name):
    """Run `main`; a mistake in what the user gave ends in one line and status 1."""
    sys.argv[0] = f"python -m {name}"  # else help and errors would call every tool __main__.py
    preprocess.run(main)
