"""All methods on the same folds, other models beside them where they are asked for, and which method to take."""

import numpy as np

from mdl import METHODS
from tools.output import markdown, plus_minus
from tools.validate.cross_validation import compare, ours

ALIKE = 0.01  # mean R2 that two methods may differ by and yet be as good


def schemes_of(found):
    """The names of what was held out in a table of `compare`, the hardest last."""
    begin = "R2 by "
    return [name[len(begin) :] for name in found if name.startswith(begin) and not name.endswith("±")]


def best_method(found):
    """The method to take, of those of METHODS that a table of `compare` has.

    Those that are ALIKE the best on what is hardest to predict, sites where there are such; of these the ones that
    are on the next; of these the simplest.
    """
    lines = found.set_index("model")
    left = [name for name in METHODS if name in lines.index]
    for scheme in reversed(schemes_of(found)):
        r2 = lines.loc[left, f"R2 by {scheme}"]
        left = [name for name in left if r2[name] >= r2.max() - ALIKE]
    return left[0]


def by_name(scheme):
    """How a scheme is called: 'by site'."""
    return f"by {scheme}"


def advice(found, by=by_name):
    """'take --method kernel: mean R² 0.304 by site and 0.528 by row; ridge 0.259 and 0.472, …'."""
    best, lines, schemes = best_method(found), found.set_index("model"), schemes_of(found)[::-1]

    def figures(name, words=lambda scheme: ""):
        return " and ".join(
            f"{lines.loc[name, f'R2 by {each}']:.3f} {words(each)}".strip() for each in schemes
        )

    others = ", ".join(f"{name} {figures(name)}" for name in METHODS if name in lines.index and name != best)
    alike = f"(within {ALIKE} methods count as alike, and the simpler is taken)"
    return f"take --method {best}: mean R² {figures(best, by)}; {others} {alike}"


def compared(X, targets, plan, jobs, spectra=None):
    """The table of `compare` of all methods fitted to features X and, where spectra (n, channels) are given, of peers."""
    models = ours(X)
    if spectra is not None:
        from tools.validate.peers import PEERS  # here, as the packages of the peers take seconds to load

        inputs = {"features": X, "spectra": np.asarray(spectra)}
        models |= {name: (model, inputs[what]) for name, (model, what) in PEERS.items()}
    return compare(models, targets, plan, jobs)


def lines_of(found):
    """Lines of a table of `compare`, and which method to take."""
    shown = [name for name in found if name.startswith(("R2", "official")) and not name.endswith("±")]
    rows = []
    for _, line in found.iterrows():
        cells = [plus_minus(line[name], line[f"{name} ±"]) for name in shown]
        rows.append([line["model"], *cells, f"{line['seconds a fold']:.2g}"])
    yield from markdown(["model", *shown, "seconds a fold"], rows)
    yield ""
    yield advice(found)
