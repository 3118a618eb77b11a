"""A command as a process of its own: its seconds, imports included, and its peak memory."""

import subprocess
import sys
from typing import NamedTuple

# A process's peak memory begins at that of the one that started it: this one is small.
LAUNCH = """
import resource, subprocess, sys, time
began = time.perf_counter()
status = subprocess.call(sys.argv[1:])
print()
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


class Measured(NamedTuple):
    """What a command did."""

    status: int
    said: list  # the lines that it wrote, to stdout and stderr
    seconds: float
    megabytes: float  # at its peak


def measured(command, **options):
    """Run a command, with options of subprocess.run."""
    launch = [sys.executable, "-S", "-c", LAUNCH, *map(str, command)]
    done = subprocess.run(launch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    *said, figures = done.stdout.splitlines()
    seconds, kilobytes = map(float, figures.split())
    return Measured(done.returncode, [line for line in said if line.strip()], seconds, kilobytes / 1024)
