"""Requests a second of the real model server, beside the plain way of serving.

    python -m tools.container.loadtest              # 60 s for each of 1, 100 and 1,000 rows and each way
    python -m tools.container.loadtest --seconds 5

Both ways run on AWS's own worker (tools/container/server.py) with two workers, at the same time, and are
loaded in turn by a second process over loopback: two clients, one connection a request, as the
platform's nginx makes them. Bodies are CSV with a header line, answers CSV. Any answer but the right
one ends the run. Memory is that of the two workers, once they have answered large requests and at the end.
"""

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from recore.options import Parser
from tools.command import run as run_tool
from tools.container import server
from tools.container.environments import CannotInstall
from tools.shipped import CODE, ROOT, lay

SIZES = (1, 100, 1000)  # rows a request
SLICE = 5  # seconds that one way is loaded before the other has its turn
CLIENTS = 2
GROWTH = 1.05  # of memory, that a run may not exceed


def ask(port, request):
    """One request over a connection of its own; the whole answer, seconds."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=server.PATIENCE) as connection:
        connection.sendall(request)
        parts = iter(lambda: connection.recv(1 << 20), b"")
        answer = b"".join(parts)
    return answer, time.perf_counter() - began


def content(answer):
    """The body of a 200 answer, else None."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return body if head.split(b" ", 2)[1:2] == [b"200"] else None


def client(port, path, seconds):
    """Load a server with one request for some seconds; latencies in ms, of all clients together."""
    request = Path(path).read_bytes()
    expected = content(ask(port, request)[0])
    latencies, errors, end = [], [], time.perf_counter() + seconds

    def loop():
        while time.perf_counter() < end and not errors:
            answer, latency = ask(port, request)
            latencies.append(1000 * latency)
            if expected is None or content(answer) != expected:
                errors.append(answer[:300].decode("latin-1"))

    threads = [threading.Thread(target=loop) for _ in range(CLIENTS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    print(json.dumps({"latencies": latencies, "seconds": took, "errors": errors}))


def load(port, path, seconds):
    """What a client in a process of its own measures."""
    command = [
        sys.executable,
        "-m",
        "tools.container.loadtest",
        "--client",
        str(port),
        str(path),
        "--seconds",
        str(seconds),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    if measured["errors"] or not measured["latencies"]:
        sys.exit(f"loadtest: a request failed: {' '.join(measured['errors'])[:300]!r}")
    return measured


def write_requests(folder, features):
    """One request a size, as bytes; {size: path}."""
    lines = features.read_text().splitlines(keepends=True)
    paths = {}
    for size in SIZES:
        rows = [lines[1 + row % (len(lines) - 1)] for row in range(size)]
        body = "".join([lines[0], *rows]).encode()
        head = (
            "POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/csv\r\nAccept: text/csv\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        paths[size] = folder / f"request-{size}"
        paths[size].write_bytes(head.encode() + body)
    return paths


def prepare(folder, rows):
    """Demo data, its features, and both ways' code and model, in a folder."""
    public, features = folder / "public.csv.gz", folder / "features.csv"
    interpreter = server.python()
    for name in ("ours", "ours/model", "plain", "plain/model"):
        (folder / name).mkdir()
    commands = [
        [sys.executable, "-m", "tools.demo_data", "--rows", str(rows), "--output", str(public)],
        [interpreter, "preprocess.py", "--input", str(public), "--output", str(features)],
        [interpreter, "train.py", "--data_dir", str(public), "--model_dir", str(folder / "ours" / "model")],
        [
            interpreter, str(server.INSIDE / "plain_handlers.py"), "--features", str(features), "--spectra", str(public),
            "--model_dir", str(folder / "plain" / "model"),
        ],
    ]  # fmt: skip
    for command in commands:
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lay(folder / "ours" / "code", CODE)
    (folder / "plain" / "code").mkdir()
    shutil.copy(server.INSIDE / "plain_handlers.py", folder / "plain" / "code" / "train.py")
    return features


def percentile(values, percent):
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def compare(seconds, rows=1000):
    """Measure both ways; {size: {way: figures}} and memory in MB, warm and at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_requests(folder, prepare(folder, rows))
        results, memory = {}, []
        ways = {
            way: server.Server(folder / way / "code", folder / way / "model") for way in ("ours", "plain")
        }
        with ways["ours"] as ours, ways["plain"] as plain:
            load(ours.port, paths[SIZES[-1]], max(SLICE, seconds / 10))
            memory.append(ours.memory())
            for size in SIZES:
                runs = {"ours": [], "plain": []}
                for _ in range(max(1, round(seconds / SLICE))):
                    for way, running in (("ours", ours), ("plain", plain)):
                        runs[way].append(load(running.port, paths[size], min(SLICE, seconds)))
                results[size] = {way: figures(measured) for way, measured in runs.items()}
            memory.append(ours.memory())
    return results, memory


def figures(runs):
    """Requests a second, p50 and p99 in ms."""
    latencies = [latency for run in runs for latency in run["latencies"]]
    return {
        "requests": len(latencies),
        "rate": len(latencies) / sum(run["seconds"] for run in runs),
        "p50": percentile(latencies, 50) if len(latencies) > 1 else latencies[0],
        "p99": percentile(latencies, 99) if len(latencies) > 1 else latencies[0],
    }


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seconds", type=float, default=60, help="of load for each size and way (%(default)s)"
    )
    parser.add_argument("--client", nargs=2, metavar=("PORT", "REQUEST"), help=argparse.SUPPRESS)
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    if arguments.client:
        return client(int(arguments.client[0]), arguments.client[1], arguments.seconds)
    try:
        results, (before, after) = compare(arguments.seconds)
    except CannotInstall as error:
        sys.exit(f"loadtest: {error}")
    print("| rows a request | requests/s | p50 ms | p99 ms | plain: requests/s | p50 ms | p99 ms | times |")
    print("|-|-|-|-|-|-|-|-|")
    for size, ways in results.items():
        cells = [f"{ways[way][key]:,.1f}" for way in ("ours", "plain") for key in ("rate", "p50", "p99")]
        print(f"| {size:,} | {' | '.join(cells)} | {ways['ours']['rate'] / ways['plain']['rate']:.1f} |")
    total = sum(ways["ours"]["requests"] for ways in results.values())
    print(
        f"{total:,} requests without an error; memory of the two workers {before:.0f} MB, then {after:.0f} MB"
    )
    if after > GROWTH * before:
        sys.exit(
            f"loadtest: memory grew from {before:.0f} to {after:.0f} MB, expected at most {GROWTH:g} times"
        )
    return None


if __name__ == "__main__":
    run_tool(main, "tools.container.loadtest")
