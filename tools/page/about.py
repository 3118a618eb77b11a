"""What a model was trained on, in words; and whether that is synthetic."""

import os

from recore.tables import file_sum
from tools.report.study import DEMO, source_of
from tools.spectra import demo_file


def told(folder, description):
    """'soil: trained on soil.csv, 94 spectra, 31 targets; sha256 4b06a2aa6b7d'."""
    training = description["training"]
    name = os.path.basename(os.path.abspath(folder))
    rows = f"{training['rows']:,} spectra, " if "rows" in training else ""
    file = training.get("file", "an unknown file")
    return f"Model {name}: trained on {file}, {rows}{len(description['targets'])} targets; sha256 {description['sha256'][:12]}"


def synthetic(description):
    """Whether a model was trained on the demo data that lie here."""
    path = demo_file()
    there = os.path.exists(path) and file_sum(path) == description["training"].get("sha256")
    return there and source_of(path) == DEMO
