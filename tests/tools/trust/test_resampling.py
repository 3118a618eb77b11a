"""python -m tools.trust.resampling: what it measures."""

import numpy as np
import pytest

from preprocess import DataError
from recore import channels
from tests.conftest import make_table, write
from tools.trust import resampling


def test_a_grid_covers_the_range_of_the_axis_and_no_more():
    axis = 3999.3 - 2.1 * np.arange(1600)
    for way in (1, -1):
        grid = resampling.on_grid(axis[::way], 4)
        assert grid[0] == axis[::way][0] and grid[-1] == axis[::way][-1]
        assert (np.diff(grid) * -way > 0).all() and channels.step(grid) == 4


def test_predictions_move_more_the_coarser_the_grid(real_table, capsys):
    if "H_138" in real_table.name:
        pytest.skip("its axis is too coarse for these grids")
    resampling.main([str(real_table), "--steps", "2,8"])
    first, *_, fine, coarse = capsys.readouterr().out.strip().splitlines()
    assert "spectra train" in first
    fine, coarse = ([float(cell) for cell in line.split("|")[2:5]] for line in (fine, coarse))
    assert fine[0] <= fine[1] <= fine[2] and 0 < fine[1] < coarse[1] < 1


def test_channels_without_numbers_have_no_other_grid(tmp_path):
    table = make_table(rows=10)
    names = {name: f"a{k}" for k, name in enumerate(table.columns[3:-49], 1)}
    with pytest.raises(DataError, match="found channels without numbers"):
        resampling.main([str(write(table.rename(columns=names), tmp_path / "a.csv"))])
