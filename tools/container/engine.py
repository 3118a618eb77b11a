"""A Docker engine: the one that runs, else one that is started here."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

SOCKET = "unix:///var/run/docker.sock"
LOCK = Path.home() / ".cache" / "ftir-docker.lock"  # one run at a time lends names and stops its engine
PATIENCE = 60  # seconds for an engine to start or to stop


class NotHere(Exception):
    """This machine lacks what the run needs; the message says what."""


def docker(*arguments, check=True):
    """What a docker command prints; None when it fails and may."""
    try:
        result = subprocess.run(["docker", *map(str, arguments)], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    if result.returncode and check:
        raise NotHere(f"docker {arguments[0]}: {(result.stderr.strip() or 'failed').splitlines()[-1]}")
    return result.stdout.strip() if result.returncode == 0 else None


def engine_version():
    """Version of the engine that answers, or None."""
    return docker("version", "--format", "{{.Server.Version}}", check=False)


def apt_install(*packages):
    """Install Debian packages."""
    environ = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        result = subprocess.run(["apt-get", "-qq", *command], env=environ, capture_output=True, text=True)
        if result.returncode:
            said = (result.stderr.strip() or "failed").splitlines()[-1]
            raise NotHere(f"apt-get {command[0]}: {said}")


def is_root():
    return sys.platform == "linux" and os.geteuid() == 0


@contextmanager
def engine(install=False):
    """An engine that answers: the one that runs, else one that is started here and stopped again.

    Raises
    ------
    NotHere
        When none answers and none can be started.
    """
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with open(LOCK, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = None if engine_version() else start_engine(install)
        try:
            yield
        finally:
            if process:
                stop(process)


def start_engine(install):
    """dockerd as a process of our own; NotHere where it cannot be."""
    if not is_root() or os.environ.get("DOCKER_HOST", SOCKET) != SOCKET:
        raise NotHere("found no Docker engine that answers; start one")
    if install and shutil.which("apt-get") and not (shutil.which("dockerd") and shutil.which("docker")):
        apt_install("docker.io")
    if not (shutil.which("dockerd") and shutil.which("docker")):
        raise NotHere("found no Docker engine; install one (--install does, on Debian)")
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(["dockerd"], stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + PATIENCE
        try:
            while not engine_version():
                if process.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    raise NotHere(f"dockerd does not start: {(log.read().strip() or '-').splitlines()[-1]}")
                time.sleep(0.3)
        except BaseException:
            stop(process)
            raise
    return process


def stop(process):
    """End a process that was started here."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
