"""Write the figures of README.md and docs/ anew, each by the command that stands beside it.

    python -m tools.docs                  # what has changed since it was last made; hours the first time
    python -m tools.docs --list           # every place, its command, how long it took
    python -m tools.docs --only trust     # one page
    python -m tools.docs --check          # in a second: is every place well-formed, is there every command?

A place is written in the page (tools/docs/pages.py):

    <!-- made by: python -m tools.benchmark --repeats 3 | table 1 -->
    …
    <!-- end -->

Between the two comments comes what the command prints, or the part of it that is named after `|`
(tools/docs/parts.py). `DATA` in a command is the folder of open spectra, `--data`. What must be run before
a command stands in tools/docs/needs.csv. Outputs are kept in reports/docs/ and used again until code, data or
what they need has changed (tools/docs/kept.py); a page is written place by place, so that a run goes on where
it was stopped. Times are those of the machine that it runs on: leave it in peace.
"""

import shutil
import sys
from pathlib import Path

from recore.options import Parser
from tools.docs import kept, pages, parts

DATA = "../shared/data"
PUBLIC = Path("data/public/public.csv.gz")  # what the pages call the demo data
DEMO = "python -m tools.demo_data --output reports/docs/public.csv.gz"


def put_demo_data(keeper):
    """The demo data as data/public/public.csv.gz; refuse when another file is there."""
    made = keeper.root / keeper.make(DEMO).leaves[0]
    public = keeper.root / PUBLIC
    if not public.exists():
        public.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made, public)
    elif public.read_bytes() != made.read_bytes():
        sys.exit(
            f"docs: {PUBLIC}: found another file, expected the demo data, of which the pages tell; move it away, "
            "or delete it where it is older demo data"
        )


def told(seconds):
    """'27 min', '8 s', or '?'."""
    if seconds is None:
        return "?"
    return f"{seconds / 60:.0f} min" if seconds >= 100 else f"{seconds:.0f} s"


def show_list(places, keeper):
    """Print of each place where it is, whether it would be made anew, how long that took, and its command."""
    for place in places:
        state = "kept" if keeper.find(place.command) else "anew"
        print(f"{place.where}\t{state}\t{told(keeper.seconds(place.command))}\t{place.command}")


def write(places, keeper):
    """Make each place and write it into its page; lines that say which could not be made."""
    wrong = []
    for place in places:
        was_kept = bool(keeper.find(place.command)) and not keeper.again
        try:
            output = keeper.make(place.command).output
            pages.put(keeper.root, place, parts.part(output, place.parts, place.command, place.text))
        except (kept.Failed, parts.NotThere) as error:
            wrong.append(f"{place.where}: {error}")
        else:
            took = "kept" if was_kept else told(keeper.seconds(place.command))
            print(f"{place.where}: {took}, {place.command}", flush=True)
    return wrong


def command_line():
    """The parser of the arguments."""
    parser = Parser(prog="python -m tools.docs", description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="PAGE", help="docs/trust.md, or trust")
    parser.add_argument(
        "--list", action="store_true", help="what would be made, and how long it took; no run"
    )
    parser.add_argument("--check", action="store_true", help="is every place well-formed; no run")
    parser.add_argument("--again", action="store_true", help="make anew what is kept as well")
    parser.add_argument("--data", default=DATA, help="folder of open spectra (%(default)s)")
    return parser


def main(argv=None, root=kept.ROOT):
    """The command; its exit status."""
    arguments = command_line().parse_args(argv)
    names = [
        path for path in pages.all_pages(root) if arguments.only in (None, path.stem, pages.name(root, path))
    ]
    if not names:
        sys.exit(f"docs: --only: found no page {arguments.only}, expected README or one of docs/; see --list")
    wrong = [problem for path in names for problem in pages.problems(root, path)]
    if wrong or arguments.check:
        print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
        return int(bool(wrong))
    places = [place for path in names for place in pages.places(root, path)]
    keeper = kept.Keeper(root, arguments.data, arguments.again)
    if arguments.list:
        show_list(places, keeper)
        return 0
    if any(str(PUBLIC) in place.command or place.command.startswith("make") for place in places):
        put_demo_data(keeper)
    wrong = write(places, keeper)
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return int(bool(wrong))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("docs: stopped; what was made is kept, the same command goes on from there")
