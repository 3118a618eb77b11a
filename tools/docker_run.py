"""The platform's steps through the real `unearthed` command and a real Docker engine.

    python -m tools.docker_run        # --install: may install an engine with apt, as root on Debian

In a temporary copy of the project with synthetic spectra: `unearthed preprocess`, `train`,
`predict`, `score` and `build`. The command exits with 0 whatever happens in the container, so
each container's own status is read; then features, predictions and score are compared with
those of the scripts run without Docker, and the archive that would be submitted is opened.

The image is the one that .unearthed_challenge.json names, where it is here or can be pulled.
Else one that stands in for it is made, with the container's Python and packages: docker/.
A line is printed, and nothing is run, where there is no engine and none can be started.
"""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from tools.environments import ROOT, CannotInstall, ask, environment, find_python
from tools.matrix import CONTAINERS, ROWS, TOLERANCE, difference

STEPS = ("preprocess", "train", "predict", "score")
SHIPPED = ("preprocess.py", "train.py", "mdl.py", "requirements.txt", "README.md")
CLI = ("unearthed-cli==0.1.3", "requests<2.29", "urllib3<2")  # newer ones do not reach an engine's socket
CLI_PYTHONS = ("3.9", "3.8", "3.7")  # what it runs on
BUILD_IMAGE, BUILD_PYTHON = "python:3.8-slim", "3.8"  # written into the command itself
CHALLENGE = ".unearthed_challenge.json"
STAND_IN = "sagemaker-scikit-learn"  # where no challenge names an image
SOCKET = "unix:///var/run/docker.sock"
LOCK = Path.home() / ".cache" / "ftir-docker.lock"  # one run at a time lends names and stops its engine
PATIENCE = 60  # seconds for an engine to start or to stop
STEP_PATIENCE = 900  # seconds for a step
TAIL = 15  # lines of a wrong step's log that are shown
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


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


# --- the engine ---------------------------------------------------------------------


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


# --- images -------------------------------------------------------------------------


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
    prefix = interpreter and ask(interpreter, "import sys; print(sys.base_prefix)")
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


# --- the project --------------------------------------------------------------------


def copy_project(folder, spectra):
    """Copy what git knows, or would, and put a spectra file in its place."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for file in filter(None, listed.split("\0")):
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, folder / file)
    (folder / "data" / "public").mkdir(parents=True, exist_ok=True)
    shutil.copy(spectra, folder / "data" / "public" / "public.csv.gz")


def challenge_image():
    """The image that the user's own challenge file names, else None."""
    try:
        return json.loads((ROOT / CHALLENGE).read_text()).get("dockerImage")
    except FileNotFoundError:
        return None


def write_challenge(project, image):
    """What `unearthed new` would have brought, as far as it is read: the challenge, submission.yml."""
    fields = (
        "challengeId innovatorPlatformRef name slug link start end templateUrl publicDataUrl scoringFunctionUrl "
        "dataVersion createdAt updatedAt"
    )
    challenge = dict.fromkeys(fields.split(), "none") | {"dockerImage": image}
    (project / CHALLENGE).write_text(json.dumps(challenge))
    if not (project / "submission.yml").exists():
        (project / "submission.yml").write_text("# the challenge's own stands here\n")


# --- the steps ----------------------------------------------------------------------


class Step(NamedTuple):
    """What one command of the CLI did."""

    seconds: float
    status: int  # the container's; None when there was none
    said: str


def cli_environment(home):
    """Environment of the CLI: the engine's socket, no look for a newer version, no login."""
    return dict(
        os.environ, DOCKER_HOST=os.environ.get("DOCKER_HOST", SOCKET), OUTDATED_IGNORE="1", HOME=str(home)
    )


