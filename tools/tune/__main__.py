"""Search the preprocessing: range, window width, and the usual alternatives to scaling.

    python -m tools.tune data/public/public.csv.gz             # some 300 settings
    python -m tools.tune data/public/public.csv.gz --nested    # and what the search is worth
    python -m tools.tune --apply reports/public/settings.json  # the winner into preprocess.py, to submit

Each setting is scored by the estimator's closed-form leave-one-out and, where there are sites, leave-
one-site-out: a fit a setting. The score is the official one where the 49 targets are there, else the
mean R² over targets. The search has an alpha a decade; all else has the model's own grid.

The winner is the simplest setting (fewest features, then least treatment) within one standard error
of the best. Candidates are those that beat every simpler one; they and the best meet once more on the
same folds, and the standard error is that of their difference in score, by jackknife over the folds.

--nested searches anew inside every training half, takes the best by closed form, and compares it with
the present setting on the rows held out. Only this says what tuning gains: a winner's own score is too
good, on few rows by far. Alpha is chosen by leaving out rows in both, as tools.validate's "site" does.

Written to reports/NAME/: settings.json (the winner of the hardest, for train.py --settings), tune.csv,
tune.png and, nested, tune_nested.csv.
"""

import json
import os
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import preprocess
import score
from mdl import ALPHAS, METHODS
from preprocess import SETTINGS
from recore.columns import add_columns
from recore.expected import Expected, fitting, said
from recore.figures import score_of_new
from recore.options import Parser, add_group, add_method
from recore.settings import read_settings
from recore.ways import ROW, SITE, ways_of
from recore.workers import cores
from tools import command
from tools.output import markdown, report_folder
from tools.spectra import add_table, read_spectra, read_table
from tools.tune.apply import apply
from tools.tune.candidates import candidates, features, told
from tools.tune.choice import choose
from tools.tune.search import nested, search, total
from tools.validate.folds import schemes, usable
from tools.validate.methods import compared, lines_of

FOLDS = 10  # of the finalists, and of --nested
SHOWN = 10  # settings printed
NEW = 3  # times as many samples as a new file whose score is promised


def heat_map(found, by, path):
    """Draw the score over range end and window, for the present treatment and the whole start."""
    start, end = (found["range"].str.split(":").str[place] for place in (0, 1))
    shown = found.assign(left_out=-pd.to_numeric(end, errors="coerce").fillna(0).astype(int))
    shown = shown[(found["treatment"] == SETTINGS.treatment) & (start == "0")]
    figure, panels = plt.subplots(1, len(by), figsize=(5 * len(by), 3.6), layout="constrained", squeeze=False)
    for panel, name in zip(panels[0], by, strict=True):
        grid = shown.pivot_table(name, "window", "left_out")
        image = panel.imshow(grid, cmap="viridis", aspect="auto", origin="lower")
        panel.set_xticks(range(grid.shape[1]), [f"−{end}" if end else "all" for end in grid.columns])
        panel.set_yticks(range(grid.shape[0]), grid.index)
        panel.set(title=name, xlabel="range end, channels", ylabel="window, channels")
        for (row, column), value in np.ndenumerate(grid.to_numpy()):
            if np.isfinite(value):
                dark = value < np.nanmean([np.nanmin(grid), np.nanmax(grid)])
                colour = "white" if dark else "black"
                panel.text(column, row, f"{value:.3f}", ha="center", va="center", fontsize=7, color=colour)
        figure.colorbar(image, ax=panel, label="score")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def best_settings(settings, channels, scores, by):
    """Lines of a table: the best settings by the last column, and the present ones."""
    order = list(np.argsort(-scores[:, -1])[:SHOWN])
    order += [at for at in [settings.index(SETTINGS)] if at not in order]
    rows = [[told(settings[at], channels), *(f"{value:.4f}" for value in scores[at])] for at in order]
    yield from markdown(["treatment, range, windows", *by], rows)


def winners(name, data, settings, scores, folds, jobs, method):
    """The winner of all settings, and lines on it and on that of the present treatment."""
    spectra, channels, targets = data
    won, lines = [], []
    present = [at for at, setting in enumerate(settings) if setting.treatment == SETTINGS.treatment]
    for of_what, places in (("all treatments", range(len(settings))), ("the present one", present)):
        some, their = [settings[at] for at in places], scores[places]
        winner, best, behind, error = choose(spectra, channels, targets, some, their, folds, jobs, method)
        lines.append(f"{name}, {of_what}: {told(some[winner], channels)}, {their[winner]:.4f}")
        if winner != best:
            place = f"{abs(behind):.4f} {'behind' if behind > 0 else 'ahead of'} {told(some[best], channels)}"
            lines.append(f"  {place} on the same folds, standard error {error:.4f}")
        won.append(some[winner])
    return won[0], lines


