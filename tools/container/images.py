"""Images: those that can be pulled, and those that stand in for them."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path

from tools.container.engine import NotHere, apt_install, docker, is_root
from tools.container.environments import find_python
from tools.shipped import ROOT

BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def is_there(image):
    return docker("image", "inspect", "--format", "{{.Id}}", image, check=False) is not None


def pull(image):
    """Whether an image is here, or could be pulled."""
    if is_there(image):
        return True
    command = [str(ROOT / "docker" / "pull.sh"), image]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def once(name, parts, make):
    """An image's tag, made when there is none of these parts yet."""
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]
    tag = f"ftir-{name}:{digest}"
    if not is_there(tag):
        make(tag)
    return tag


def build(dockerfile, tag, folder, **arguments):
    """docker build of one of docker/*.Dockerfile."""
    words = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    docker(
        "build",
        "--quiet",
        "--network",
        "host",
        "--tag",
        tag,
        *words,
        "--file",
        ROOT / "docker" / dockerfile,
        folder,
    )


def recipe(name):
    return (ROOT / "docker" / name).read_bytes()


def debian(install):
    """Tag of a Debian image of this machine's release, made with debootstrap."""

    def make(tag):
        if install and shutil.which("apt-get") and not shutil.which("debootstrap"):
            apt_install("debootstrap")
        if not (is_root() and shutil.which("debootstrap")):
            raise NotHere(
                "can neither pull an image nor make one; install debootstrap and run as root on Debian"
            )
        result = subprocess.run([str(ROOT / "docker" / "debian.sh"), tag], capture_output=True, text=True)
        if result.returncode:
            raise NotHere(f"debian.sh: {(result.stderr.strip() or 'failed').splitlines()[-1]}")

    return once("debian", [recipe("debian.sh"), Path("/etc/os-release").read_bytes()], make)


def python_image(version, install):
    """An image with a version of Python: the official one, else this machine's Python on Debian."""
    official = f"python:{version}-slim"
    if pull(official):
        return official
    interpreter = find_python(version)
    prefix = interpreter and interpreter.base_prefix
    if not prefix or prefix == "/usr":
        raise NotHere(f"can neither pull {official} nor copy Python {version} from pyenv; install one")
    bundle = next((path for path in (os.getenv("PIP_CERT"), *BUNDLES) if path and os.path.exists(path)), None)
    if bundle is None:
        raise NotHere("found no file of certificates to put into an image; set PIP_CERT")
    certificates, settings = Path(bundle).read_bytes(), pip_settings()
    base = debian(install)

    def make(tag):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "ca-certificates.crt").write_bytes(certificates)
            (folder / "pip.conf").write_bytes(settings)
            with tarfile.open(folder / "python.tar", "w") as tar:
                tar.add(prefix, filter=lambda member: None if is_left_out(member.name) else member)
            build("python.Dockerfile", tag, folder, BASE=base, PREFIX=prefix)

    parts = [recipe("python.Dockerfile"), base.encode(), prefix.encode(), certificates, settings]
    return once(f"python-{version}", parts, make)


def is_left_out(path):
    """Whether a file of a Python is of no use in an image."""
    return Path(path).name in ("__pycache__", "test", "tests", "idlelib") or path.endswith(".a")


def pip_settings():
    """A pip.conf with this machine's index and proxy, where it has its own."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True)
    settings = dict(line.split("=", 1) for line in listed.stdout.splitlines() if "=" in line)
    lines = ["[global]"]
    for name in ("index-url", "proxy", "default-timeout", "timeout"):
        value = settings.get(f":env:.{name}", settings.get(f"global.{name}"))
        if value:
            lines.append(f"{name} = {value.strip(chr(39))}")
    return ("\n".join(lines) + "\n").encode()


def container_image(container, install):
    """An image that stands in for a version of the challenge's container."""
    base = python_image(container.python, install)
    packages = " ".join(container.packages)
    parts = [recipe("container.Dockerfile"), base.encode(), packages.encode()]

    def make(tag):
        with tempfile.TemporaryDirectory() as folder:
            build("container.Dockerfile", tag, folder, BASE=base, PACKAGES=packages)

    return once(f"container-{container.name}", parts, make)


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
