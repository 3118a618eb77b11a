"""tools/demo_data/rock.py: assays of the rock, hole by hole."""

import numpy as np
import pandas as pd
import pytest

import preprocess
from tools.demo_data import holes, minerals, rock
from tools.demo_data.tables import MINERALS


@pytest.fixture(scope="module")
def frame():
    return pd.concat(holes.blocks())


def test_without_scatter_an_assay_is_what_the_formulas_say():
    class Still:
        def standard_normal(self, shape):
            return np.zeros(shape)

    half = np.zeros((1, len(MINERALS)))
    half[0, MINERALS.index.get_indexer(["quartz", "chalcopyrite"])] = 0.5
    content = rock.assay(Still(), half, minerals.element_table())[0]
    content = dict(zip(preprocess.TARGETS, content, strict=True))
    assert content["CuPPM"] == pytest.approx(0.5e6 * 63.546 / 183.511, rel=1e-5)
    assert content["FePCT"] == pytest.approx(50 * 55.845 / 183.511, rel=1e-5)
    assert content["TePPB"] == pytest.approx(0.5 * 20 * 1000)  # 20 ppm of tellurium in chalcopyrite
    assert content["KPPM"] == 50  # half of the detection limit of 100


def test_samples_follow_each_other_down_each_hole(frame):
    for _, samples in frame.groupby("SiteID"):
        assert (samples.DepthFrom.to_numpy()[1:] == samples.DepthTo.to_numpy()[:-1]).all()


def test_concentrations_are_skewed_and_holes_differ(frame):
    targets = frame[list(preprocess.TARGETS)]
    assert (targets.skew() > 0.1).mean() > 0.9
    between = targets.groupby(frame.SiteID).mean().var() / targets.var()
    assert (between > 0.05).all()
