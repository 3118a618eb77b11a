"""What the bounds and the verdicts are worth, on samples that the model has not seen.

    python -m tools.trust data/public/public.csv.gz
    python -m tools.trust public.csv.gz soil.csv.gz peat.csv.gz    # each is another material to the others
    python -m tools.trust public.csv.gz --cost                     # time on top of fit and predict

**Coverage.** In every fold a model is fitted to the training half, and the bounds of the samples held
out are compared with their assays: by row, and by site (no site is ever in both halves) with bounds
from leaving out rows beside bounds from leaving out sites. Width is that of the bounds in standard
deviations of the target, the median over samples, then over targets. "Low" and "high" are the thirds
of samples with the smallest and the largest predictions of each target: bounds that are right on
average only would cover too often in one and too seldom in the other.

**Faults.** The same folds' models see good spectra with one fault each, made before preprocessing as an
instrument makes it. Caught is what gets another verdict than "inside"; the first row, of good spectra,
is the false alarm. By site, a model that left out rows takes a new site's samples for unlike, one that
left out sites knows how far sites differ, and takes slight faults for a new site.

Written to reports/NAME/: coverage.csv (each target), faults.csv.
"""

import os

import pandas as pd

import preprocess
import recore.bounds
from recore.columns import add_columns
from recore.options import Parser, add_group, add_method
from recore.settings import add_settings, settings_in
from recore.ways import SITE
from tools import command
from tools.output import markdown, report_folder
from tools.spectra import TABLE, demo_file, in_percent, read_spectra, read_table
from tools.trust.cost import COST_RUNS, cost
from tools.trust.coverage import COVERAGE, FOLDS, coverage_table, held_out_bounds, plans
from tools.trust.faults import faults, other_material, to_features
from tools.validate.folds import schemes, usable


def summary(found):
    """Cells of a line: coverage and width over the targets."""
    each = found["coverage"]
    yield f"{each.mean():.1%}"
    yield f"{each.min():.0%} to {each.max():.0%}"
    yield f"{found['coverage, low'].mean():.0%} / {found['coverage, high'].mean():.0%}"
    yield f"{found['below'].mean():.1%} / {found['above'].mean():.1%}"
    yield f"{found['width / SD'].median():.2f}"


def measure(path, others, arguments):
    """Coverage of each scheme and target, and share of spectra caught of each fault and scheme.

    Returns
    -------
    dict of str to DataFrame
        What is held out, and `coverage_table` of it.
    DataFrame of shape (n_faults, n_schemes)
    """
    table = read_table(path, arguments)
    targets = usable(table.targets, arguments.folds)
    X, Y, name = table.features.to_numpy(), targets.to_numpy(), name_of(path)
    plan, folder = plans(schemes(table, arguments)), report_folder(path)
    covered, found, reading_settings = {}, {}, settings_in(arguments)
    spectra = read_spectra(path, named=arguments)
    values = spectra.to_numpy()
    material = other_material(others, spectra.columns, in_percent(values))
    made = {
        fault: to_features(each, reading_settings, list(map(str, spectra)))
        for fault, each in faults(values, material).items()
    }
    for scheme, (folds, groups) in plan.items():
        settings = {"groups": groups, "coverage": arguments.coverage, "faulty": list(made.values())}
        settings["method"] = arguments.method
        label = f"{name}, {scheme}"
        bounds, _, caught = held_out_bounds(X, Y, folds, **settings, jobs=arguments.jobs, label=label)
        covered[scheme], found[scheme] = coverage_table(targets, bounds), caught.mean(axis=1)
    shares = pd.DataFrame(found, index=pd.Index(made, name="fault"))
    pd.concat(covered, names=["held out by", "target"]).to_csv(folder / "coverage.csv")
    shares.to_csv(folder / "faults.csv")
    return covered, shares


def name_of(path):
    """How a file is called in the tables."""
    return report_folder(path).name


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "files", nargs="*", default=[demo_file()], metavar="file", help=f"{TABLE} ({demo_file()})"
    )
    parser.add_argument("--coverage", type=float, default=COVERAGE, help="of the bounds (%(default)s)")
    add_columns(parser)
    add_method(parser)
    add_settings(parser)
    parser.add_argument("--folds", type=int, default=FOLDS, help="of rows and of sites (%(default)s)")
    add_group(parser, SITE, "that is never in both halves")
    parser.add_argument("--fold-file", help="CSV with the index and a column Fold, instead of drawing rows")
    parser.add_argument("--cost", action="store_true", help="time on top of fit and predict, nothing else")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="processes (as many as there are cores)"
    )
    return parser


def arguments_of(argv):
    """The command line, checked."""
    arguments = command_line().parse_args(argv)
    arguments.repeats = 1
    names = [preprocess.stem_of(path) for path in arguments.files]
    if len(set(names)) < len(names):
        raise preprocess.DataError(
            "",
            f"found two files that are called {max(names, key=names.count)}",
            "names of their own, as their reports have",
            "rename one",
        )
    if arguments.jobs == 0:
        raise preprocess.DataError(
            "", "found --jobs 0", "a number of processes", "leave it out for all cores"
        )
    if arguments.folds < 2 or not 0 < arguments.coverage <= recore.bounds.MOST:
        raise preprocess.DataError(
            "",
            f"found --folds {arguments.folds} and --coverage {arguments.coverage:g}",
            f"2 or more folds and a coverage above 0 and at most {recore.bounds.MOST}",
            f"leave them out for {FOLDS} and {COVERAGE}",
        )
    return arguments


def main(argv=None):
    arguments = arguments_of(argv)
    if arguments.cost:
        for path in arguments.files:
            lines = list(cost(read_table(path, arguments), arguments.group))
            print(f"{name_of(path)}, medians of {COST_RUNS}, {os.cpu_count()} threads:\n")
            header = ["seconds", "alone", "with bounds and verdicts", "times"]
            print("\n".join(markdown(header, lines)) + "\n")
        return
    lines, columns = [], {}
    for place, path in enumerate(arguments.files):
        others = arguments.files[place + 1 :] + arguments.files[:place]
        covered, columns[name_of(path)] = measure(path, others, arguments)
        lines += [[f"{name_of(path)}, {scheme}", *summary(found)] for scheme, found in covered.items()]
    print(f"Bounds of {arguments.coverage:.0%}:\n")
    header = ["file, held out by", "coverage", "of a target", "low / high", "below / above", "width / SD"]
    print("\n".join(markdown(header, lines)))
    print(
        "\nShare of spectra with a fault that are caught, held out by row / site, bounds by row / by site:\n"
    )
    names = list(dict.fromkeys(fault for shares in columns.values() for fault in shares.index))
    rows = [[fault, *(cell(shares, fault) for shares in columns.values())] for fault in names]
    print("\n".join(markdown(["fault", *columns], rows)))
    print(f"\nwrote {', '.join(str(report_folder(path)) for path in arguments.files)}")


def cell(shares, fault):
    """'100 / 98 / 97 %' of a fault, one number a scheme."""
    if fault not in shares.index:
        return ""
    return (
        " / ".join(
            f"{100 * each:.0f}" if each in (0, 1) else f"{100 * each:.1f}" for each in shares.loc[fault]
        )
        + " %"
    )


if __name__ == "__main__":
    command.run(main, "tools.trust")
