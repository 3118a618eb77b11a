"""tools/demo_data.py: the format, the mineralogy and the tail of the synthetic file."""

import gzip
import os
import signal
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from conftest import REAL, ROOT
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict

import preprocess
from tools import demo_data

WAVENUMBERS = np.arange(430.0, 3998.0)  # cm-1
SMALL = 350  # channels


@pytest.fixture(scope="module")
def frame():
    return pd.concat(demo_data.blocks())


def write(path, *arguments):
    demo_data.main(["--output", str(path), "--rows", "100", "--channels", str(SMALL), *arguments])
    return path


def of(name):
    names, absorption = demo_data.mineral_spectra(WAVENUMBERS)
    return absorption[names.index(name)]


def tops(name):
    spectrum = of(name)
    inner = spectrum[1:-1]
    return WAVENUMBERS[1:-1][(inner > spectrum[:-2]) & (inner >= spectrum[2:])]


# --- stoichiometry ------------------------------------------------------------------


def test_quartz_is_46_74_percent_silicon():
    quartz = demo_data.composition("SiO2")
    assert quartz["Si"] == pytest.approx(28.085 / (28.085 + 2 * 15.999), rel=1e-12)
    assert quartz["Si"] == pytest.approx(0.4674, abs=5e-5)


@pytest.mark.parametrize(
    ("formula", "element", "percent"),
    [
        ("CaCO3", "Ca", 40.04),
        ("CaMg(CO3)2", "Mg", 13.18),
        ("CuFeS2", "Cu", 34.63),
        ("FeS2", "S", 53.45),
        ("Ca5(PO4)3F", "P", 18.43),
        ("KAl3Si3O10(OH)2", "K", 9.82),
        ("CaSO4(H2O)2", "S", 18.62),
        ("KFe3(SO4)2(OH)6", "Fe", 33.45),
    ],
)
def test_elements_of_minerals_are_the_handbooks(formula, element, percent):
    assert 100 * demo_data.composition(formula)[element] == pytest.approx(percent, abs=0.01)


def test_elements_of_every_formula_sum_to_one():
    for formula, _, _ in demo_data.MINERALS.values():
        assert sum(demo_data.composition(formula).values()) == pytest.approx(1, abs=1e-12)


def test_the_element_table_has_a_host_for_each_target_and_traces_below_a_few_percent():
    table = demo_data.element_table()
    assert tuple(table) == preprocess.TARGETS
    assert list(table.index) == list(demo_data.MINERALS)
    assert (table.max() > 0).all()
    assert (table >= 0).all(axis=None)
    assert (table.sum(axis=1) < 1.05).all()


def test_tables_name_only_minerals_that_exist():
    known = set(demo_data.MINERALS)
    assert {row[0] for row in demo_data.entries(demo_data.HOSTS)} == set(preprocess.TARGETS)
    for _, _, _, *hosts in demo_data.entries(demo_data.HOSTS):
        assert set(demo_data.parts(hosts)) <= known
    for _, *minerals in demo_data.entries(demo_data.ZONES):
        assert set(demo_data.parts(minerals)) <= known
    assert set(pd.read_csv(demo_data.BANDS).mineral) <= known


def test_without_scatter_an_assay_is_what_the_formulas_say(monkeypatch):
    class Still:
        def standard_normal(self, shape):
            return np.zeros(shape)

    half = np.zeros((1, len(demo_data.MINERALS)))
    half[0, [list(demo_data.MINERALS).index(name) for name in ("quartz", "chalcopyrite")]] = 0.5
    content = demo_data.assay(Still(), half, demo_data.element_table())[0]
    content = dict(zip(preprocess.TARGETS, content, strict=True))
    assert content["CuPPM"] == pytest.approx(0.5e6 * 63.546 / 183.511, rel=1e-5)
    assert content["FePCT"] == pytest.approx(50 * 55.845 / 183.511, rel=1e-5)
    assert content["TePPB"] == pytest.approx(0.5 * 20 * 1000)  # 20 ppm of tellurium in chalcopyrite
    assert content["KPPM"] == 50  # half of the detection limit of 100


# --- spectra ------------------------------------------------------------------------


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
    assert demo_data.band(np.array([990.0, 1000.0, 1010.0]), 1000, 20) == pytest.approx([0.5, 1, 0.5])


