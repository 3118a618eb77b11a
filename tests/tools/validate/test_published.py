"""python -m tools.validate.published: each figure stands where it should."""

import pandas as pd
import pytest

import preprocess
from mdl import METHODS
from tests.conftest import REAL
from tools.validate import published
from tools.validate.measures import OVERALL


def leave_reports(folder, targets, schemes, overall):
    """What the tools leave of a set, with R² that tell where each figure of the table comes from."""
    folder.mkdir(parents=True)
    of_site = {scheme: 0.1 * place for place, scheme in enumerate(schemes)}  # less by site
    lines = [
        {"held out by": scheme, "target": target, "R2": r2 - less}
        for scheme, less in of_site.items()
        for target, r2 in [*((target, 0.5) for target in targets), (OVERALL, overall)]
    ]
    pd.DataFrame(lines).to_csv(folder / "measures.csv", index=False)
    nested = {"target": [*targets, "score"]}
    peer = {"model": [*METHODS, "PLS", "SVR"], "seconds a fold": [0.01, 0.02, 0.03, 0.5, 2]}
    for scheme, less in of_site.items():
        nested[f"present, by {scheme}"] = 0.55 - less
        nested[f"tuned, by {scheme}"] = 0.6 - less
        best = [0.9, 0.91, 0.92, 0.3, 0.7] if less == 0 else [0.9, 0.91, 0.92, 0.4, 0.2]
        peer |= {f"{target} by {scheme}": best for target in targets} | {f"R2 by {scheme}": best}
    pd.DataFrame(nested).to_csv(folder / "tune_nested.csv", index=False)
    pd.DataFrame(peer).to_csv(folder / "peers.csv", index=False)


@pytest.fixture
def reports(here):
    """Reports of the four sets, two of them with sites."""
    if not REAL.exists():
        pytest.skip("the real spectra are not here: %s" % REAL)
    known = {"peat_redoxpeat": ["Ca", "Cu"]}
    for name, target, _, _ in published.published(REAL):
        known.setdefault(name, []).append(target)
    for name, targets in known.items():
        schemes = ["given folds"] if name in published.LIMESODA else ["row", "site"]
        leave_reports(here / "reports" / f"{name}_full", targets, schemes, overall=0.45)


def test_the_table_beside_the_published_figures_says_what_the_reports_say(reports, capsys):
    published.main([str(REAL)])
    said = capsys.readouterr().out.splitlines()
    by_both = "0.500 / 0.400 | 0.550 / 0.450 | 0.600 / 0.500 | 0.700 SVR / 0.400 PLS"
    assert said[2] == f"| yamsys Al_tot | {by_both} | 0.972 PLS |"
    assert "| H_138 SOC | 0.500 | 0.550 | 0.600 | 0.700 SVR | 0.915 SVR |" in said
    assert f"| peat, mean of 2 targets | {by_both.replace('0.500 / 0.400', '0.450 / 0.350', 1)} |  |" in said
    assert len(said) == 2 + 14 + 6 + 4
    assert not any("ex_Ca" in line for line in said)
    published.main([str(REAL), "--all"])
    assert f"| yamsys ex_Ca | {by_both} | 0.806 PLS |" in capsys.readouterr().out.splitlines()


def test_no_figure_by_row_stands_without_the_one_by_site(reports, capsys):
    for options in [[], ["--all"], ["--peers"]]:
        published.main([str(REAL), *options])
        for line in capsys.readouterr().out.splitlines()[2:]:
            name, *cells = line.strip("| ").split(" | ")
            if "--peers" in options:
                assert " / " in cells[0] and " / " in cells[-2]  # yamsys and peat
            elif name.startswith(("yamsys", "peat")):
                assert all(" / " in cell for cell in cells[:4])


def test_the_table_of_peers_has_each_models_mean_and_time(reports, capsys):
    published.main([str(REAL), "--peers"])
    said = capsys.readouterr().out.splitlines()
    assert said[2].startswith("| ours, ridge | 0.900 / 0.900 | 0.01 | 0.900 | 0.01 |")
    assert said[4].startswith("| ours, kernel | 0.920 / 0.920 | 0.03 |")
    assert said[6] == "| SVR | 0.700 / 0.200 | 2 | 0.700 | 2 | 0.700 | 2 | 0.700 / 0.200 | 2 |"


def test_a_tool_that_was_not_run_is_named(reports, here):
    (here / "reports" / "peat_redoxpeat_full" / "peers.csv").unlink()
    with pytest.raises(preprocess.DataError, match=r"peat_redoxpeat_full: found no peers.csv; run tools.v"):
        published.main([str(REAL)])
