"""The `unearthed` command in a project's folder."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from tools.container.engine import SOCKET, NotHere, docker
from tools.container.environments import CannotInstall, make
from tools.shipped import ROOT

CLI = ("unearthed-cli==0.1.3", "requests<2.29", "urllib3<2")  # newer ones do not reach an engine's socket
CLI_PYTHON = ">=3.7,<3.10"  # what it runs on
CHALLENGE = ".unearthed_challenge.json"
STEP_PATIENCE = 900  # seconds for a step


def make_cli():
    """Path of the `unearthed` command in an environment of its own."""
    try:
        return str(Path(make("unearthed")).with_name("unearthed"))
    except CannotInstall as error:
        raise NotHere(f"the unearthed command cannot be installed here ({error})") from None


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
