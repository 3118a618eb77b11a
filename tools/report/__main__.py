"""Two pages to show: what a model is worth, and what it says of new samples.

    python -m tools.report soil.csv                             # a model's: reports/soil/report.html
    python -m tools.report soil.csv --source "our 2024 survey"  # says where the spectra come from
    python -m tools.report --predict new.csv --model model --output new.html   # and new.xlsx beside it
    python -m tools.report --figure docs/overview.png           # only the README's figure

A page is one file that asks for nothing else: to be read in a browser, on a phone, or printed; its numbers stand
beside it. Folds, held-out predictions and measures are those of tools/validate, predictions of new samples those of
predict.py. model_page.py and samples_page.py say what stands where, sections/ has the parts, figures/ draws.
"""

import shlex
import sys
from pathlib import Path

import numpy as np

import preprocess
from recore.details import DIGITS
from recore.folds import FEW
from recore.options import add_model
from recore.predictions import COVERAGE
from tools import command
from tools.output import plus_minus, report_folder
from tools.report import model_page, samples_page
from tools.report.bands import LISTS, USUAL
from tools.report.figures.overview import overview
from tools.report.figures.style import FEW_SITES
from tools.report.new_samples import samples_of, write_sheet
from tools.report.numbers import write_numbers
from tools.report.study import UNKNOWN, source_of, study_of
from tools.report.words import r2_text
from tools.spectra import demo_file
from tools.validate.folds import arguments_of, fold_parser
from tools.validate.measures import OVERALL

README_TARGETS = ("AlPPM", "CuPPM")  # one that the spectrum shows directly, one by the minerals around it


def readme_figure(study):
    """The README's figure: spectra, and two targets on sites never seen."""
    names = [name for name in README_TARGETS if name in study.targets] or list(study.targets)[:2]
    panels = {}
    for name in names:
        r2 = r2_text(study.measures.loc[(study.hardest, name), "R2"])
        place = list(study.targets).index(name)
        title = f"out: {name}, {study.by(study.hardest)}, R² {r2}"
        panels[title] = study.targets[name].to_numpy(), study.mean(study.hardest)[:, place]
    shown = np.linspace(0, len(study.targets) - 1, len(FEW_SITES)).astype(int)
    return overview(study.axis, study.scaled[shown], study.numbered, panels, study.colours, study.source)


def command_line():
    """The parser of the arguments."""
    parser = fold_parser(__doc__.splitlines()[0])
    parser.add_argument("--source", help="where the spectra come from (known for demo data)")
    lists = f"lists of bands that peaks may be named after: {', '.join(LISTS)}, none, or a CSV file ({USUAL})"
    parser.add_argument("--bands", default=USUAL, help=lists)
    parser.add_argument(
        "--output", help="the page (reports/NAME/report.html, with --predict predictions.html)"
    )
    about = f"other models beside the methods, which are compared of up to {FEW} rows"
    parser.add_argument("--peers", action="store_true", help=about)
    parser.add_argument("--figure", help="draw only the README's figure, to this file")
    new = parser.add_argument_group("of new samples")
    new.add_argument("--predict", help="spectra file of new samples, to be predicted by a model")
    add_model(new)
    new.add_argument("--coverage", type=float, default=COVERAGE, help=f"of the bounds ({COVERAGE})")
    new.add_argument("--digits", type=int, default=DIGITS, help=f"of numbers, significant ones ({DIGITS})")
    of = "put spectra of other channels on the model's by interpolation"
    new.add_argument("--resample", action="store_true", help=of)
    return parser


def write(path, text):
    """Write a page whole, or not at all, and say so."""
    with preprocess.replacing(path, "wb") as file:
        file.write(text.encode())
    print(f"wrote {path}, {len(text.encode()) / 1e6:.1f} MB")


def check_output(output):
    """Raise a DataError where --output is no name of a page."""
    if output and not preprocess.ends(output, ".html", ".htm"):
        raise preprocess.DataError("--output", f"found {output}", "a name in .html", "name one")


def report_samples(arguments, typed):
    """The page of new samples, and the workbook beside it."""
    if arguments.file != demo_file():
        found = f"found {arguments.file}, too"
        remedy = "leave out one: a page is of a model or of new samples"
        raise preprocess.DataError("--predict", found, "no other spectra", remedy)
    source = arguments.source or source_of(arguments.predict)
    how = {name: getattr(arguments, name) for name in ("coverage", "digits", "resample")}
    samples = samples_of(arguments.predict, arguments.model, **how, source=source, command=typed)
    text = samples_page.page_of(samples, arguments.jobs)
    output = Path(arguments.output or report_folder(arguments.predict) / "predictions.html")
    sheet = output.with_suffix(".xlsx")
    write_sheet(samples, sheet)
    verdicts = samples.trusted["verdict"].value_counts()
    print(", ".join(f"{number:,} {verdict}" for verdict, number in verdicts.items()))
    write(output, text)
    print(f"wrote {sheet}")


def main(argv=None):
    arguments = arguments_of(command_line(), argv)
    check_output(arguments.output)
    typed = shlex.join(["python", "-m", "tools.report", *(sys.argv[1:] if argv is None else argv)])
    if arguments.predict:
        report_samples(arguments, typed)
        return
    study = study_of(arguments, typed)
    if arguments.figure:
        with preprocess.replacing(arguments.figure, "wb") as file:
            readme_figure(study).savefig(file, format="png", dpi=110)
        print(f"wrote {arguments.figure}")
        return
    text = model_page.page_of(study, arguments.jobs)
    output = Path(arguments.output or report_folder(arguments.file) / "report.html")
    for scheme in study.schemes:
        found = study.measures.loc[(scheme, OVERALL), ["R2", "R2 ±"]]
        print(f"mean R² {study.by(scheme)}: {plus_minus(*found)}")
    if study.source == UNKNOWN:
        print("the page says that the source is not stated; --source states it")
    write(output, text)
    print(f"its numbers: {', '.join(write_numbers(study, output))}")


if __name__ == "__main__":
    command.run(main, "tools.report")
