"""How good is the model on the next sample, and on the next drill hole: repeated cross-validation.

    python -m tools.validate data/public/public.csv.gz            # figures by row and by site
    python -m tools.validate data/public/public.csv.gz --methods  # --method ridge, views and kernel side by side
    python -m tools.validate data/public/public.csv.gz --peers    # and other models on the same folds
    python -m tools.validate soil.csv --fold-file folds.csv       # on somebody else's folds

"By row" holds out rows, "by site" whole sites: no site is ever in both halves. Alpha is chosen
inside each training half, by leaving out rows; "by site, α by site" leaves out sites there as well.

Measures are those of the pooled held-out predictions of a repeat; a figure is their mean over the
repeats, ± its 95 % t interval. That interval tells how much the drawing of folds matters, not how
much another set of samples would. Rows and folds are those of train.py, whose figures, of up to 2,000
rows, are these: ten folds, five times where rows are few, and each site by itself.

Written to reports/NAME/: measures.csv, predictions.csv, learning_curve.csv, summary.json; methods.csv; peers.csv.
"""

import json

import numpy as np

from recore.folds import FOLDS
from recore.marks import mark_of
from tools import command, spectra
from tools.output import markdown, plus_minus, report_folder
from tools.spectra import read_spectra
from tools.validate.cross_validation import cross_validate, learning_curve
from tools.validate.folds import arguments_of, fold_parser, schemes, told_targets, usable
from tools.validate.measures import (
    MEASURES,
    OVERALL,
    mean_r2,
    measure_table,
    official,
    over_repeats,
    prediction_table,
)
from tools.validate.methods import compared, lines_of

SHORT_TARGETS = 7  # of --short --peers, at most: SVR and PLS take a minute a fold for 49


def report(found):
    """Lines of the table of `measure_table`: the schemes side by side in every cell."""
    names = list(dict.fromkeys(found["held out by"]))
    yield f"In every cell, held out by: {' / '.join(names)}.\n"
    rows = []
    for target, part in found.groupby("target", sort=False):
        cells = [" / ".join(map(plus_minus, part["R2"], part["R2 ±"]))]
        cells += [" / ".join(f"{value:.3g}" for value in part[name]) for name in MEASURES[1:]]
        mark = "" if target == OVERALL else mark_of(part["R2"].iloc[min(1, len(part) - 1)])  # by site, if any
        rows.append([target, f"{part['assays'].iloc[0]:,}", mark, *cells])
    yield from markdown(["target", "assays", "mark", "R²", *MEASURES[1:]], rows)


def run_methods(table, targets, plan, folder, jobs, spectra=None):
    """Print and write the table of all methods, with other models where spectra are given, and say which to take."""
    found = compared(table.features.to_numpy(), targets, plan, jobs, spectra)
    found.to_csv(folder / f"{'methods' if spectra is None else 'peers'}.csv", index=False)
    print(f"{len(targets):,} rows, {len(targets.columns)} targets: {', '.join(targets)}\n")
    print("\n".join(lines_of(found)))


def run_ours(table, targets, plan, folder, jobs, method):
    """Print and write all figures of a method."""
    X, Y = table.features.to_numpy(), targets.to_numpy()
    folds = {name: drawn for name, (drawn, _) in plan.items()}
    predictions = cross_validate(X, Y, plan, jobs, method)
    found = measure_table(targets, predictions)
    found.to_csv(folder / "measures.csv", index=False)
    prediction_table(table, targets, predictions, folds).to_csv(folder / "predictions.csv")
    print("\n".join(report(found)) + "\n")

    summary = {}
    for name, predicted in predictions.items():
        repeats, n_folds = len(predicted), len(np.unique(folds[name][0]))
        told = {"repeats": repeats, "folds": n_folds, "mean R2": list(mean_r2(Y, predicted))}
        scored = official(targets, predicted)
        if scored is not None:
            told["official score"] = list(scored)
            said = plus_minus(*over_repeats(scored))
            print(f"official score, {repeats} × {n_folds} folds by {name}: {said}")
        summary[name] = told
    summary = {"method": method, "rows": len(X), "targets": list(targets), "held out by": summary}
    (folder / "summary.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")

    curve = learning_curve(X, targets, plan, jobs, method)
    curve.to_csv(folder / "learning_curve.csv", index=False)
    rows = [[line[0], f"{line[1]:,}", *(f"{value:.3f}" for value in line[2:])] for line in curve.to_numpy()]
    print("\nLearning curve:\n\n" + "\n".join(markdown(list(curve), rows)))


def command_line():
    """The parser of the arguments."""
    parser = fold_parser(__doc__.splitlines()[0])
    parser.add_argument("--methods", action="store_true", help="all methods on the same folds, with times")
    about = "and other models on the same folds; few targets if --short"
    parser.add_argument("--peers", action="store_true", help=about)
    return parser


def main(argv=None):
    arguments = arguments_of(command_line(), argv)
    table = spectra.read_table(arguments.file, arguments)
    plan = schemes(table, arguments)
    targets = told_targets(table.targets, plan)
    folder = report_folder(arguments.file)
    if arguments.peers or arguments.methods:
        targets = usable(targets, arguments.folds or FOLDS)
    if arguments.peers and arguments.short:
        targets = targets.iloc[:, :: -(-len(targets.columns) // SHORT_TARGETS)]
    if arguments.peers or arguments.methods:
        spectra_too = read_spectra(arguments.file, named=arguments) if arguments.peers else None
        run_methods(table, targets, plan, folder, arguments.jobs, spectra_too)
    else:
        run_ours(table, targets, plan, folder, arguments.jobs, arguments.method)
    print(f"\nwrote {folder}/")


if __name__ == "__main__":
    command.run(main, "tools.validate")
