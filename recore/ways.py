"""The ways to leave out rows: each by itself, or together with those that have its label in an id column."""

import logging

import numpy as np

import preprocess
from preprocess import DataError
from recore.store import Stored, labelled

logger = logging.getLogger("train")

ROW = "row"  # by itself
SITE = "SiteID"  # the id column by which figures are reported beside those by row


def groups_of(data, name):
    """What tells the groups of an id column apart, one for each row; a DataError where a row has no label."""
    if isinstance(data, Stored):
        return data.groups(name)
    # A caller's own labels may be numbers.
    labels = ["" if label != label else str(label) for label in data.ids[name]]
    return preprocess.label_keys(labelled(labels, name))


def ways_of(data, group):
    """What rows can be left out together by, the hardest last: {name: groups, None of single rows}."""
    ways = {ROW: None}
    for name in filter(None, [SITE if SITE in data.ids else None, group]):
        try:
            ways[name] = np.unique(groups_of(data, name), return_inverse=True)[1]
        except DataError as error:
            logger.info("no figure by %s: %s", name, error)
    return ways


def arrays_of(data):
    """Features (n, p) and assays (n, t)."""
    if isinstance(data, Stored):
        return data.read(slice(None))
    return data.features.to_numpy(), data.targets.to_numpy()
