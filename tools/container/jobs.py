"""The platform's jobs, each in a folder that holds only what the platform gives it."""

import contextlib
import functools
import os
import shutil
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.benchmark import process
from tools.container.environments import pip_settings
from tools.shipped import CODE, ROOT, SHIPPED, is_taken_out, lay

MB = 1 << 20


class Failed(Exception):
    """A job did not do what it must; one line."""


def measured(command, cwd, environment=None):
    """Run a command as a job; seconds and peak memory in MB."""
    environment = {"PATH": os.environ.get("PATH", ""), **(environment or {})}
    status, said, *figures = process.measured(command, cwd=cwd, env=environment)
    if status:
        raise Failed(f"{Path(command[1]).name} ended with status {status}: {(said or ['no reason'])[-1]}")
    return figures


def install(interpreter, code):
    """What each step of the platform does before it runs."""
    pip = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return measured([*pip, "-r", "requirements.txt"], code, pip_settings())


def build(interpreter, folder):
    """The archive as `unearthed build` makes it; the folder that it unpacks to."""
    project = folder / "project"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "data", "dist", "model", "reports")
    shutil.copytree(ROOT, project, ignore=ignored)
    figures = measured([interpreter, "setup.py", "--quiet", "sdist"], project)
    (sdist,) = (project / "dist").glob("*.tar.gz")
    code = folder / "archive"
    with tarfile.open(sdist) as tar:
        for member in tar.getmembers():
            name = member.name.split("/", 1)[-1]
            if member.isfile() and not is_taken_out(name):
                target = code / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(member).read())
    found = sorted(str(path.relative_to(code)) for path in code.rglob("*") if path.is_file())
    if found != sorted(SHIPPED):
        raise Failed(f"the archive holds {', '.join(found)}, expected {', '.join(sorted(SHIPPED))}")
    shutil.rmtree(project)
    return code, figures


def training_job(interpreter, folder, code, public):
    """train.py from the unpacked archive; the model's folder, files that the job made."""
    base = folder / "training" / "opt" / "ml"
    shutil.copytree(code, base / "code")
    (base / "input" / "data" / "training").mkdir(parents=True)
    (base / "model").mkdir()
    shutil.copy(public, base / "input" / "data" / "training" / "public.csv.gz")
    environment = {
        "SAGEMAKER_BASE_DIR": base,
        "SM_MODEL_DIR": base / "model",
        "SM_CHANNEL_TRAINING": base / "input" / "data" / "training",
        "PYTHONPATH": base / "code",
    }
    installing, _ = install(interpreter, base / "code")
    figures = measured([interpreter, "train.py"], base / "code", {k: str(v) for k, v in environment.items()})
    made = sorted(os.listdir(base / "model"))
    if made != ["model.json", "model.pkl"]:
        raise Failed(f"training made {', '.join(made) or 'nothing'}, expected model.json and model.pkl")
    return base / "model", (installing, figures)


def processing_job(interpreter, folder, spectra):
    """preprocess.py alone; the feature table's path."""
    base = folder / f"processing-{spectra.name.split('.')[0]}" / "opt" / "ml" / "processing"
    (base / "input" / "code").mkdir(parents=True)
    (base / "input" / "public").mkdir()
    (base / "output").mkdir()
    shutil.copy(ROOT / "preprocess.py", base / "input" / "code")
    shutil.copy(spectra, base / "input" / "public" / "public.csv.gz")
    output = base / "output" / "preprocess" / "public.csv"
    command = [
        interpreter,
        base / "input" / "code" / "preprocess.py",
        "--input",
        base / "input" / "public" / "public.csv.gz",
    ]
    return output, measured([*command, "--output", output], base)


def requests(text, split_type, strategy, max_payload):
    """The bodies that Batch Transform makes of a file.

    Parameters
    ----------
    text : bytes
    split_type : {"None", "Line"}
    strategy : {"SingleRecord", "MultiRecord"}
        One line a request, or as many as fit.
    max_payload : float
        In MB.
    """
    limit = max_payload * MB
    records = [text] if split_type == "None" else text.splitlines(keepends=True)
    too_long = max(map(len, records))
    if too_long > limit:
        raise Failed(f"a record of {too_long / MB:.1f} MB is above MaxPayload, {max_payload} MB")
    if strategy == "SingleRecord":
        return records
    bodies, size = [[]], 0
    for record in records:
        if bodies[-1] and size + len(record) > limit:
            bodies.append([])
            size = 0
        bodies[-1].append(record)
        size += len(record)
    return [b"".join(body) for body in bodies]


def transform_job(running, features, way):
    """Batch Transform of a feature table, two requests at a time; predictions and requests' number."""
    local = threading.local()
    bodies = requests(features, *way)
    with contextlib.ExitStack() as stack:

        def connect():
            local.connection = stack.enter_context(contextlib.closing(running.connection()))

        with ThreadPoolExecutor(2, initializer=connect) as pool:
            post = functools.partial(running.post, content_type="text/csv", accept="text/csv")
            answers = list(pool.map(lambda body: post(body, connection=local.connection), bodies))
    for status, _, answer in answers:
        if status != 200:
            raise Failed(f"the server answered {status}: {answer.decode(errors='replace').strip()[:200]}")
    return b"".join(answer for _, _, answer in answers), len(bodies)


def scoring_job(interpreter, folder, label, actual, predictions):
    """score.py beside the code that it imports; the score."""
    base = folder / f"scoring-{label}" / "opt" / "ml" / "processing"
    (base / "input" / "code").mkdir(parents=True)
    (base / "input" / "predictions").mkdir()
    lay(base / "input" / "code", ("score.py", *CODE))
    shutil.copy(actual, base / "input" / "public.csv.gz")
    (base / "input" / "predictions" / "public.csv.out").write_bytes(predictions)
    output = base / "output" / "scores" / "public.txt"
    command = [
        interpreter,
        base / "input" / "code" / "score.py",
        "--actual",
        base / "input" / "public.csv.gz",
    ]
    command += ["--predicted", base / "input" / "predictions" / "public.csv.out", "--output", output]
    figures = measured(command, base)
    return float(output.read_text()), figures
