"""Held-out R² on open spectra: default and tuned settings, the best peer, and what others published.

    python -m tools.validate.published ../shared/data            # a line a target, by row / by site
    python -m tools.validate.published ../shared/data --all      # with all targets that yamsys' authors published
    python -m tools.validate.published ../shared/data --peers    # each model's mean R² and time

Reads what tools.validate, tools.validate --peers --repeats 1 and tools.tune --nested have left in
reports/ for the files of SETS, the two of LimeSoDa with the authors' folds; prints a markdown table.
Where a set has sites, every cell is "by row / by site": what is left at a site never seen stands beside
what is found by row.

"Default" is --method ridge, the mean over the repeats, as train.py tells it. The columns after it share the folds of one
repeat, so "default, one repeat" is there to compare them with. The best peer is the
best of seven, looked up on the rows held out, by row and by site each, so it is flattered; RidgeCV is the
model without its clipping, "one alpha" with one for all targets. Peat has no published figures, and stands
as the mean of its targets. Published figures, of rows held out, are read from the folder that holds the
spectra.

yamsys: Baumann et al. 2021 (SOIL 7, 717-731), PLS, 5 × 10 folds, predictions averaged over the repeats
(which flatters a little), its components chosen on the folds that it reports on. LimeSoDa: Schmidinger et al.
2025 (Geoderma, 117337), the best of MLR, SVR, random forest and CatBoost, tuned inside the training halves.
Peat: Teickner, Gao & Knorr 2022 (Global Biogeochem. Cycles).
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

import preprocess
from mdl import METHODS
from recore.options import Parser
from tools import command
from tools.output import markdown
from tools.validate.measures import OVERALL
from tools.validate.methods import schemes_of

HEADER = "data, target|default|default, one repeat|tuned, nested|best peer|published".split("|")
SITE = "site"  # the scheme beside the first, which is by row or the authors' folds
TRANSFORMED = "log("  # how a response begins that was not modelled as it is
SETS = {
    "yamsys_soil": "yamsys",
    "limesoda_H_138": "H_138",
    "limesoda_NRW_62": "NRW_62",
    "peat_redoxpeat": "peat",
}  # a report's folder without _full, and the name shown
LIMESODA = {"limesoda_H_138": "H.138", "limesoda_NRW_62": "NRW.62"}
SHOWN = (
    "Al_tot K_tot C N S CEC_eff clay Fe_tot Ca_tot Mn_tot Cu_tot Zn_tot P_tot Si_tot".split()
)  # of yamsys: whole contents, and two of the soil; --all adds what a reagent extracts
TUNED_MEAN = "score"  # what tools.tune calls its mean over targets
SHORT = {
    **{name: f"ours, {name}" for name in METHODS},
    "RidgeCV, an alpha for each target": "RidgeCV",
    "ridge, one alpha": "one alpha",
    "chemotools: SNV, derivative, PLS": "chemotools",
}  # for a cell; the others are short


class Report(NamedTuple):
    """What the tools have left of a set."""

    schemes: list  # "row" or "given folds", and "site" where there are sites
    measures: pd.Series  # of (scheme, target): R², the mean over repeats
    nested: pd.DataFrame  # (n_targets, tuned or not and scheme)
    peers: pd.DataFrame  # (n_models, target and scheme), our methods the first


def published(folder):
    """Yield (set, target, R², model) of every published figure, best first within a set."""
    stats = pd.read_csv(folder / "yamsys_soil" / "published_model_stats.csv").sort_values("r2")[::-1]
    for target, r2 in zip(stats["response"], stats["r2"], strict=True):
        if not target.startswith(TRANSFORMED):
            yield "yamsys_soil", target, r2, "PLS"
    results = pd.read_csv(folder / "limesoda_mir" / "published_results.csv")
    for name, known_as in LIMESODA.items():
        of_set = results[results["Dataset"] == known_as].sort_values("R2", ascending=False)
        for _, best in of_set.drop_duplicates("Property").iterrows():
            yield name, best["Property"], best["R2"], best["learning_algorithm"]


def read(reports, name, file, tool):
    """A table that a tool has left of a set; a DataError where it has not been run on it."""
    path = reports / f"{name}_full" / file
    if not path.exists():
        raise preprocess.DataError(path.parent, f"found no {file}", remedy=f"run {tool} on the file before")
    return pd.read_csv(path)


def read_peers(reports, name):
    """What tools.validate --peers has left of a set, (n_models, target and scheme), our methods the first."""
    return read(reports, name, "peers.csv", "tools.validate --peers").set_index("model")


def read_report(reports, name):
    """The Report of a set; a DataError where a tool has not been run on it."""
    measures = read(reports, name, "measures.csv", "tools.validate")
    nested = read(reports, name, "tune_nested.csv", "tools.tune --nested")
    found = measures["held out by"].unique()
    return Report(
        [found[0], *(scheme for scheme in found if scheme == SITE)],
        measures.set_index(["held out by", "target"])["R2"],
        nested.set_index("target"),
        read_peers(reports, name),
    )


def cells(report, target):
    """Default, default on one repeat, tuned and the best peer, each by row / by site.

    Parameters
    ----------
    report : Report
    target : str
        validate.OVERALL is the mean over targets.

    Returns
    -------
    list of str
    """
    overall = target == OVERALL
    nested = report.nested.loc[TUNED_MEAN if overall else target]
    peers = report.peers.drop(list(METHODS))
    best = [peers[f"{'R2' if overall else target} by {scheme}"] for scheme in report.schemes]
    return [
        " / ".join(f"{report.measures[scheme, target]:.3f}" for scheme in report.schemes),
        *(
            " / ".join(f"{nested[f'{which}, by {scheme}']:.3f}" for scheme in report.schemes)
            for which in ("present", "tuned")
        ),
        " / ".join(f"{r2.max():.3f} {SHORT.get(r2.idxmax(), r2.idxmax())}" for r2 in best),
    ]


def target_table(folder, reports, every=False):
    """Lines of the table of targets with a published figure, and of each set's mean over all targets."""
    found = {name: read_report(reports, name) for name in SETS}
    rows = [
        [f"{SETS[name]} {target}", *cells(found[name], target), f"{r2:.3f} {model}"]
        for name, target, r2, model in published(folder)
        if every or name in LIMESODA or target in SHOWN
    ]
    for name, report in found.items():
        n_targets = len(report.measures[report.schemes[0]]) - 1
        rows.append([f"{SETS[name]}, mean of {n_targets} targets", *cells(report, OVERALL), ""])
    yield from markdown(HEADER, rows)


