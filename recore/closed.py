"""What to expect of rows, and of sites, left out of a fit: equation (4), with no model fitted anew.

Of the way by which alpha is chosen, each bin of groups is
judged at the alphas that the others choose; that of single rows at the alphas of all.
"""

import numpy as np

from recore.figures import Figure, interval_of, r2_of


class Closed:
    """Figures from a fit's own decompositions, as the `judge` of `ZeroClippedRidgeCV.fit`.

    Parameters
    ----------
    n_targets : int
    ways : dict
        What can be left out together: None for "row", and by its name the groups of an id column, (n_rows,), numbered
        from 0 without gaps.
    pairs : list of (str, str)
        Names of ways: what is held out, and what is left out to choose alpha.
    chosen_by : str
        The way by which the model itself chooses alpha.
    """

    def __init__(self, n_targets, ways, pairs, chosen_by):
        self.ways, self.pairs, self.chosen_by = ways, pairs, chosen_by
        self.sums = {pair: {} for pair in pairs}  # {target: (4, bins)}
        self.n_targets = n_targets

    def __call__(self, data, problem, alphas, best, squares):
        """Take in the targets of a problem, of whose alphas `best` is chosen; `squares` are those that chose it."""
        chosen, rule = {self.chosen_by: (best, squares)}, data.rule
        few = {way for way in self.ways if data.n_apart(problem, self.key(way)) < 3}  # one out, two choose
        pairs = [pair for pair in self.pairs if not few.intersection(pair)]
        for way in {left_out for _, left_out in pairs}.difference(chosen):
            found = data.squares(problem, alphas, way)
            chosen[way] = rule.choose(-found[0].sum(axis=0)), found
        for held_out, left_out in pairs:
            alone, (own, left) = self.ways[held_out] is None, chosen[left_out]
            if held_out == left_out and not alone:
                sse = rule.squares_by_others(data, problem, alphas, self.key(held_out), left)
            else:
                known = chosen[held_out][1] if held_out in chosen else None
                sse = rule.squares(data, problem, alphas, own, self.key(held_out), known)
            if alone:
                t = len(problem.columns)
                count, total, squares = [np.full(t, problem.n_rows)], [np.zeros(t)], [problem.sst]
            else:
                count, total, squares = data.spread(problem, self.key(held_out))
                squares = squares - 2 * problem.y_mean * total + count * np.square(problem.y_mean)
                total = total - count * problem.y_mean
            sums = np.array([count, total, squares, sse])
            self.sums[held_out, left_out].update(zip(problem.columns, sums.transpose(2, 0, 1)))

    def key(self, way):
        """How a fit's data calls a way: None is that of the model itself."""
        return None if way == self.chosen_by else way

    def figures(self):
        """A Figure of each pair."""
        for (held_out, left_out), sums in self.sums.items():
            parts = np.zeros((4, max((each.shape[1] for each in sums.values()), default=1), self.n_targets))
            for k, each in sums.items():
                parts[:, :, k] = each
            parts = parts[:, parts[0].any(axis=1)]
            count, sse = parts[0].sum(axis=0), parts[3].sum(axis=0)
            r2 = r2_of(parts.sum(axis=1))
            rmse = np.sqrt(np.where(count > 0, sse, np.nan) / np.maximum(count, 1))
            yield Figure(held_out, left_out, "closed form", r2, rmse, interval_of(parts[:, :, ~np.isnan(r2)]))