def test_reflectance_solves_the_equation_of_kubelka_and_munk():
    absorption = np.logspace(-6, 6, 100)
    reflectance = demo_data.diffuse_reflectance(absorption)
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
    features = preprocess.window_sums(np.clip(spectra, low, high) / high)
    model = RidgeCV(alphas=np.logspace(-5, 5, 20), alpha_per_target=True)
    return r2_score(
        targets, cross_val_predict(model, features, targets, cv=KFold(4, shuffle=True, random_state=0))
    )


def test_the_range_must_end_before_the_end_of_the_tail(frame):
    scores = {end: score(frame, end) for end in (-300, -100, -1)}
    assert scores[-300] > 0.8
    assert scores[-100] == pytest.approx(scores[-300], abs=0.02)
    assert scores[-1] < scores[-300] - 0.1


# --- the file -----------------------------------------------------------------------


def test_columns_are_the_challenges_in_its_order(tmp_path):
    with gzip.open(write(tmp_path / "public.csv.gz"), "rt") as file:
        header = file.readline().rstrip("\n").split(",")
    assert header[:4] == ["", "DepthTo", "SiteID", "DepthFrom"]
    assert header[-49:] == list(preprocess.TARGETS)
    channels = np.array(header[4:-49], float)
    assert len(channels) == SMALL
    assert channels[0] == 3997.4 and channels[-1] == 430
    assert (np.diff(channels) < 0).all()


def test_values_have_no_gap_and_no_negative_concentration(tmp_path):
    table = pd.read_csv(write(tmp_path / "public.csv.gz"), index_col=0)
    assert list(table.index) == list(range(100))
    assert table.SiteID.dtype.kind == "i"
    assert np.isfinite(table.to_numpy()).all()
    assert (table[list(preprocess.TARGETS)] > 0).all(axis=None)
    assert (table.DepthTo > table.DepthFrom).all()


def test_samples_follow_each_other_down_each_hole(frame):
    for _, samples in frame.groupby("SiteID"):
        assert (samples.DepthFrom.to_numpy()[1:] == samples.DepthTo.to_numpy()[:-1]).all()


def test_concentrations_are_skewed_and_holes_differ(frame):
    targets = frame[list(preprocess.TARGETS)]
    assert (targets.skew() > 0.1).mean() > 0.9
    between = targets.groupby(frame.SiteID).mean().var() / targets.var()
    assert (between > 0.05).all()


def test_the_default_file_has_1344_spectra_of_1700_channels(frame):
    assert frame.shape == (1344, 3 + 1700 + 49)
    assert 10 < frame.SiteID.nunique() < 50


def test_the_pipeline_reads_the_file_as_it_is(tmp_path):
    table = preprocess.read_table(str(write(tmp_path / "public.csv.gz")))
    assert table.features.shape == (100, 50)
    assert list(table.ids) == ["DepthTo", "SiteID", "DepthFrom"]
    assert tuple(table.targets) == preprocess.TARGETS


def test_a_private_file_is_the_public_one_without_targets(tmp_path):
    public = pd.read_csv(write(tmp_path / "public.csv"), index_col=0)
    private = pd.read_csv(write(tmp_path / "private.csv", "--private"), index_col=0)
    pd.testing.assert_frame_equal(private, public.drop(columns=list(preprocess.TARGETS)))


def test_a_plain_file_holds_the_same_text(tmp_path):
    packed, plain = write(tmp_path / "public.csv.gz"), write(tmp_path / "public.csv")
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()


def test_the_gzip_header_says_synthetic_and_has_no_time(tmp_path):
    packed = write(tmp_path / "public.csv.gz").read_bytes()
    assert packed[4:8] == bytes(4)
    assert b"synthetic" in packed[:64]


def test_the_line_printed_says_synthetic(tmp_path, capsys):
    write(tmp_path / "public.csv.gz")
    printed = capsys.readouterr()
    assert printed.out.endswith("100 rows, 350 channels (synthetic spectra, not from an instrument)\n")
    assert printed.err == ""  # a bar on terminals only


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    first, again = write(tmp_path / "a.csv.gz").read_bytes(), write(tmp_path / "b.csv.gz").read_bytes()
    assert first == again
    assert write(tmp_path / "c.csv.gz", "--seed", "1").read_bytes() != first


def test_a_shorter_file_is_the_beginning_of_a_longer_one():
    long = pd.concat(demo_data.blocks(200, SMALL))
    for rows in (1, 70, 199):
        pd.testing.assert_frame_equal(pd.concat(demo_data.blocks(rows, SMALL)), long[:rows])