def unearthed(command, cli, project, home):
    """Run one command of the CLI in a project's folder.

    The CLI leaves its container behind, with the status that it does not tell.
    """
    began = time.perf_counter()
    try:
        result = subprocess.run(
            [cli, command], cwd=project, env=cli_environment(home), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
            timeout=STEP_PATIENCE,
        )  # fmt: skip
        said = result.stdout
        containers = docker("ps", "--all", "--quiet", "--filter", f"volume={project}").split()
        if command == "build":  # its container removes itself
            status = result.returncode
        else:
            status = int(docker("wait", containers[0])) if containers else None
    except subprocess.TimeoutExpired as error:
        status, said = None, f"{error.stdout or ''}\nnot done after {STEP_PATIENCE} s"
    finally:
        for left in (docker("ps", "--all", "--quiet", "--filter", f"volume={project}") or "").split():
            docker("rm", "--force", left, check=False)
    return Step(time.perf_counter() - began, status, said)


def directly(step, project):
    """Run one of the scripts without Docker; its time in seconds."""
    public, predicted = "data/public/public.csv.gz", "data/predictions/public.csv.out"
    arguments = {
        "preprocess": ["--input", public, "--output", "data/preprocess/public.csv"],
        "train": ["--data_dir", "data/public", "--model_dir", "model"],
        "predict": ["--data_dir", "data/public", "--model_dir", "model", "--output_dir", "data/predictions"],
        "score": ["--actual", public, "--predicted", predicted, "--output", "data/scores/public.txt"],
    }[step]
    began = time.perf_counter()
    command = [sys.executable, f"{step}.py", *arguments]
    result = subprocess.run(command, cwd=project, capture_output=True, text=True)
    if result.returncode:
        sys.exit(
            f"docker_run: {step}.py without Docker ended with {result.returncode}: {result.stderr.strip()}"
        )
    return time.perf_counter() - began


def outcome(step, project, plain):
    """Whether a step left what the plain run left, and that in words."""
    try:
        if step == "preprocess":
            one, other = ((folder / "data/preprocess/public.csv").read_bytes() for folder in (project, plain))
            same = "the same" if one == other else "not the same"
            return one == other, f"features: {same} {len(one):,} bytes"
        if step == "train":
            description = json.loads((project / "model/model.json").read_text())
            size = (project / "model/model.pkl").stat().st_size
            return True, f"model of {len(description['targets'])} targets, {size:,} bytes"
        if step == "predict":
            one, other = (
                np.loadtxt(folder / "data/predictions/public.csv.out", delimiter=",", ndmin=2)
                for folder in (project, plain)
            )
            found = difference(one, other)
            return found <= TOLERANCE, f"{len(one):,} rows, {found:.0e} of the target's largest apart"
        if step == "score":
            one, other = (
                float((folder / "data/scores/public.txt").read_text()) for folder in (project, plain)
            )
            return abs(one - other) <= TOLERANCE, f"{one:.6f}, without Docker {other:.6f}"
        return check_archive(project)
    except (OSError, ValueError, KeyError) as error:
        return False, f"left nothing that can be read ({getattr(error, 'strerror', None) or error})"


def check_archive(project):
    """Whether src.tar.gz holds exactly the files to ship, each as the project has it, and that in words."""
    with tarfile.open(project / "src.tar.gz") as tar:
        found = {os.path.normpath(member.name): member for member in tar.getmembers()}
        found.pop(".", None)
        missing, extra = set(SHIPPED) - set(found), set(found) - set(SHIPPED)
        other = {
            name
            for name in set(SHIPPED) & set(found)
            if not found[name].isfile()
            or tar.extractfile(found[name]).read() != (project / name).read_bytes()
        }
    wrong = [
        f"{word} {', '.join(sorted(names))}"
        for word, names in (("missing", missing), ("not expected", extra), ("changed", other))
        if names
    ]
    return not wrong, "archive: " + ("; ".join(wrong) or " ".join(SHIPPED))


