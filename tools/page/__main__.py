"""Drop spectra on a page in the browser, and read concentrations, bounds and verdicts.

    python -m tools.page --model model                 # then open the address that it says
    python -m tools.page --model model --port 8600 --limit 50

The page is this machine's alone (127.0.0.1), and asks nothing of another. It takes what predict.py and tools.convert
take, calls the same functions, and keeps no file: what is dropped is in memory, and for the time of reading in a
temporary folder. Streamlit, which draws it, is installed by make page alone. Ctrl+C ends it.
"""

import importlib.util
import os
import socket
import sys

import train
from preprocess import DataError
from recore.model_file import load_described
from recore.options import Parser, add_model
from tools import command
from tools.shipped import ROOT

HERE = "127.0.0.1"
PORT = 8501
LIMIT = 100  # MB of a file: some 5,000 spectra as CSV
SETTINGS = {  # of Streamlit: nothing leaves the machine, nothing is watched, no trace of the code on the page
    "server.address": HERE,
    "server.headless": "true",
    "server.showEmailPrompt": "false",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "server.enableStaticServing": "false",
    "browser.serverAddress": HERE,
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "client.toolbarMode": "minimal",
    "runner.magicEnabled": "false",
    "logger.level": "warning",
}
NAMES = HERE, "localhost"  # that a browser may call the server by: no page of another site can reach it
LOOK = {"light": "#0067a6", "dark": "#5db4ec"}  # the colours of tools.report, as the browser asks for


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    add_model(parser)
    parser.add_argument("--port", type=int, default=PORT, help="of the page's address (%(default)s)")
    parser.add_argument("--limit", type=int, default=LIMIT, help="MB that a file may have (%(default)s)")
    return parser


def arguments_of(argv):
    """The command line, checked."""
    arguments = command_line().parse_args(argv)
    if not 1 <= arguments.port < 1 << 16:
        raise DataError("--port", f"found {arguments.port}", "1 to 65535", f"{PORT} is usual")
    if arguments.limit < 1:
        raise DataError("--limit", f"found {arguments.limit}", "1 MB or more", f"{LIMIT} is usual")
    return arguments


def check_port(port):
    """Raise a DataError where something else listens."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HERE, port))
        except OSError as error:
            raise DataError(
                "--port", f"found {port} taken ({error.strerror})", "a free one", "name another"
            ) from None


def server_line(model, port, limit):
    """The command that serves the page, as a list."""
    settings = {**SETTINGS, "server.port": port, "server.maxUploadSize": limit}
    for scheme, colour in LOOK.items():
        settings |= {f"theme.{scheme}.primaryColor": colour, f"theme.{scheme}.paddingTop": "3rem"}
    flags = [f"--{name}={value}" for name, value in settings.items()]
    flags += [f"--server.allowedHosts={name}" for name in NAMES]
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(ROOT / "tools" / "page" / "app.py"),
        *flags,
        "--",
        model,
    ]


def main(argv=None):
    arguments = arguments_of(argv)
    load_described(arguments.model, train.METHODS)  # what is wrong with it is said before any page
    if importlib.util.find_spec("streamlit") is None:
        remedy = "make page installs it, on Python 3.11 or newer"
        raise DataError("", "found no streamlit, which draws the page", remedy=remedy)
    check_port(arguments.port)
    line = server_line(os.path.abspath(arguments.model), arguments.port, arguments.limit)
    path = [str(ROOT), *filter(None, [os.getenv("PYTHONPATH")])]
    os.execve(line[0], line, {**os.environ, "PYTHONPATH": os.pathsep.join(path)})


if __name__ == "__main__":
    command.run(main, "tools.page")