def test_rows_do_not_depend_on_how_they_are_split_for_writing(tmp_path):
    long = pd.concat(demo_data.blocks(100, SMALL))
    split = [long[start : start + 7] for start in range(0, 100, 7)]
    demo_data.write(tmp_path / "split.csv", split)
    assert (tmp_path / "split.csv").read_bytes() == write(tmp_path / "whole.csv").read_bytes()


def test_another_number_of_channels_measures_the_same_rock():
    coarse, fine = (pd.concat(demo_data.blocks(60, channels)) for channels in (SMALL, 2000))
    columns = ["DepthTo", "SiteID", "DepthFrom", *preprocess.TARGETS]
    pd.testing.assert_frame_equal(coarse[columns], fine[columns])


@pytest.mark.parametrize("channels", [301, 350, 600, 1700, 3400])
def test_the_tail_is_300_channels_or_their_share_of_fewer(channels):
    beam = demo_data.beam(channels)
    assert (beam < 1).sum() == min(300, round(channels * 300 / 1700))
    assert (beam[: channels - 300] == 1).all()
    assert beam[-1] == pytest.approx(10**-4.5)


def test_memory_does_not_grow_with_rows(tmp_path):
    def peak(rows):
        tracemalloc.start()
        demo_data.write(tmp_path / "public.csv", demo_data.blocks(rows, SMALL))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(100)  # what is imported and cached on first use
    assert peak(2000) < 1.2 * peak(400)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--channels", "300"], "--channels: found 300, expected at least 301"),
        (["--rows", "0"], "--rows: found 0"),
    ],
)
def test_too_small_numbers_end_in_one_line_and_no_file(tmp_path, arguments, found):
    with pytest.raises(preprocess.DataError, match=found):
        write(tmp_path / "public.csv.gz", *arguments)
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    def frames():
        yield next(demo_data.blocks(10, SMALL))
        raise OSError("disk full")

    path = tmp_path / "public.csv.gz"
    path.write_text("old")
    with pytest.raises(OSError, match="disk full"):
        demo_data.write(path, frames())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_run_leaves_the_old_file(tmp_path):
    path = tmp_path / "public.csv.gz"
    path.write_text("old")
    command = [sys.executable, "-m", "tools.demo_data", "--rows", "100000", "--output", str(path)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        for _ in range(200):
            time.sleep(0.05)
            if len(os.listdir(tmp_path)) > 1:
                break
        assert len(os.listdir(tmp_path)) > 1  # it is writing, beside
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert path.read_text() == "old"


# --- shards -------------------------------------------------------------------------


def shards(folder, *arguments):
    """The tables of a folder of 250 rows, 60 to a file."""
    settings = ["--rows", "250", "--channels", str(SMALL), "--shard-rows", "60"]
    demo_data.main(["--output", str(folder), *settings, *arguments])
    return sorted(folder.iterdir())


def test_shards_hold_the_rows_of_the_single_file(tmp_path):
    paths = shards(tmp_path / "shards")
    demo_data.main(["--output", str(tmp_path / "one.parquet"), "--rows", "250", "--channels", str(SMALL)])
    together = pd.concat([pd.read_parquet(path) for path in paths])
    assert [len(pd.read_parquet(path)) for path in paths] == [60, 60, 60, 60, 10]
    pd.testing.assert_frame_equal(together, pd.read_parquet(tmp_path / "one.parquet"))
    exact = pd.concat(demo_data.blocks(250, SMALL))
    np.testing.assert_array_equal(together.index, exact.index)
    np.testing.assert_allclose(together, exact, rtol=1e-6)  # spectra are in single precision


def test_shards_of_csv_hold_the_lines_of_the_single_file(tmp_path):
    lines = [
        gzip.decompress(path.read_bytes()).decode().splitlines()
        for path in shards(tmp_path / "shards", "--format", "csv.gz")
    ]
    demo_data.write(tmp_path / "one.csv", demo_data.blocks(250, SMALL))
    header, *rows = (tmp_path / "one.csv").read_text().splitlines()
    assert all(each[0] == header for each in lines)
    assert [row for each in lines for row in each[1:]] == rows


def test_shards_do_not_depend_on_the_number_of_processes(tmp_path):
    one, two = (shards(tmp_path / jobs, "--jobs", jobs) for jobs in ("1", "2"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_parquet_says_that_no_instrument_measured_it(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    metadata = parquet.read_schema(shards(tmp_path / "shards")[0]).metadata
    assert metadata[b"origin"].startswith(b"synthetic")
