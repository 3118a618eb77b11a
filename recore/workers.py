"""Processes, here or on a cluster, that give results in the order of their items."""

import os
import signal
import sys
import threading
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice

import preprocess
from preprocess import DataError, progress

GENERATORS = ("loky", "dask")  # backends from which joblib gives each result as it comes


def add_workers(parser):
    """Add the options that `workers` takes."""
    group = parser.add_argument_group("several tables, or one larger than memory")
    group.add_argument("--jobs", type=int, help="processes (as many as there are cores)")
    group.add_argument(
        "--backend",
        choices=["loky", "dask", "ray", "spark"],
        default="loky",
        help="where they run, by joblib's name: on this machine (%(default)s), or a cluster's",
    )
    group.add_argument("--scheduler", help="address of the cluster's scheduler")


@contextmanager
def workers(jobs=None, backend="loky", scheduler=None):
    """Give `run(function, items, label)`, which yields function(item) in the items' order.

    Parameters
    ----------
    jobs : int, optional
        Processes; as many as there are cores by default.
    backend : str
        "loky" for processes on this machine; "dask", "ray", "spark" for a cluster.
    scheduler : str, optional
        Where the cluster is.

    Yields
    ------
    callable
        A DataError or OSError of one item does not keep the others from being done; it is raised then.
        BLAS has one thread in each task, so that sums have the same bits however many tasks run at a time.
    """
    jobs = jobs if jobs is not None else os.cpu_count() or 1
    if jobs < 1:
        raise DataError(f"--jobs: found {jobs}, expected 1 or more; leave it out for all cores")
    with ExitStack() as stack:
        if backend != "loky":
            stack.enter_context(cluster(backend, scheduler))
        one_thread_of_all = []

        def run(function, items, label=""):
            if not one_thread_of_all:  # sums in this process have the same bits, too
                one_thread_of_all.append(stack.enter_context(one_thread()))
            total = len(items) if hasattr(items, "__len__") else None
            if backend == "loky" and (jobs == 1 or total == 1):
                results = in_this_process(function, items, alone=total == 1)
            else:
                here = backend == "loky"
                threads = max(1, (os.cpu_count() or 1) // jobs) if here else 1
                results = in_processes(
                    partial(attempt, function, threads), items, jobs if here else None, backend in GENERATORS
                )
            return told(results, label, total)

        yield run


def in_this_process(function, items, alone):
    """Yield what `tried` gives, one after the other."""
    for item in items:
        before, preprocess.in_task = preprocess.in_task, not alone
        try:
            result = tried(function, item)
        finally:
            preprocess.in_task = before
        yield result


def one_thread():
    """A context in which BLAS has one thread."""
    from threadpoolctl import threadpool_limits  # scikit-learn needs it, so it is there

    return threadpool_limits(1)


def attempt(function, threads, item):
    """function(item) in a process of its own, and None; or None and its DataError or OSError."""
    preprocess.in_task, preprocess.THREADS = True, threads
    with no_interrupt():
        one_thread()
    return tried(function, item)


@contextmanager
def no_interrupt():
    """Leave an interrupt to the process that has begun this one, and stops it.

    One that falls within the calls to C in which libraries are looked up is printed, and lost.
    """
    if threading.current_thread() is not threading.main_thread():  # of a cluster's worker
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def tried(function, item):
    try:
        return function(item), None
    except (DataError, OSError) as error:
        return None, error


def in_processes(function, items, jobs, one_by_one):
    """Yield function(item) in the items' order, from joblib's processes, in batches unless one by one."""
    from joblib import Parallel, delayed
    from joblib import __version__ as joblib_version

    calls = map(delayed(function), items)
    try:
        if one_by_one and tuple(map(int, joblib_version.split(".")[:2])) >= (1, 3):
            yield from Parallel(n_jobs=jobs, batch_size=1, return_as="generator")(calls)
        else:
            while True:
                some = list(islice(calls, 4 * (jobs or 16)))
                if not some:
                    break
                yield from Parallel(n_jobs=jobs, batch_size=1)(some)
    except Exception as error:
        if isinstance(error, BrokenProcessPool) or type(error).__name__ == "KilledWorker":
            raise DataError(
                "a worker process was killed, by hand or by the system when memory is short; run the same "
                "command again, what is finished is kept, with fewer --jobs if memory is short"
            ) from None
        raise


def told(results, label, total):
    """Yield results, with progress; after the last, raise the first error among them."""
    errors, done = [], 0
    with progress(label, total) as show:
        for result, error in results:
            done += 1
            show(done)
            if error is not None:
                errors.append(error)
            elif not errors:
                yield result
    if errors:
        more = f"; {len(errors) - 1} more failed" if len(errors) > 1 else ""
        raise DataError(f"{errors[0]}{more}") from None


@contextmanager
def cluster(backend, scheduler):
    """Have joblib run on a cluster."""
    import joblib

    library = {"dask": "distributed", "ray": "ray", "spark": "joblibspark"}[backend]
    try:
        __import__(library)
    except ImportError:
        raise DataError(
            f"--backend {backend}: found no {library}; install it (pip install {library})"
        ) from None
    names = ("preprocess", "mdl", "train", "predict")  # each needs those before it
    modules = [sys.modules[name] for name in names if name in sys.modules]
    with ExitStack() as stack:
        settings = {}
        if backend == "dask":
            from distributed import Client

            client = settings["client"] = stack.enter_context(Client(scheduler))
            for module in modules:
                client.upload_file(module.__file__)
        elif backend == "ray":
            import ray
            from ray.util.joblib import register_ray

            sent = {"py_modules": modules} if modules else None
            ray.init(address=scheduler, runtime_env=sent, configure_logging=False)
            stack.callback(ray.shutdown)
            register_ray()
        else:
            from joblibspark import register_spark
            from pyspark.sql import SparkSession

            session = SparkSession.builder
            session = (session.master(scheduler) if scheduler else session).getOrCreate()
            stack.callback(session.stop)
            for module in modules:
                session.sparkContext.addPyFile(module.__file__)
            register_spark()
        stack.enter_context(joblib.parallel_backend(backend, **settings))
        yield
