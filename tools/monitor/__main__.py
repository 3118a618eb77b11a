"""Is the model still right? Control charts over batches of new spectra.

    python -m tools.monitor monday.csv tuesday.csv --model model --reference good-1.csv good-2.csv …
    python -m tools.monitor new.csv --model model --reference good.csv --group SiteID

A batch is a file, or `--batch N` rows of it, or the rows of a hole (`--group`); batches are charted
in the order given. Of each batch:

    leverage, residual  the median, in units of the model's limits (mdl, `applicability`)
    flagged             share of samples that are not "inside"
    prediction          mean of each target, before clipping
    bias                mean of predicted - measured, where there are assays
    slope               of measured on predicted, from SLOPE_ROWS assays on
    outside             share of assays outside the 90 % bounds (mdl, `predict_interval`)

The limits, what they rest on and what they promise: tools/monitor/charts.py. They come from batches known
to be good (`--reference`), cut as the new ones; without, they are assumed and find gross faults only.
False alarms are aimed at `--rate` a good batch; what comes of it is measured by `python -m
tools.monitor.trial`: two to three times as many.

Exit status: 0 all within limits; 1 a limit is crossed, told in one line on stderr; 2 a mistake in what
was given. Written to reports/NAME/, NAME the model's folder: monitor.csv, and monitor.html to look at.
"""

import shlex
import sys
from pathlib import Path

import preprocess
import train
from preprocess import Settings
from recore.model_file import load_described
from recore.options import Parser, add_group, add_model, group_of
from tools import command
from tools.monitor.alarms import alarm_line
from tools.monitor.batches import check_reference, read_batches
from tools.monitor.charts import ALARM, ALIKE, chart_all
from tools.monitor.measuring import measure
from tools.monitor.page import page
from tools.monitor.results import HEADER, summary, to_frame
from tools.output import markdown
from tools.report.study import DEMO, source_of


class Alarm(SystemExit):
    """A limit is crossed: the outcome of a working tool, status 1."""


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="file", help="spectra, in the order of their batches")
    add_model(parser)
    parser.add_argument(
        "--reference", nargs="+", metavar="FILE", help="good batches, not trained on, to take the limits from"
    )
    cuts = parser.add_mutually_exclusive_group()
    cuts.add_argument("--batch", type=int, metavar="N", help="rows a batch (default: the whole file)")
    add_group(cuts, None, "such as SiteID whose groups are batches")
    parser.add_argument(
        "--alike",
        type=float,
        default=ALIKE,
        help="of a batch's variance, what its rows share (%(default)s)",
    )
    parser.add_argument("--rate", type=float, default=ALARM, help="false alarms a good batch (%(default)s)")
    return parser


def arguments_of(argv):
    """The command line, checked."""
    parser = command_line()
    arguments = parser.parse_args(argv)
    if arguments.batch is not None and arguments.batch < 1:
        parser.error(f"--batch: found {arguments.batch}, expected 1 or more")
    if not 0 <= arguments.alike < 1 or not 0 < arguments.rate < 1:
        parser.error(
            f"expected --alike from 0 to below 1 and --rate between 0 and 1, got {arguments.alike}, "
            f"{arguments.rate}"
        )
    return arguments


def basis(reference, alike):
    """What the limits rest on, in words."""
    if reference:
        return f"limits from {len(reference)} reference batches"
    return (
        f"no --reference: limits assume that batches are like the training spectra and that {alike:.0%} of "
        "their variance is common to a batch; they find gross faults only"
    )


def main(argv=None):
    arguments = arguments_of(argv)
    typed = shlex.join(["python", "-m", "tools.monitor", *(sys.argv[1:] if argv is None else argv)])
    model, description = load_described(arguments.model, train.METHODS)
    how = {"axis": description["channels"] or None, "ids": description["ids"]}
    how["settings"] = Settings(**description["preprocessing"])
    cuts = arguments.batch, group_of(arguments)
    reference, old = [], None
    if arguments.reference:
        reference = read_batches(arguments.reference, model, *cuts, label="reference", how=how)
        check_reference(arguments.reference, reference, arguments.model)
        old = measure(model, reference, "reference")
    batches = read_batches(arguments.files, model, *cuts, label="reading", how=how)
    new = measure(model, batches, "measuring")
    charts = chart_all(model, new, old, alike=arguments.alike, rate=arguments.rate)
    names = [batch.name for batch in batches]
    name = Path(arguments.model).resolve().name
    folder = Path("reports") / name
    told = f"{basis(reference, arguments.alike)}; false alarms aimed at: {arguments.rate:g} a batch"

    with preprocess.replacing(folder / "monitor.csv") as file:
        to_frame(charts, names, new).to_csv(file, index=False)
    rows, alarm = list(summary(charts, batches, model)), alarm_line(charts, names, folder)
    trained = f"trained on {description['training'].get('file', 'an unknown file')}"
    trained += f", sha256 {description['sha256'][:12]}"
    about = {"name": name, "trained": trained, "told": told, "alarm": alarm, "command": typed}
    text = page(charts, HEADER, rows, synthetic=DEMO in map(source_of, arguments.files), **about)
    with preprocess.replacing(folder / "monitor.html") as file:
        file.write(text)
    print("\n".join(markdown(HEADER, rows)))
    print(f"\n{told}\nwrote {folder}/")
    if alarm:
        raise Alarm(f"python -m tools.monitor: {alarm}")


def run():
    """Run the step; status 2 for a mistake, as argparse has it, since 1 is an alarm."""
    try:
        command.run(main, "tools.monitor")
    except Alarm:
        raise
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            sys.exit(2)
        raise


if __name__ == "__main__":
    run()
