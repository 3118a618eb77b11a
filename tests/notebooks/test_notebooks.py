"""notebooks/: every percent script runs, and says what its text says it shows."""

import os
import re
import runpy
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from jupyter_client.manager import start_new_kernel

from mdl import ZeroClippedRidgeCV
from tests.conftest import REAL, ROOT, channels_of, make_table, write
from tools.demo_data import files, holes, optics
from tools.tune.search import SEARCH_ALPHAS

sys.path.insert(0, str(ROOT / "notebooks"))  # as Python does for a notebook that it runs

import look

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.py"))


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """A file whose sites are marked in their spectra, so that by row there is something to leak."""
    table = make_table(rows=120, targets=("Al_tot", "Ca_tot", "Cu_tot", "Fe_tot", "Mg_tot"))
    channels, rng = channels_of(table), np.random.default_rng(0)
    marks = rng.normal(0, 0.05, (15, len(channels)))
    table[channels] = 1 + 0.05 * table[channels] + marks[table["SiteID"] - 1]
    return str(write(table, tmp_path_factory.mktemp("marked") / "public.csv.gz"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Eleven holes of the demo data."""
    path = tmp_path_factory.mktemp("demo") / "public.csv.gz"
    files.write(path, holes.blocks(rows=600))
    return path


def run(name, path):
    """What a notebook has found in a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(look, "FILE", str(path))
        found = runpy.run_path(str(FOLDER / name))
    plt.close("all")
    return found


@pytest.fixture(scope="module")
def explored(demo):
    return run("01_spectra.py", demo)


@pytest.fixture(scope="module")
def coefficients(demo):
    return run("03_coefficients.py", demo)


def cells(path):
    """Kind, " [markdown]" or "", and text of each cell."""
    _, *parts = re.split(r"^# %%( \[markdown\])?$\n", path.read_text(encoding="utf-8"), flags=re.M)
    return [(kind or "", text) for kind, text in zip(parts[::2], parts[1::2])]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_any_folder_and_each_cell_of_code_has_its_claim(path, marked, tmp_path):
    kinds = [kind for kind, _ in cells(path)]
    assert kinds == [" [markdown]", ""] * (len(kinds) // 2)
    environment = {**os.environ, "SPECTRA": marked}
    environment.pop("PYTHONPATH", None)
    command = [sys.executable, "-W", "error", str(path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr and len(done.stdout.splitlines()) >= 3, done.stderr


def test_a_notebook_runs_cell_by_cell_in_a_kernel_beside_it(marked):
    """As the editor runs it: no __file__, the notebook's folder the current one."""
    environment = {**os.environ, "SPECTRA": marked}
    manager, client = start_new_kernel(cwd=str(FOLDER), env=environment)
    try:
        replies = [
            client.execute_interactive(text, timeout=60, output_hook=lambda message: None)
            for kind, text in cells(FOLDER / "02_validation.py")
            if not kind
        ]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert [reply["content"]["status"] for reply in replies] == ["ok"] * 4


def test_validation_shows_the_leak_and_that_clipping_never_costs(marked):
    shown = run("02_validation.py", marked)
    assert shown["leak"]["row"] > 0.5 > 0.2 > shown["leak"]["site"]
    assert shown["gain"].min() > -1e-9  # rounding
    assert (shown["r2"]["row"] > 0.5).all()


# --- 01_spectra ---------------------------------------------------------------------


def test_the_file_is_told_as_it_was_made(explored):
    np.testing.assert_allclose(explored["file"].channels, optics.axis(), atol=1e-3)
    assert explored["falls"] and explored["uneven"] < 1e-3
    assert explored["counts"].sum() == explored["n_rows"] == 600
    assert explored["n_windows"] == -(-optics.CHANNELS // 7) == 243


def test_samples_of_one_hole_resemble_each_other(explored):
    assert explored["within"] < 0.9 * explored["between"]


def test_shuffled_sites_do_not_resemble_themselves(demo, tmp_path):
    """The same cell on sites that mean nothing: what it shows is not its own making."""
    read = pd.read_csv(demo, index_col=0, nrows=300)
    read["SiteID"] = np.random.default_rng(0).permutation(read["SiteID"])
    found = run("01_spectra.py", write(read, tmp_path / "shuffled.csv.gz"))
    assert found["within"] == pytest.approx(found["between"], rel=0.02)


def test_no_single_channel_tells_copper(explored):
    assert explored["target"] == "CuPPM" and explored["wide"] > 0.3
    assay, scaled = explored["assay"], explored["scaled"][:, explored["in_range"]]
    best = max(np.corrcoef(channel, assay)[0, 1] ** 2 for channel in scaled.T)
    assert explored["explained"].max() == pytest.approx(best)
    assert best + 0.1 < explored["together"].min()


def test_scaling_takes_away_gain_and_no_baseline(explored):
    assert explored["gained"] > 1.5 * explored["before"]
    assert explored["after"] == pytest.approx(explored["of_file"], rel=1e-9)
    assert explored["moved"]["gain"] < 1e-9 < 0.01 < explored["moved"]["baseline"]


def test_noise_is_what_the_detector_was_given_and_the_tail_has_most(explored):
    flat = slice(500, 900)  # 2,950 to 2,100 cm-1, nearly no bands, the whole beam
    given = optics.NOISE / np.log(10) * 10.0 ** explored["file"].spectra[:, flat]
    expected = np.sqrt((given**2).mean(axis=0))
    assert np.median(explored["noise"][flat] / expected) == pytest.approx(1, abs=0.05)
    assert explored["tail"] > 10 * explored["inside"]
    everywhere, present, _ = explored["by_range"].values()
    assert (present.mean(axis=1) > everywhere.mean(axis=1) + 0.05).all()


def test_windows_lessen_noise_by_the_root_of_their_width_and_keep_the_bands(explored):
    assert explored["quieter"] == pytest.approx(np.sqrt(7), rel=0.01)
    assert explored["kept"] > 0.97


# --- 03_coefficients ----------------------------------------------------------------


def test_the_activation_pattern_is_the_covariance_with_the_prediction_and_smooth(coefficients):
    file, model = coefficients["file"], coefficients["model"]
    at = coefficients["targets"].index("AlPPM")
    predicted = file.X @ model.coef_[at]
    expected = [np.cov(window, predicted)[0, 1] for window in file.X.T]
    np.testing.assert_allclose(
        coefficients["patterns"][0], expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max()
    )
    for b, a in coefficients["smooth"].values():
        assert b < 0.5 < 0.9 < a
    for b, a in coefficients["alike"].values():
        assert b < 0.5 < 0.9 < a


def test_bands_of_its_minerals_tell_more_of_an_element_than_windows_elsewhere(coefficients):
    for name in ("AlPPM", "CaPPM", "MgPPM"):
        (only, without), elsewhere = coefficients["carried"][name][0], coefficients["carried"][name][1:, 0]
        whole = coefficients["whole"][:, coefficients["targets"].index(name)]
        assert (only > elsewhere.mean(axis=0)).all()
        assert (without > whole - 0.05).all()


def test_calcium_rises_and_aluminium_falls_with_the_carbonates(coefficients):
    carbonates = coefficients["bands"].query("motion == 'CO3 stretch' and mineral != 'malachite'")[
        "centre_cm1"
    ]
    for name, rises in (("CaPPM", True), ("AlPPM", False)):
        at = coefficients["file"].windows[coefficients["strongest"][name]]
        assert carbonates.min() - 20 < at < carbonates.max() + 20
        assert coefficients["rises"][name] is rises


def test_malachites_bands_tell_no_more_of_copper_than_windows_elsewhere(coefficients):
    assert coefficients["banded"]["CuPPM"] == ["malachite"]
    own, elsewhere = coefficients["carried"]["CuPPM"][0], coefficients["carried"]["CuPPM"][1:]
    assert (own[0] < elsewhere[:, 0].max(axis=0)).all()
    assert np.abs(own[1] - elsewhere[:, 1].mean(axis=0)).max() < 0.02


def test_any_part_of_the_axis_can_be_left_out_but_none_is_enough(coefficients):
    assert coefficients["loss"].max() < 0.05
    assert (coefficients["alone"].max(axis=0) < coefficients["everything"] - 0.1).all()


def test_copper_is_more_than_the_major_elements_in_the_demo_data(coefficients):
    spectra, majors, left_open = (scores[:, 0] for scores in coefficients["explained"].values())
    assert (spectra > majors + 0.2).all()
    assert (left_open > 0.2).all() and (left_open < spectra).all()


def test_copper_is_the_major_elements_in_real_soils():
    path = REAL / "yamsys_soil" / "yamsys_soil_full.csv.gz"
    if not path.exists():
        pytest.skip("the real spectra are not here: %s" % path)
    explained = run("03_coefficients.py", path)["explained"]
    assert (list(explained.values())[2] < 0.05).all()


# --- files of other kinds -----------------------------------------------------------


@pytest.mark.parametrize("name", ["01_spectra.py", "03_coefficients.py"])
def test_a_file_without_sites_depths_and_copper_is_said_to_be_one(name, tmp_path, capsys):
    table = make_table(rows=40, targets=("SOC", "clay")).drop(columns=["SiteID", "DepthFrom", "DepthTo"])
    run(name, write(table, tmp_path / "soil.csv"))
    said = capsys.readouterr().out.splitlines()
    expected = {
        "01_spectra.py": ["no SiteID: nothing to compare", "no CuPPM: SOC stands for it"],
        "03_coefficients.py": [
            "SOC: no mineral of tools/demo_data/bands.csv holds it, no band to compare",
            "no copper, or no major elements beside it, among the targets: nothing to show",
        ],
    }
    assert set(expected[name]) <= set(said)


@pytest.mark.parametrize(
    "name, told", [("private.csv", r"found 0 targets .* give another file"), ("none.csv", "not found")]
)
def test_a_file_that_cannot_be_looked_at_ends_in_one_line(name, told, tmp_path):
    write(make_table(rows=10, targets=()), tmp_path / "private.csv")
    with pytest.raises(SystemExit, match=told) as end:
        look.read(str(tmp_path / name))
    assert "\n" not in str(end.value)


def test_r2_in_closed_form_is_that_of_the_model(demo):
    file = look.read(str(demo))
    Y = file.Y[:, :3]
    found = look.r2(file.X, Y, file.sites)
    for groups, by in zip((None, file.sites), found):
        model = ZeroClippedRidgeCV(SEARCH_ALPHAS).fit(file.X, Y, groups=groups)
        np.testing.assert_allclose(by, model.cv_r2_, rtol=1e-6)
    assert look.told(found) == f"{found[0].mean():.3f} by row, {found[1].mean():.3f} by site"
