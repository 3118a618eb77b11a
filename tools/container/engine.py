"""What a Docker engine is asked for: whether it answers, its images and their names."""

import hashlib
import subprocess
import tempfile
from contextlib import contextmanager

from tools.shipped import ROOT

SOCKET = "unix:///var/run/docker.sock"
HELP = "start one, or let one be made for the run, as root on Debian: make docker DOCKER=--install"


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


def version():
    """Version of the engine that answers; NotHere where none does."""
    found = docker("version", "--format", "{{.Server.Version}}", check=False)
    if found is None:
        raise NotHere(f"found no Docker engine that answers; {HELP}")
    return found


def is_there(image):
    return docker("image", "inspect", "--format", "{{.Id}}", image, check=False) is not None


def pull(image):
    """Whether an image is here, or could be pulled."""
    if is_there(image):
        return True
    command = [str(ROOT / "docker" / "pull.sh"), image]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def python_image(python):
    """The official image with a version of Python; NotHere where it is not, and cannot be pulled."""
    image = f"python:{python}-slim"
    if not pull(image):
        raise NotHere(f"cannot pull {image}; let one be made for the run: make docker DOCKER=--install")
    return image


def container_image(container):
    """Tag of an image that stands in for a version of the challenge's container, made when there is none."""
    base, packages = python_image(container.python), " ".join(container.packages)
    recipe = ROOT / "docker" / "container.Dockerfile"
    digest = docker("image", "inspect", "--format", "{{.Id}}", base)
    parts = "\0".join([recipe.read_text(), digest, packages])
    tag = f"ftir-container-{container.name}:{hashlib.sha256(parts.encode()).hexdigest()[:12]}"
    if not is_there(tag):
        given = ["--build-arg", f"BASE={base}", "--build-arg", f"PACKAGES={packages}"]
        with tempfile.TemporaryDirectory() as folder:
            docker("build", "--quiet", "--network", "host", "--tag", tag, *given, "--file", recipe, folder)
    return tag


@contextmanager
def lent(image, name):
    """Let an image bear a name for the time being; nothing when it bears it already."""
    if image == name:
        yield
        return
    docker("tag", image, name)
    try:
        yield
    finally:
        docker("rmi", name, check=False)  # the name only; the image keeps its own