def peer_table(reports):
    """Lines of the table of models: mean R² by row / by site of each set, and seconds a fold."""
    found = {name: read_peers(reports, name) for name in SETS}
    rows = []
    for model in next(iter(found.values())).index:
        row = [SHORT[model] if model in METHODS else model]
        for peers in found.values():
            line = peers.loc[model]
            row.append(" / ".join(f"{line[f'R2 by {scheme}']:.3f}" for scheme in schemes_of(peers)))
            row.append(f"{line['seconds a fold']:.2g}")
        rows.append(row)
    header = [cell for name in SETS.values() for cell in (name, "s a fold")]
    yield from markdown(["mean R², by row / by site", *header], rows)


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with yamsys_soil and limesoda_mir")
    parser.add_argument(
        "--reports", type=Path, default=Path("reports"), help="folder of the reports (%(default)s)"
    )
    parser.add_argument("--all", action="store_true", help="all targets of yamsys with a published figure")
    parser.add_argument(
        "--peers", action="store_true", help="each model's mean R² and seconds a fold instead"
    )
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    if arguments.peers:
        lines = peer_table(arguments.reports)
    else:
        lines = target_table(arguments.data, arguments.reports, arguments.all)
    print("\n".join(lines))


if __name__ == "__main__":
    command.run(main, "tools.validate.published")
