"""Held-out R² on open soil spectra beside what their authors and others published.

    python -m tools.published ../shared/data

Reads what tools.validate, tools.validate --peers --repeats 1 and tools.tune --nested have left in
reports/ for yamsys_soil_full, limesoda_H_138_full and limesoda_NRW_62_full, the last two with the
authors' folds; prints a markdown table. "Default" is of predictions averaged over the repeats, as the
published figures are; "by site" is what remains of it at a site never seen. The three columns after it
share the folds of one repeat. The best peer is the best of seven, looked up on the rows held out, so it
is flattered. Published figures are read from the folder that holds the spectra.

yamsys: Baumann et al. 2021 (SOIL 7, 717-731), PLS, 5 × 10 folds, predictions averaged over the repeats
(as ours here), its components chosen on the folds that it reports on. LimeSoDa: Schmidinger et al.
2025, the best of MLR, SVR, random forest and CatBoost, tuned inside the training halves.
"""

import argparse
from pathlib import Path

import pandas as pd

import preprocess
from tools import validate

AVERAGED = "R2 of averaged predictions"
HEADER = "data, target|default|by site|default, one repeat|tuned, nested|best peer|published".split("|")
TRANSFORMED = "log("  # how a response begins that was not modelled as it is
LIMESODA = {"H_138": "H.138", "NRW_62": "NRW.62"}


def published(folder):
    """Yield (report's name, target, R², model) of every published figure."""
    stats = pd.read_csv(folder / "yamsys_soil" / "published_model_stats.csv")
    for target, r2 in zip(stats["response"], stats["r2"], strict=True):
        if not target.startswith(TRANSFORMED):
            yield "yamsys_soil_full", target, r2, "PLS"
    results = pd.read_csv(folder / "limesoda_mir" / "published_results.csv")
    for name, known_as in LIMESODA.items():
        of_set = results[results["Dataset"] == known_as].sort_values("R2")
        for target, part in of_set.groupby("Property", sort=False):
            best = part.iloc[-1]
            yield f"limesoda_{name}_full", target, best["R2"], best["learning_algorithm"]


def ours(reports, name, target):
    """Cells of a target: default settings, by site, then default, tuned and the best peer on one repeat."""
    folder = reports / name
    missing = [
        file for file in ("measures.csv", "tune_nested.csv", "peers.csv") if not (folder / file).exists()
    ]
    if missing:
        raise preprocess.DataError(
            f"{folder}: found no {', '.join(missing)}; run tools.validate, tools.validate --peers and "
            "tools.tune --nested on the file before"
        )
    measures = pd.read_csv(folder / "measures.csv", index_col=["held out by", "target"])
    nested = pd.read_csv(folder / "tune_nested.csv", index_col="target").loc[target]
    peers = pd.read_csv(folder / "peers.csv", index_col="model").drop(validate.OURS)
    scheme = measures.index[0][0]  # by row, or the authors' folds
    peer = peers[f"{target} by {scheme}"]
    yield f"{measures.loc[(scheme, target), AVERAGED]:.3f}"
    yield f"{measures.loc[('site', target), AVERAGED]:.3f}" if ("site", target) in measures.index else ""
    yield f"{nested[f'present, by {scheme}']:.3f}"
    yield f"{nested[f'tuned, by {scheme}']:.3f}"
    yield f"{peer.max():.3f} {peer.idxmax()}"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with yamsys_soil and limesoda_mir")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="(%(default)s)")
    arguments = parser.parse_args(argv)
    rows = [
        [
            f"{name.removesuffix('_full')} {target}",
            *ours(arguments.reports, name, target),
            f"{r2:.3f} {model}",
        ]
        for name, target, r2, model in published(arguments.data)
    ]
    print("\n".join(validate.markdown(HEADER, rows)))


if __name__ == "__main__":
    preprocess.run(main)