def promise(won, table, data, group, method):
    """Lines that tell what train.py with these settings tells: figures of rows and sites held out."""
    spectra, channels, _ = data
    X = features(spectra, won, channels)
    ways = ways_of(table, group if group in table.ids else None)
    expected = Expected(len(X), len(table.targets.columns), ways, ROW)
    figures = expected.figures(
        lambda: (X, table.targets.to_numpy()), fitting(METHODS[method], ALPHAS), cores()
    )
    yield from said(figures, ROW)
    for each in figures:
        n_new = 0 if each.parts is None else each.parts.shape[1] // NEW
        between = score_of_new(each.parts, n_new) if n_new else None
        if between:
            units = "samples" if each.held_out == ROW else f"{each.held_out} and their samples"
            low, high = between
            yield f"a file of {n_new} other {units} scores between {low:.2f} and {high:.2f}, nine times in ten"


def run_nested(data, settings, folds, left_out, folder, jobs, method):
    """Print and write what tuning gains."""
    parts, (spectra, channels, targets) = [], data
    for name, drawn in folds.items():
        r2, used = nested(spectra, channels, targets, settings, drawn, left_out[name], jobs, method)
        r2.loc["score"] = total(targets, r2.to_numpy().T)
        parts.append(r2.add_suffix(f", by {name}"))
        found = sorted({told(each, channels) for each in used})
        print(f"\nfound inside the training halves by {name}: {'; '.join(found)}")
    gains = pd.concat(parts, axis=1)
    gains.to_csv(folder / "tune_nested.csv", index_label="target")
    rows = [[str(target), *(f"{value:.3f}" for value in line)] for target, line in gains.iterrows()]
    print("\n" + "\n".join(markdown(["R², nested", *gains], rows)))


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    add_table(parser)
    parser.add_argument("--apply", metavar="FILE", help="write settings into preprocess.py, nothing else")
    add_columns(parser)
    add_method(parser)
    add_group(parser, SITE, "that is never in both halves")
    parser.add_argument("--nested", action="store_true", help="what tuning gains, on rows held out")
    parser.add_argument("--peers", action="store_true", help="other models beside the methods, at the end")
    parser.add_argument("--folds", type=int, default=FOLDS, help="of --nested (%(default)s)")
    parser.add_argument("--fold-file", help="CSV with the index and a column Fold, instead of drawing rows")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="processes (as many as there are cores)"
    )
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    if arguments.apply:
        path, line = apply(read_settings(arguments.apply))
        print(f"{path}: {line}")
        return
    arguments.repeats = 1

    table = read_table(arguments.file, arguments)
    spectra = read_spectra(arguments.file, named=arguments)
    targets = usable(table.targets, arguments.folds)
    data = spectra.to_numpy(), list(map(str, spectra)), targets
    sites = table.ids[arguments.group].to_numpy() if arguments.group in table.ids else None
    plan = schemes(table, arguments)
    folds = {name: drawn[0] for name, (drawn, inside) in plan.items() if inside is None}
    left_out = {name: sites if name == "site" else None for name in folds}
    by = [f"leave one {'site' if name == 'site' else 'row'} out" for name in folds]
    folder, settings = report_folder(arguments.file), candidates(len(data[1]))

    start = time.perf_counter()
    everything = [(np.full(len(spectra), True), inside) for inside in left_out.values()]
    scores = search(*data, settings, everything, arguments.jobs, arguments.method)
    seconds = time.perf_counter() - start
    found = pd.DataFrame(settings).assign(**dict(zip(by, scores.T, strict=True)))
    found.to_csv(folder / "tune.csv", index=False)
    heat_map(found, by, folder / "tune.png")
    what = "official score" if list(targets) == list(score.WEIGHTS) else "mean R²"
    print(f"{what}; {len(settings)} settings in {seconds:.0f} s, {arguments.jobs} processes\n")
    print("\n".join(best_settings(settings, data[1], scores, by)) + "\n")
    print("the winner is the simplest, with the fewest features, within one standard error of the best:")
    for name, each, drawn in zip(by, scores.T, folds.values(), strict=True):
        won, lines = winners(name, data, settings, each, drawn, arguments.jobs, arguments.method)
        print("\n".join(lines))
    with preprocess.replacing(folder / "settings.json") as file:
        json.dump(won._asdict(), file, indent=1)
    print(f"\nwith {told(won, data[1])}, {by[-1]}, train.py will tell:")
    print("\n".join(f"  {line}" for line in promise(won, table, data, arguments.group, arguments.method)))
    if won != SETTINGS:
        print(f"and with the present ones, {told(SETTINGS, data[1])}:")
        print(
            "\n".join(
                f"  {line}" for line in promise(SETTINGS, table, data, arguments.group, arguments.method)
            )
        )
    print("  (chosen among many on the same rows: --nested tells what the choice is worth on others)")
    print(f"\nall methods with {told(won, data[1])}, on the same folds:\n")
    X, beside = features(data[0], won, data[1]), data[0] if arguments.peers else None
    print("\n".join(lines_of(compared(X, targets, plan, arguments.jobs, beside))))
    if arguments.nested:
        run_nested(data, settings, folds, left_out, folder, arguments.jobs, arguments.method)
    print(f"\nwrote {folder}/; train.py {arguments.file} --settings {folder}/settings.json takes the winner,")
    print(f"python -m tools.tune --apply {folder}/settings.json writes it into preprocess.py, to submit")


if __name__ == "__main__":
    command.run(main, "tools.tune")
