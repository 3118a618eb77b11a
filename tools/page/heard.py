"""What is said while files are read, as lines for a page instead of a terminal."""

import logging
import os
import re
import threading
from contextlib import contextmanager

LOGGERS = ("preprocess", "train")  # of the reader and of the model file


class Heard(logging.Handler):
    """Keeps what one thread says: each visitor of a page has one."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.thread, self.lines = threading.get_ident(), []

    def emit(self, record):
        if record.thread == self.thread:
            self.lines.append(record.getMessage())


def listen():
    """Have what is less than a warning said at all, in this process."""
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)


@contextmanager
def heard():
    """Give the list of lines that are said within, where `listen` was called before."""
    handler = Heard()
    for name in LOGGERS:
        logging.getLogger(name).addHandler(handler)
    try:
        yield handler.lines
    finally:
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(handler)


def one_line(error, folder, name=None):
    """What an error says, in one line, without the folder that its file was read from and the file's name."""
    first, *more = (str(error) or type(error).__name__).splitlines()
    cells = f" (and {len(more)} more lines of the kind)" if more else ""
    return first.replace(folder + os.sep, "").removeprefix(f"{name}: ") + cells


def plain(text):
    """Text that markdown leaves as it is: names of files may hold any of its signs."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!$:~<>|&])", r"\\\1", text)
