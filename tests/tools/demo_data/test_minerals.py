"""tools/demo_data/minerals.py: what the formulas and the handbooks say."""

import pandas as pd
import pytest

import preprocess
from tools.demo_data import minerals, optics, rock


def test_quartz_is_46_74_percent_silicon():
    quartz = minerals.composition("SiO2")
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
    assert 100 * minerals.composition(formula)[element] == pytest.approx(percent, abs=0.01)


def test_elements_of_every_formula_sum_to_one():
    for formula, _, _ in minerals.MINERALS.values():
        assert sum(minerals.composition(formula).values()) == pytest.approx(1, abs=1e-12)


def test_the_element_table_has_a_host_for_each_target_and_traces_below_a_few_percent():
    table = minerals.element_table()
    assert tuple(table) == preprocess.TARGETS
    assert list(table.index) == list(minerals.MINERALS)
    assert (table.max() > 0).all()
    assert (table >= 0).all(axis=None)
    assert (table.sum(axis=1) < 1.05).all()


def test_tables_name_only_minerals_that_exist():
    known = set(minerals.MINERALS)
    assert {row[0] for row in minerals.entries(minerals.HOSTS)} == set(preprocess.TARGETS)
    for _, _, _, *hosts in minerals.entries(minerals.HOSTS):
        assert set(minerals.parts(hosts)) <= known
    for _, *shares in minerals.entries(rock.ZONES):
        assert set(minerals.parts(shares)) <= known
    assert set(pd.read_csv(optics.BANDS).mineral) <= known
