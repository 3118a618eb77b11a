"""Processes, on this machine or on a Dask cluster, that give results in the order of their items."""

import glob
import logging
import os
import signal
import tempfile
import threading
import zipfile
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain

import joblib
from threadpoolctl import threadpool_limits  # scikit-learn needs it, so it is there

import preprocess
from preprocess import BadCells, DataError, progress

MOST_SAID = 100  # records of an item in a process of its own
# Else results come in a list, when all are done.
AS_THEY_COME = tuple(map(int, joblib.__version__.split(".")[:2])) >= (1, 3)
ON_PATH = "import os, sys\n\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'project'))\n"
SENT = ("preprocess.py", "mdl.py", "train.py", "predict.py")  # to a cluster, beside this package


def cores():
    """Processor cores that this process may use, by its affinity and its container's share."""
    return min(preprocess.CORES, joblib.cpu_count())


def add_workers(parser):
    """Add the options that `workers` takes."""
    group = parser.add_argument_group("several tables, or one larger than memory")
    group.add_argument("--jobs", type=int, help="processes (as many as there are cores)")
    where = "where they run, by joblib's name: on this machine (%(default)s), or a Dask cluster's"
    group.add_argument("--backend", choices=["loky", "dask"], default="loky", help=where)
    group.add_argument("--scheduler", help="address of the cluster's scheduler")


@contextmanager
def workers(jobs=None, backend="loky", scheduler=None):
    """Give `run(function, items, label)`, which yields function(item) in the items' order, see `add_workers`.

    A DataError or OSError of one item is raised when the others are done. BLAS has one thread in each task,
    so that sums have the same bits however many tasks run at a time.
    """
    jobs = cores() if jobs is None else jobs
    if scheduler and backend != "dask":
        raise DataError("--scheduler", f"found {scheduler}", "--backend dask with it", "name both")
    if jobs < 1:
        raise DataError("--jobs", f"found {jobs}", "1 or more", "leave it out for all cores")
    here = backend == "loky"
    with ExitStack() as stack:
        if not here:
            stack.enter_context(cluster(scheduler))

        def run(function, items, label=""):
            stack.enter_context(threadpool_limits(1))  # sums in this process have the same bits, too
            total = len(items) if hasattr(items, "__len__") else None
            if here and (jobs == 1 or total == 1):
                results = in_this_process(function, items, alone=total == 1)
            else:
                threads = max(1, cores() // jobs) if here else 1
                results = in_processes(partial(attempt, function, threads), items, jobs if here else None)
            return told(results, label, total)

        yield run


@contextmanager
def naming(source, output):
    """Say of which table an error of the system's is."""
    try:
        yield
    except OSError as error:
        where, found = f"{source} to {output}", str(error.strerror or error)
        raise DataError(where, found, remedy="mend that and run again") from None


def in_this_process(function, items, alone):
    """Yield what `tried` gives, one after the other."""
    for item in items:
        before, preprocess.in_task = preprocess.in_task, not alone
        try:
            result = tried(function, item)
        finally:
            preprocess.in_task = before
        yield result


def attempt(function, threads, item):
    """What `tried` gives in a process of its own, which leaves interrupts to the one that began it."""
    preprocess.in_task, preprocess.THREADS = True, threads
    if threading.current_thread() is threading.main_thread():  # not so in a cluster's worker
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    with records() as said:
        result = tried(function, item)
    return (*result, said)


@contextmanager
def records():
    """Collect what is logged in a process whose log nobody reads: of each record logger, level and text."""
    said, root = [], logging.getLogger()
    handler, level = Collecting(said), root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield said
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


class Collecting(logging.Handler):
    """Puts records into a list, which travels."""

    def __init__(self, said):
        super().__init__()
        self.said = said

    def emit(self, record):
        if len(self.said) < MOST_SAID:
            self.said.append((record.name, record.levelno, record.getMessage()))


def tried(function, item):
    """function(item) and None, or None and its DataError or OSError."""
    try:
        return function(item), None
    except (DataError, OSError) as error:
        return None, error


def in_processes(function, items, jobs):
    """Yield function(item) in the items' order, from joblib's processes."""
    options = {"return_as": "generator"} if AS_THEY_COME else {}
    try:
        yield from joblib.Parallel(n_jobs=jobs, batch_size=1, **options)(map(joblib.delayed(function), items))
    except Exception as error:
        if isinstance(error, BrokenProcessPool) or type(error).__name__ == "KilledWorker":
            found = "a worker process was killed, by hand or by the system when memory is short"
            again = "run the same command again, what is finished is kept"
            raise DataError("", found, remedy=f"{again}, with fewer --jobs if memory is short") from None
        raise


def told(results, label, total):
    """Yield results, with progress; after the last, raise the first error among them."""
    errors = []
    with progress(label, total) as show:
        for done, (result, error, *said) in enumerate(results, 1):
            show(done)
            for name, level, message in chain(*said):
                logging.getLogger(name).log(level, "%s", message)
            if error is not None:
                errors.append(error)
            elif not errors:
                yield result
    if errors:
        first = errors[0] if isinstance(errors[0], DataError) else DataError("", str(errors[0]))
        if len(errors) > 1:
            *what, remedy = ("", str(first), "", "") if isinstance(first, BadCells) else first.args
            first = DataError(*what, "; ".join(filter(None, [remedy, f"{len(errors) - 1} more failed"])))
        raise first from None


@contextmanager
def cluster(scheduler):
    """Have joblib run on a Dask cluster, whose workers get this project as a zip."""
    try:
        from distributed import Client
    except ImportError:
        remedy = "install it (pip install distributed)"
        raise DataError("--backend dask", "found no distributed", remedy=remedy) from None
    with Client(scheduler) as client, tempfile.TemporaryDirectory() as folder:
        client.upload_file(zipped(os.path.join(folder, "recore.zip")))
        with joblib.parallel_backend("dask", client=client):
            yield


def zipped(path):
    """A zip of the project's modules, written to a path, which is given back."""
    package = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(package)
    modules = [os.path.join(root, name) for name in SENT]
    modules += sorted(glob.glob(os.path.join(glob.escape(package), "*.py")))
    with zipfile.ZipFile(path, "w") as archive:
        # Workers import what is at the top twice; of modules the second would have other classes than those in use.
        archive.writestr("recore_on_path.py", ON_PATH)
        for module in filter(os.path.exists, modules):
            archive.write(module, os.path.join("project", os.path.relpath(module, root)))
    return path
