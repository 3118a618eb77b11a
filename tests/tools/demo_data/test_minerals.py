"""tools/demo_data/minerals.py: what the formulas and the handbooks say."""

import pytest

import preprocess
from tools.demo_data import minerals, tables


def test_quartz_is_46_74_percent_silicon():
    quartz = minerals.composition("SiO2")
    assert quartz["Si"] == pytest.approx(28.085 / (28.085 + 2 * 15.999), rel=1e-5)
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
    for formula in tables.MINERALS["formula"]:
        assert sum(minerals.composition(formula).values()) == pytest.approx(1, abs=1e-12)


def test_the_element_table_has_a_host_for_each_target_and_traces_below_a_few_percent():
    table = minerals.element_table()
    assert tuple(table) == preprocess.TARGETS
    assert list(table.index) == list(tables.MINERALS.index)
    assert (table.max() > 0).all()
    assert (table >= 0).all(axis=None)
    assert (table.sum(axis=1) < 1.05).all()


def test_tables_name_only_minerals_and_targets_that_exist_and_each_pair_once():
    for table in (tables.BANDS, tables.ZONES, tables.TRACES):
        assert set(table["mineral"]) <= set(tables.MINERALS.index)
    assert sorted(tables.ASSAYS.index) == sorted(preprocess.TARGETS)
    assert set(tables.TRACES["target"]) <= set(preprocess.TARGETS)
    for table, pair in ((tables.ZONES, ["zone", "mineral"]), (tables.TRACES, ["target", "mineral"])):
        assert not table.duplicated(pair).any()


def test_no_number_of_a_table_is_missing_or_below_0():
    for table in (
        tables.MINERALS.drop(columns="power"),
        tables.BANDS,
        tables.ZONES,
        tables.ASSAYS,
        tables.TRACES,
    ):
        assert (table.select_dtypes("number") >= 0).all(axis=None)
