"""What minerals are made of: formulas, and traces in host minerals."""

import pandas as pd
import periodictable

from preprocess import TARGETS
from tools.demo_data.tables import MINERALS, TRACES


def composition(formula):
    """Mass fractions of the elements of a formula such as 'CaMg(CO3)2', {symbol: fraction}; they sum to 1."""
    return {str(element): part for element, part in periodictable.formula(formula).mass_fraction.items()}


def element_table():
    """Mass fractions of the targets' elements in each mineral: formula and traces.

    Returns
    -------
    DataFrame of shape (n_minerals, 49)
        Columns are TARGETS, whose units it does not follow.
    """
    elements = MINERALS["formula"].map(composition)
    formula = {target: [each.get(target[:-3], 0.0) for each in elements] for target in TARGETS}
    traces = TRACES.pivot(index="mineral", columns="target", values="ppm")
    traces = traces.reindex(index=MINERALS.index, columns=TARGETS).fillna(0.0)
    return pd.DataFrame(formula, MINERALS.index) + 1e-6 * traces
