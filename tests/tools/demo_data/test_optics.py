"""tools/demo_data/optics.py: bands where they were measured, and a tail of noise."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict

import preprocess
from tests.conftest import REAL
from tools.demo_data import holes, optics

WAVENUMBERS = np.arange(430.0, 3998.0)  # cm-1
SMALL = 350  # channels


@pytest.fixture(scope="module")
def frame():
    return pd.concat(holes.blocks())


def of(name):
    names, absorption = optics.mineral_spectra(WAVENUMBERS)
    return absorption[names.index(name)]


def tops(name):
    spectrum = of(name)
    inner = spectrum[1:-1]
    return WAVENUMBERS[1:-1][(inner > spectrum[:-2]) & (inner >= spectrum[2:])]


@pytest.mark.parametrize(
    ("mineral", "centres"),
    [
        ("quartz", [1085, 798, 779, 695, 1995, 1870, 1790]),
        ("calcite", [1420, 875, 712, 2515]),
        ("dolomite", [1440, 881, 729]),
        ("kaolinite", [3695, 3620, 1033, 913]),
        ("gypsum", [3545, 3405, 1621]),
        ("muscovite", [3628, 1025]),
        ("goethite", [890, 797]),
    ],
)
def test_minerals_absorb_where_the_literature_has_their_bands(mineral, centres):
    for centre in centres:
        assert abs(tops(mineral) - centre).min() <= 8, centre


@pytest.mark.parametrize(
    ("measured", "mineral"),
    [
        ("kaolinite", "kaolinite"),
        ("montmorillonite", "montmorillonite"),
        ("illite", "muscovite"),
        ("dolomite_o", "dolomite"),
        ("CaSO4_alpha", "anhydrite"),
        ("water_liquid", "water"),
    ],
)
def test_strong_bands_stand_where_optical_constants_were_measured(measured, mineral):
    path = REAL / "mineral_endmembers" / "nk_grid2cm.csv.gz"
    if not path.exists():
        pytest.skip(f"the measured optical constants are not here: {path}")
    table = pd.read_csv(path).query("material == @measured and wavenumber_cm1 > 640")
    alpha = table.alpha_per_cm.to_numpy()
    tallest_around = table.alpha_per_cm.rolling(17, center=True, min_periods=1).max().to_numpy()
    strong = table.wavenumber_cm1[(alpha == tallest_around) & (alpha > 0.15 * alpha.max())]
    assert (strong > 770).any()
    for centre in strong[strong > 770]:
        assert abs(tops(mineral) - centre).min() <= 25, centre  # cm-1; the tables go in steps of 10


@pytest.mark.parametrize("mineral", ["pyrite", "chalcopyrite", "bornite", "galena", "molybdenite"])
def test_sulphides_have_no_bands_and_darken_where_quartz_is_clear(mineral):
    assert not len(tops(mineral))
    assert of(mineral)[WAVENUMBERS > 2300].min() > 10 * of("quartz")[WAVENUMBERS > 2300].max()


def test_a_band_is_half_as_high_at_half_its_width():
    assert optics.band(np.array([990.0, 1000.0, 1010.0]), 1000, 20) == pytest.approx([0.5, 1, 0.5])


def test_reflectance_solves_the_equation_of_kubelka_and_munk():
    absorption = np.logspace(-6, 6, 100)
    reflectance = optics.diffuse_reflectance(absorption)
    assert (1 - reflectance) ** 2 / (2 * reflectance) == pytest.approx(absorption, rel=1e-6)


def test_spectra_are_absorbances_of_a_powder_before_the_tail(frame):
    spectra = frame.iloc[:, 3:-49].to_numpy()[:, :-300]
    assert np.quantile(spectra, 0.001) > 0 and np.quantile(spectra, 0.999) < 2
    assert (spectra.max(axis=1) > 1).all()


def test_the_tail_is_noisier_than_the_rest_and_worst_at_its_end(frame):
    spectra = frame.iloc[:, 3:-49].to_numpy()
    noise = np.median(np.abs(np.diff(spectra, 3)), axis=0)  # bands are smooth over four channels
    rest, first, middle, last = (np.median(part) for part in (noise[:-300], *np.split(noise[-300:], 3)))
    assert rest < first < middle < last
    assert last > 10 * rest
    assert np.median(spectra[:, -300:].max(axis=1) / spectra[:, :-300].max(axis=1)) > 5
    assert (spectra[:, -300:-100].max(axis=1) < 2).all()


def score(frame, end):
    """Cross-validated R2, averaged over well predicted targets, by the method with another range."""
    spectra, targets = frame.iloc[:, 3:-49].to_numpy(), frame[["CuPPM", "AlPPM", "KPPM", "SPPM", "TiPPM"]]
    reference = spectra[:, :end]
    low, high = reference.min(axis=1, keepdims=True), reference.max(axis=1, keepdims=True)
    features = preprocess.window_sums(np.clip(spectra, low, high) / high, 7)
    model = RidgeCV(alphas=np.logspace(-5, 5, 20), alpha_per_target=True)
    return r2_score(
        targets, cross_val_predict(model, features, targets, cv=KFold(4, shuffle=True, random_state=0))
    )


def test_the_range_must_end_before_the_end_of_the_tail(frame):
    scores = {end: score(frame[:600], end) for end in (-300, -100, -1)}
    assert scores[-300] > 0.8
    assert scores[-100] == pytest.approx(scores[-300], abs=0.02)
    assert scores[-1] < scores[-300] - 0.1


def test_another_number_of_channels_measures_the_same_rock():
    coarse, fine = (pd.concat(holes.blocks(60, channels)) for channels in (SMALL, 2000))
    columns = ["DepthTo", "SiteID", "DepthFrom", *preprocess.TARGETS]
    pd.testing.assert_frame_equal(coarse[columns], fine[columns])


@pytest.mark.parametrize("channels", [301, 350, 600, 1700, 3400])
def test_the_tail_is_300_channels_or_their_share_of_fewer(channels):
    beam = optics.beam(channels)
    assert (beam < 1).sum() == min(300, round(channels * 300 / 1700))
    assert (beam[: channels - 300] == 1).all()
    assert beam[-1] == pytest.approx(10**-4.5)
