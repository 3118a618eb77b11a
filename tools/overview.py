"""The README's figure: spectra in, and concentrations out for drill holes never seen.

    python -m tools.overview --input data/public/public.csv.gz --output docs/overview.png

Prints the mean R² of the targets, and the official score where the 49 are there, in 4-fold
cross-validation by row and by site (a drill hole is never in both halves).
"""

import argparse
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict

import preprocess
import score
from mdl import ZeroClippedRidgeCV

FOLDS = 4  # as in the challenge entry's own figures
SHOWN = ("AlPPM", "CuPPM")  # one that the spectrum shows directly, one by the minerals around it


def held_out(table, groups=None):
    """Predictions of rows that the model has not seen; (n_rows, n_targets)."""
    folds = KFold(FOLDS, shuffle=True, random_state=0) if groups is None else GroupKFold(FOLDS)
    return cross_val_predict(ZeroClippedRidgeCV(), table.features, table.targets, groups=groups, cv=folds)


def figures(table, predicted):
    """'mean R² 0.71, official score 0.69' of held-out predictions."""
    actual = table.targets.to_numpy()
    said = f"mean R² {np.nanmean(score.r2(actual, predicted)):.3f}"
    if list(table.targets) == list(score.WEIGHTS):
        said += f", official score {score.official_score(actual, predicted):.3f}"
    return said


def draw(table, by_site, source):
    """The figure."""
    axis = np.array([preprocess.number(name) for name in table.features])
    shown = [name for name in SHOWN if name in table.targets] or list(table.targets)[:2]
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.7), layout="constrained")
    rows = np.linspace(0, len(table.features) - 1, 6).astype(int)
    panels[0].plot(axis, table.features.to_numpy()[rows].T, lw=0.9)
    panels[0].set(title="in: spectra, scaled and summed", xlabel="wavenumber, cm⁻¹", ylabel="feature")
    panels[0].set_xlim(axis.max(), axis.min())
    sites = table.ids["SiteID"]
    for panel, name in zip(panels[1:], shown, strict=True):
        place = list(table.targets).index(name)
        r2 = score.r2(table.targets.to_numpy(), by_site)[place]
        panel.scatter(table.targets[name], by_site[:, place], c=sites, cmap="turbo", s=6, alpha=0.7, lw=0)
        panel.axline((0, 0), slope=1, color="0.5", lw=0.8)
        panel.set(title=f"out: {name}, unseen sites, R² {r2:.2f}", xlabel="measured", ylabel="predicted")
        panel.locator_params(nbins=5)
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle(source, fontsize=9, color="0.4", x=0.01, ha="left")
    return figure


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", default="data/public/public.csv.gz", help="spectra file (%(default)s)")
    parser.add_argument("--output", default="docs/overview.png", help="(%(default)s)")
    parser.add_argument(
        "--source", default="synthetic spectra of python -m tools.demo_data", help="(%(default)s)"
    )
    arguments = parser.parse_args(argv)
    table = preprocess.read_table(arguments.input)
    by_site = held_out(table, table.ids["SiteID"])
    print(f"4-fold by row:  {figures(table, held_out(table))}")
    print(f"4-fold by site: {figures(table, by_site)}")
    os.makedirs(os.path.dirname(arguments.output) or ".", exist_ok=True)
    draw(table, by_site, arguments.source).savefig(arguments.output, dpi=110)
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    preprocess.run(main)
