"""The platform's steps through the real `unearthed` command and a real Docker engine.

    python -m tools.container.docker              # make docker
    python -m tools.container.docker --install    # make docker DOCKER=--install: may install an engine, as root on Debian

In a temporary copy of the project with synthetic spectra: `unearthed preprocess`, `train`,
`predict`, `score` and `build`. The command exits with 0 whatever happens in the container, so
each container's own status is read; then features, predictions and score are compared with
those of the scripts run without Docker, and the archive that would be submitted is opened.

The image is the one that .unearthed_challenge.json names, where it is here or can be pulled.
Else one that stands in for it is made, with the container's Python and packages: docker/.
Ends with status 0 when all is right, 1 when something is wrong, and 3 after a line that says why when it cannot
be run. With --install an engine and what stands in for images that cannot be pulled come from .ci/engine.
"""

import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from tqdm import tqdm

from recore.options import Parser
from tools.command import run as run_tool
from tools.container.engine import NotHere, container_image, docker, lent, pull, python_image, version
from tools.container.matrix import ROWS, TOLERANCE, difference
from tools.container.unearthed import CLI, challenge_image, copy_project, make_cli, unearthed, write_challenge
from tools.container.versions import CONTAINERS
from tools.shipped import ROOT, SHIPPED

STEPS = ("preprocess", "train", "predict", "score")
BUILD_PYTHON = "3.8"  # its image is written into the command itself
STAND_IN = "sagemaker-scikit-learn"  # where no challenge names an image
TAIL = 15  # lines of a wrong step's log that are shown
NOT_RUN = 3  # status
ENGINE = ".ci/engine"  # where there is none, from the project's folder


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
        sys.exit(f"docker: {step}.py without Docker ended with {result.returncode}: {result.stderr.strip()}")
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
        found = {os.path.normpath(member.name): member for member in tar.getmembers() if not member.isdir()}
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
        if os.geteuid() != 0:  # what the container wrote is root's
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


def get_ready(container, stack):
    """The command, its image's name, whether that is the challenge's own; NotHere where this machine lacks something."""
    cli, named = make_cli(), challenge_image()
    own = named is not None and pull(named)
    image = named if own else container_image(container)
    name = named or f"{STAND_IN}:{container.name}"
    stack.enter_context(lent(image, name))
    python_image(BUILD_PYTHON)
    return cli, name, own


def print_wrong(results):
    """What each command said last that did not what it should; their names."""
    wrong = {command: step for command, (step, _, right, _) in results.items() if not right}
    for command, step in wrong.items():
        said = "\n".join(step.said.strip().splitlines()[-TAIL:])
        print(f"\nunearthed {command} said last:\n{said}")
    return list(wrong)


def command_line():
    """The parser of the arguments."""
    names = list(dict.fromkeys(container.name for container in CONTAINERS))
    parser = Parser(description=__doc__.splitlines()[0])
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
        help="as root on Debian: install and start an engine, and make images, where they are missing",
    )
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    container = next(each for each in CONTAINERS if each.name == arguments.container)
    if arguments.install:
        again = ["-m", "tools.container.docker", "--rows", str(arguments.rows), "--container", container.name]
        os.chdir(ROOT)
        os.execv(ENGINE, [ENGINE, container.python, BUILD_PYTHON, "--", sys.executable, *again])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("docker: terminated"))  # so that all is put away
    began = time.perf_counter()
    with ExitStack() as stack:
        try:
            engine = version()
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            cli, name, own = get_ready(container, stack)
        except NotHere as error:
            print(f"not run: the steps in Docker ({error})")
            sys.exit(NOT_RUN)
        ready = time.perf_counter()
        results = run_steps(cli, name, Path(folder).resolve(), arguments.rows)
    stood_in = f", stood in for by Python {container.python}, {', '.join(container.packages)}"
    print(f"Docker engine {engine}, {CLI[0]}, {arguments.rows} synthetic spectra")
    print(f"image {name}{'' if own else stood_in}\n")
    print_table(results)
    print(f"\ncommand and images {ready - began:.0f} s, steps {time.perf_counter() - ready:.0f} s")
    wrong = print_wrong(results)
    if wrong:
        sys.exit(f"docker: wrong: {', '.join(wrong)}")


if __name__ == "__main__":
    run_tool(main, "tools.container.docker")
