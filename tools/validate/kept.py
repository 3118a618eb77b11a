"""What held-out errors of --method views and kernel leave out: the rows held out stay in means, scales and landmarks.

    python -m tools.validate.kept soil.csv    # a line a method and what is held out

Held-out errors are exact for the coefficients. Yet slopes are standardised by the rows that are held out as well, and
their spectra stay landmarks, without an assay. Here each row, or site, is left out of that too, and both ridges are
fitted anew with the same weights of alphas: R² of both ways, and how far predictions move, in shares of the target's
RMSE. Rows without all assays, and targets with gaps in more than a tenth of the rows, are left out.
"""

import numpy as np
from sklearn.metrics import r2_score

import preprocess
from mdl import METHODS
from recore.blend import averaged_errors
from recore.columns import add_columns
from recore.options import Parser, add_group
from recore.rows import Rows
from recore.settings import add_settings
from recore.ways import SITE
from tools import command
from tools.output import markdown
from tools.spectra import add_table, read_table
from tools.validate.cross_validation import OURS, quiet

GAPS = 0.1  # share of rows without an assay, from which on a target is left out


def fitted(kind, X, Y, groups=None):
    """The data of a fit in its views, and the one Blend of targets without gaps."""
    names = [str(k) for k in range(Y.shape[1])]
    model = kind()
    model.n_features_in_ = X.shape[1]
    data = model.views(Rows(X, Y, np.ones(len(X)), groups, names, True, False), np.array(model.alphas))
    return data, next(data.problems(min(model.alphas)))


def both_ways(kind, X, Y, units):
    """Predictions (2, n, t) of units (n,), not clipped: the units kept in the views, and left out of them."""
    groups = np.unique(units, return_inverse=True)[1]
    data, blend = fitted(kind, X, Y, groups)
    grids = data.rule.grids
    weights = data.rule.choose(-data.squares(blend, None)[0].sum(axis=0))
    predicted = np.empty((2, *Y.shape))
    for at, errors in averaged_errors(blend, grids, weights, groups):
        predicted[0, at] = Y[at] - errors.T
    for group in np.unique(groups):
        out = groups == group
        others, apart = fitted(kind, X[~out], Y[~out])
        solved = zip((X[out], others.view(X[out])), apart.average(grids, weights), strict=True)
        predicted[1, out] = sum(seen @ coef.T + constant for seen, (coef, constant) in solved)
    return predicted


def lines(table, group):
    """Lines of the table."""
    some = table.targets.loc[:, table.targets.isna().mean() <= GAPS]
    whole = some.notna().all(axis=1).to_numpy()
    if not whole.any() or not len(some.columns):
        expected = f"rows with all assays, of targets with gaps in {GAPS:.0%} of the rows at most"
        raise preprocess.DataError("", "found none", expected, "name some with --targets")
    X, Y = table.features.to_numpy()[whole], some.to_numpy()[whole]
    ways = {"row": np.arange(len(X))}
    if group in table.ids:
        ways["site"] = table.ids[group].to_numpy()[whole]
    for method, kind in METHODS.items():
        for way, units in ways.items() if method != OURS else ():
            with quiet():
                kept, left = both_ways(kind, X, Y, units)
            rmse = np.sqrt(np.square(left - Y).mean(axis=0))
            moved = np.quantile(np.abs(left - kept) / np.where(rmse > 0, rmse, 1), [0.5, 0.95, 1])
            r2 = [f"{r2_score(Y, each):.3f}" for each in (kept, left)]
            yield [f"{method}, {way}", *r2, *(f"{share:.4f}" for share in moved)]


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    add_table(parser)
    add_columns(parser)
    add_settings(parser)
    add_group(parser, SITE, "that is left out together")
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    table = read_table(arguments.file, arguments)
    header = ["method, held out", "R², kept", "R², left out", "moved, median", "19 of 20", "largest"]
    print("\n".join(markdown(header, lines(table, arguments.group))))


if __name__ == "__main__":
    command.run(main, "tools.validate.kept")
