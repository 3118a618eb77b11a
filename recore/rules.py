"""How held-out errors make one model of all alphas: the best of them, or an average of all.

A rule looks at squared errors (2, bins, alphas, t), of predictions as they are and clipped, makes of them what is
`chosen`, and tells what rows held out would then have met.
"""

from typing import Any, NamedTuple

import numpy as np

from recore.blend import averaged_sample, averaged_squares, soft_weights
from recore.choice import held_out_scores
from recore.held_out import r2_from_squares


class Looked(NamedTuple):
    """What a problem's rows, held out, tell of all alphas."""

    squares: Any  # (2, bins, alphas, t)
    scores: Any  # to choose by, (alphas, t)
    n_scored: int  # rows that a mean squared error is over
    r2: Any = None  # once clipped, (alphas, t)
    rmse: Any = None


class Chosen(NamedTuple):
    """What is told of each target, (t,), of what was chosen."""

    best_score_: Any
    cv_r2_: Any
    cv_rmse_: Any
    place: Any  # of its alpha in the grid
    varies: Any  # whether alphas differ in error


class Best:
    """An alpha for each target: chosen are their places in the grid, (t,)."""

    def alphas(self, grid):
        """Those of all views."""
        return grid

    def look(self, model, data, problem, alphas):
        n_scored = data.n_scored(problem)
        squares, scores, r2, rmse = held_out_scores(model, data, problem, alphas, n_scored)
        return Looked(squares, scores, n_scored, r2, rmse)

    def choose(self, scores):
        """From scores (alphas, t); a tie takes the first."""
        return scores.argmax(axis=0)

    def solve(self, problem, alphas, chosen):
        """Coefficients (t, features) and intercepts (t,) of each view, here one."""
        return [problem.solve(alphas[chosen])]

    def figures(self, data, problem, alphas, chosen, found):
        at = chosen, range(len(chosen))
        return Chosen(found.scores[at], found.r2[at], found.rmse[at], chosen, np.ptp(found.rmse, axis=0) > 0)

    def errors(self, data, problem, alphas, chosen):
        """Held-out errors and predictions of a sample of rows, see `recore.held_out.sampled_errors`."""
        return data.errors(problem, alphas[chosen])

    def squares(self, data, problem, alphas, chosen, way, squares=None):
        """Squared errors (bins, t), once clipped, of what a way leaves out; looked up where all are known."""
        if squares is not None:
            return squares[1][:, chosen, range(len(chosen))]
        return data.squares_at(problem, alphas[chosen], way)

    def squares_by_others(self, data, problem, alphas, way, squares):
        """As `squares`, of each bin at the alphas that the others choose."""
        others = squares[0].sum(axis=0) - squares[0]
        return np.take_along_axis(squares[1], others.argmin(axis=1)[:, None], axis=1)[:, 0]


class Soft:
    """Equations (10) and (11): chosen are weights (alphas of all views, t), or (bins, alphas, t); scores are -SSE.

    `grids` are the alphas of each view; those of all views are their concatenation.
    """

    def __init__(self, grids):
        self.grids = grids

    def alphas(self, grid):
        return np.concatenate(self.grids)

    def look(self, model, data, problem, alphas):
        squares = data.squares(problem, alphas)
        return Looked(squares, -squares[0].sum(axis=0), data.n_scored(problem))

    def choose(self, scores):
        return soft_weights(-scores, self.grids)

    def first(self, chosen):
        """Places (t,) of the alphas that weigh most in the first view."""
        return chosen[: len(self.grids[0])].argmax(axis=0)

    def solve(self, problem, alphas, chosen):
        return problem.average(self.grids, chosen)

    def figures(self, data, problem, alphas, chosen, found):
        sse, clipped = self.both(data, problem, chosen, None).sum(axis=1)
        r2, rmse = r2_from_squares(clipped, problem.sst), np.sqrt(clipped / problem.total)
        varies = np.ptp(found.squares[1, :, : len(self.grids[0])].sum(axis=0), axis=0) > 0
        return Chosen(-sse / found.n_scored, r2, rmse, self.first(chosen), varies)

    def errors(self, data, problem, alphas, chosen):
        """As Best's; what they owe to leverage is that of the first view at the alphas that weigh most."""
        settings = self.grids, chosen, self.grids[0][self.first(chosen)]
        return data.sampled("bounds", averaged_sample, problem, settings)

    def squares(self, data, problem, alphas, chosen, way, squares=None):
        return self.both(data, problem, chosen, way)[1]

    def squares_by_others(self, data, problem, alphas, way, squares):
        others = squares[0].sum(axis=0) - squares[0]
        return self.squares(data, problem, alphas, soft_weights(others, self.grids), way)

    def both(self, data, problem, chosen, way):
        """Squared errors of what a way leaves out, and once clipped, (2, bins, t)."""
        return data.total("expected", averaged_squares, problem, (self.grids, chosen), way)
