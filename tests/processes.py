"""Steps that run while a test watches them."""

import gzip
import signal
import subprocess
import sys
import time

from tests.conftest import ROOT, make_table


def large_table(folder):
    """Tables that take a while."""
    folder.mkdir()
    for k in range(6):
        part = make_table(rows=400, channels=1200, seed=k)
        part.index += 400 * k
        with gzip.open(str(folder / ("part-%d.csv.gz" % k)), "wt", compresslevel=1) as file:
            part.to_csv(file, float_format="%.5f")
    return folder


def begin(*command):
    command = [sys.executable, str(ROOT / (command[0] + ".py")), *map(str, command[1:])]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        start_new_session=True,
        # what a shell runs in the background ignores interrupts, and so would this
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def workers_of(process):
    """The worker processes of joblib below a process."""
    found, waiting = [], [process.pid]
    while waiting:
        pid = waiting.pop()
        try:
            with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
                below = list(map(int, children.read().split()))
            for child in below:
                with open("/proc/%d/cmdline" % child) as line:
                    if "popen_loky" in line.read():
                        found.append(child)
        except OSError:
            continue
        waiting += below
    return found


def leaves_interrupts(pid):
    """Whether a process ignores SIGINT, as a worker does that has begun to work."""
    with open("/proc/%d/status" % pid) as status:
        (ignored,) = [line.split()[1] for line in status if line.startswith("SigIgn")]
    return bool(int(ignored, 16) >> signal.SIGINT - 1 & 1)


def wait_for(condition):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("nothing happened within a minute")


def begun(out):
    """Whether something is being written in a folder."""
    return out.exists() and any(path.name.endswith(".part") for path in out.iterdir())
