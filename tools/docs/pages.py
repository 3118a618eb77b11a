"""Places in pages that a command fills, and what is wrong with a page.

    <!-- made by: COMMAND | part | part -->
    text
    <!-- end -->

COMMAND begins with `python -m` or `make`; what a part can be, tools/docs/parts.py tells. A comment may run
over several lines. A table of figures that stands in no place is wrong: nobody would know what made it.
"""

import re
import shlex
from typing import NamedTuple

from tools.docs import kept, parts

PLACE = re.compile(r"<!-- made by: (?P<told>.*?) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL)
BEGIN, END = "<!-- made by:", "<!-- end -->"
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FIGURE = re.compile(r"^[−–+-]?[\d.,]*\d")  # how a cell of figures begins


class Place(NamedTuple):
    """Where a command's output goes."""

    page: str
    line: int
    command: str
    parts: list  # of str
    told: str  # command and parts, as they are written
    text: str  # what stands there now

    @property
    def where(self):
        return f"{self.page}:{self.line}"


def all_pages(root):
    """README.md, then docs/*.md, as paths."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md"))]


def name(root, path):
    """A page as it is called: docs/trust.md."""
    return path.relative_to(root).as_posix()


def places(root, path):
    """The places of a page, in its order."""
    text = path.read_text(encoding="utf-8")
    return [place_of(name(root, path), text, found) for found in PLACE.finditer(text)]


def place_of(page, text, found):
    """The Place of a match."""
    command, *chosen = (" ".join(each.split()) for each in re.split(r"\s\|\s", found["told"]))
    line = text.count("\n", 0, found.start()) + 1
    return Place(page, line, command, chosen, found["told"], found["text"])


def put(root, place, text):
    """Write a place's new text into its page."""
    path = root / place.page
    before = path.read_text(encoding="utf-8")
    begin = f"{BEGIN} {place.told} -->\n"
    path.write_text(before.replace(f"{begin}{place.text}{END}", f"{begin}{text}{END}"), encoding="utf-8")


# --- what is wrong ------------------------------------------------------------------


def problems(root, path):
    """Lines that say what is wrong with a page's places and links."""
    text, page = path.read_text(encoding="utf-8"), name(root, path)
    if text.count(BEGIN) != text.count(END) or text.count(BEGIN) != len(PLACE.findall(text)):
        yield f"{page}: found {text.count(BEGIN)} beginnings of places and {text.count(END)} ends, expected pairs"
    for place in places(root, path):
        wrong = wrong_command(root, place.command) or wrong_parts(place.parts)
        if wrong:
            yield f"{place.where}: {wrong}"
    for line in loose_figures(text):
        yield f"{page}: found a table of figures that no command makes, expected {BEGIN} … before it: {line}"
    for link in broken_links(path, text):
        yield f"{page}: found a link to {link}, expected a file or a heading that exists"


def wrong_command(root, command):
    """Why a command cannot be run, or None."""
    words = shlex.split(command)
    if words[:2] == ["python", "-m"]:
        return None if is_command(root, words[2]) else f"found no module {words[2]}, expected one of tools/"
    if words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (root / "Makefile").read_text(), re.MULTILINE)
        return (
            None
            if words[1] in targets
            else f"found no make target {words[1]}, expected one of the Makefile's"
        )
    return f"found {command!r}, expected a command that begins with `python -m` or `make`"


def is_command(root, module):
    """Whether `python -m` would find a module of the project that does something then."""
    file = kept.file_of(root, module)
    return file is not None and "__main__" in f"{file.name} {file.read_text(encoding='utf-8')}"


def wrong_parts(chosen):
    """Why parts cannot be taken of an output, or None."""
    for part in chosen:
        if part.split(" ")[0] not in parts.KINDS:
            return f"found the part {part!r}, expected one that begins with {', '.join(parts.KINDS)}"
    return None


def loose_figures(text):
    """The header of every table of figures that stands in no place."""
    bare = FENCED.sub("", PLACE.sub("", text))
    for header, rows in parts.tables(bare.splitlines()):
        cells = [cell for row in rows for cell in row[1:]]
        if sum(bool(FIGURE.match(cell)) for cell in cells) > len(cells) / 2:
            yield " | ".join(header)


def broken_links(path, text):
    """Links of a page, within the project, to what is not there."""
    for link in LINK.findall(CODE.sub("", FENCED.sub("", text))):
        file, _, heading = link.partition("#")
        target = path.parent / file if file else path
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (heading and heading not in headings(target)):
            yield link


def headings(path):
    """The anchors that a forge gives to a page's headings."""
    lines = FENCED.sub("", path.read_text(encoding="utf-8")).splitlines()
    titles = [line.lstrip("#").strip().lower() for line in lines if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}
