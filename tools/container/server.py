"""AWS's own model server on this machine: its worker and transformer under gunicorn and gevent.

    with Server(code, model) as server:
        status, kind, body = server.post(b"...", "text/csv", "text/csv")

`code` is a folder that holds what the archive does, `model` one that holds model.pkl and
model.json. The server has an environment of its own (noxfile.py), made at its first use, and
listens on this machine only. With `installs=True` it installs the code first, as the platform does;
without, its workers find the code where they would anyhow, in its folder.
"""

import http.client
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import psutil

from tools.container.environments import CannotInstall, make, pip_settings

INSIDE = Path(__file__).with_name("inside")  # what runs in the server's environment
PATIENCE = 60  # seconds for a start, an answer or an end; the platform's own limit for an answer


@cache
def python():
    """The interpreter of the server's environment, which is made when there is none.

    Raises
    ------
    CannotInstall
    """
    return make("server")


def on_top(interpreter, folder):
    """An environment that has another one's packages below its own; its interpreter and its site-packages."""
    ask = "import site; print(site.getsitepackages()[0])"
    subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True)
    own = str(folder / "bin" / "python")
    below, above = (
        subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
        for python in (interpreter, own)
    )
    Path(above, "below.pth").write_text(below + "\n")
    return own, Path(above)


class Server:
    """The model server as a context.

    Parameters
    ----------
    code, model : path
        Folders; they are copied to the places where the platform has them.
    workers : int
    installs : bool
        Whether it does the platform's own installation, in an environment that is thrown away.

    Attributes
    ----------
    interpreter : str
    site_packages : Path
        Where the installation put the code.
    """

    def __init__(self, code, model, workers=2, installs=False):
        self.code, self.model, self.workers, self.installs = code, model, workers, installs

    def __enter__(self):
        self.process = None
        self.base = Path(tempfile.mkdtemp(prefix="server-"))
        shutil.copytree(self.code, self.base / "code")
        shutil.copytree(self.model, self.base / "model")
        self.log = self.base / "log"
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "SAGEMAKER_BASE_DIR": str(self.base),
            "SAGEMAKER_PROGRAM": "train.py",
            "SM_MODEL_DIR": str(self.base / "model"),
        }
        try:
            self.interpreter = self._install(environment) if self.installs else python()
            self._start(environment)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _install(self, environment):
        """Install the code as the platform does, on top of the server's packages; the interpreter that has both."""
        interpreter, self.site_packages = on_top(python(), self.base / "venv")
        done = subprocess.run(
            [interpreter, INSIDE / "install.py"], env={**environment, **pip_settings()}, cwd="/", text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode:
            raise CannotInstall(f"the server's own installation: {done.stdout.strip().splitlines()[-1]}")
        return interpreter

    def _start(self, environment):
        command = [
            self.interpreter, "-m", "gunicorn", "--timeout", str(PATIENCE), "-k", "gevent",
            "--pythonpath", f"{self.base / 'code'},{INSIDE}",
            "-b", "127.0.0.1:0", "--worker-connections", str(1000 * self.workers),
            "-w", str(self.workers), "--log-level", "info", "worker:main",
        ]  # fmt: skip
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.port = self._wait_for_port()

    def __exit__(self, *error):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.base, ignore_errors=True)

    def _wait_for_port(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            text = self.log.read_text(errors="replace")
            listening = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", text)
            if listening and text.count("Booting worker") >= self.workers:
                return int(listening.group(1))
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start: {self.log.read_text(errors='replace')[-2000:]}")

    def connection(self):
        """A connection of its own, for a thread or a series of requests."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ping(self):
        """The status of /ping."""
        return self.request("GET", "/ping")[0]

    def post(self, body, content_type=None, accept=None, connection=None):
        """Ask for predictions.

        Returns
        -------
        status : int
        kind : str
            Content type of the answer.
        answer : bytes
        """
        headers = {"Content-Type": content_type, "Accept": accept}
        headers = {name: value for name, value in headers.items() if value is not None}
        return self.request("POST", "/invocations", body, headers, connection)

    def request(self, method, path, body=None, headers=None, connection=None):
        own = connection or self.connection()
        try:
            own.request(method, path, body, headers or {})
            answer = own.getresponse()
            return answer.status, answer.getheader("Content-Type", ""), answer.read()
        finally:
            if connection is None:
                own.close()

    def worker_pids(self):
        """Processes of the workers, not of the one that manages them."""
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def memory(self, field="VmRSS"):
        """Memory of the workers together, in MB: VmRSS now, VmHWM at its highest."""
        kilobytes = 0
        for pid in self.worker_pids():
            status = Path(f"/proc/{pid}/status").read_text()
            kilobytes += int(re.search(rf"{field}:\s+(\d+) kB", status).group(1))
        return kilobytes / 1024