def run_steps(cli, image, folder, rows):
    """Every command and its outcome; {command: (Step, seconds without Docker, right, words)}."""
    spectra = folder / "public.csv.gz"
    subprocess.run(
        [sys.executable, "-m", "tools.demo_data", "--rows", str(rows), "--output", str(spectra)],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    project, plain, home = folder / "project", folder / "plain", folder / "home"
    for each in (project, plain, home):
        each.mkdir()
    copy_project(project, spectra)
    copy_project(plain, spectra)
    write_challenge(project, image)
    results = {}
    with ExitStack() as stack:
        if not is_root():  # what the container wrote is root's
            chown = ["chown", "-R", f"{os.getuid()}:{os.getgid()}", "/project"]
            stack.callback(
                docker, "run", "--rm", "--volume", f"{project}:/project", image, *chown, check=False
            )
        for command in tqdm((*STEPS, "build"), desc="steps", disable=None):
            seconds = directly(command, plain) if command in STEPS else None
            step = unearthed(command, cli, project, home)
            right, words = outcome(command, project, plain)
            results[command] = step, seconds, right and step.status == 0, words
    return results


def print_table(results):
    print("| `unearthed` | in Docker, s | without, s | status | outcome |")
    print("|-|-|-|-|-|")
    for command, (step, seconds, right, words) in results.items():
        without = "" if seconds is None else f"{seconds:.1f}"
        status = "no container" if step.status is None else step.status
        print(
            f"| {command} | {step.seconds:.1f} | {without} | {status} | {'' if right else 'WRONG: '}{words} |"
        )


def make_cli():
    """Path of the `unearthed` command in an environment of its own."""
    python = next(filter(None, map(find_python, CLI_PYTHONS)), None)
    if python is None:
        raise NotHere("found no Python 3.7 to 3.9, which the unearthed command needs")
    try:
        interpreter, _ = environment(ROOT / ".venv-unearthed", python, CLI)
    except CannotInstall as error:
        raise NotHere(f"the unearthed command cannot be installed here ({error})") from None
    return str(Path(interpreter).with_name("unearthed"))


def main(argv=None):
    names = list(dict.fromkeys(container.name for container in CONTAINERS))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS, help="synthetic spectra (%(default)s)")
    parser.add_argument(
        "--container",
        choices=names,
        default=names[0],
        help="what a stand-in image is made like (%(default)s)",
    )
    parser.add_argument(
        "--install",
        action="store_true",
        help="install docker.io and debootstrap with apt-get where they are missing",
    )
    arguments = parser.parse_args(argv)
    container = next(each for each in CONTAINERS if each.name == arguments.container)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("docker_run: terminated"))  # so that all is put away
    began = time.perf_counter()
    with ExitStack() as stack:
        try:
            stack.enter_context(engine(arguments.install))
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            cli = make_cli()
            named = challenge_image()
            own = named is not None and pull(named)
            image = named if own else container_image(container, arguments.install)
            name = named or f"{STAND_IN}:{container.name}"
            stack.enter_context(lent(image, name))
            stack.enter_context(lent(python_image(BUILD_PYTHON, arguments.install), BUILD_IMAGE))
        except NotHere as error:
            print(f"not run: the steps in Docker ({error})")
            return
        ready = time.perf_counter()
        results = run_steps(cli, name, Path(folder).resolve(), arguments.rows)
        version = engine_version()
    stood_in = f", stood in for by Python {container.python}, {', '.join(container.packages)}"
    print(f"Docker engine {version}, {CLI[0]}, {arguments.rows} synthetic spectra")
    print(f"image {name}{'' if own else stood_in}\n")
    print_table(results)
    print(f"\nengine, command and images {ready - began:.0f} s, steps {time.perf_counter() - ready:.0f} s")
    wrong = {command: step for command, (step, _, right, _) in results.items() if not right}
    for command, step in wrong.items():
        said = "\n".join(step.said.strip().splitlines()[-TAIL:])
        print(f"\nunearthed {command} said last:\n{said}")
    if wrong:
        sys.exit(f"docker_run: wrong: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
