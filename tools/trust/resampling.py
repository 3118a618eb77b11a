"""How far predictions move when spectra come on another grid and are interpolated.

    python -m tools.trust.resampling soil.csv
    python -m tools.trust.resampling soil.csv --steps 2,4,8

Every other spectrum trains a model; the others are put on grids of other steps over the same range, and from
there on the model's channels, as `predict.py --resample` does it. Printed: by how much of the target's RMSE
(rows left out) the predictions move, over all spectra and targets. The grids are made by interpolation, too:
they have no resolution and no noise of their own, as those of another instrument have.
"""

import numpy as np
import pandas as pd

import preprocess
import train
from recore import channels
from recore.options import Parser
from recore.predictions import predict
from recore.tables import read_table
from tools import command
from tools.output import markdown
from tools.spectra import add_table, read_spectra

STEPS = "2,4,8"  # cm-1


def on_grid(axis, step):
    """Channels over the range of an axis, (n_channels,), that many cm-1 apart, the ends as they are."""
    ends = np.sort(axis[[0, -1]])
    inside = np.arange(np.ceil(ends[0] / step) * step, ends[1], step)
    apart = np.minimum(inside - ends[0], ends[1] - inside) > step / 4
    grid = np.concatenate([ends[:1], inside[apart], ends[1:]])
    return grid if axis[0] < axis[-1] else grid[::-1]


def moved(spectra, axis, model, step):
    """By how much predictions move through a grid, in RMSE of rows left out: (n_rows, n_targets)."""
    grid = [f"{value:.6g}" for value in on_grid(channels.numbers(axis), step)]
    there, back = channels.Resampling(axis, grid, "spectra"), channels.Resampling(grid, axis, "spectra")

    def predicted(values):
        return predict(preprocess.features(pd.DataFrame(values, columns=axis)), model)

    return np.abs(predicted(back(there(spectra))) - predicted(spectra)) / model.cv_rmse_


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    add_table(parser)
    parser.add_argument("--steps", default=STEPS, help="of the grids, in cm-1 (%(default)s)")
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    table = read_table(arguments.file)
    axis, half = list(table.channels), np.arange(len(table.features)) % 2 == 0
    if channels.numbers(axis) is None:
        raise preprocess.DataError(arguments.file, "found channels without numbers", "wavenumbers")
    spectra = read_spectra(arguments.file).to_numpy()[~half]
    model = train.fit(preprocess.Table(*(frame[half] for frame in table[:3])))
    print(f"{half.sum()} spectra train, {len(spectra)} are predicted; {channels.describe(axis)}")
    rows = []
    for step in map(float, arguments.steps.split(",")):
        found = moved(spectra, axis, model, step)
        rows.append((f"{step:g}", *(f"{np.quantile(found, share):.4f}" for share in (0.5, 0.95, 1))))
    for line in markdown(["through a grid of, cm⁻¹", "median", "19 of 20", "largest"], rows):
        print(line)


if __name__ == "__main__":
    command.run(main, "tools.trust.resampling")
