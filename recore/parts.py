"""Rows that are read in parts, here or by other processes, which give back sums and a sample of the rows."""

from functools import partial, reduce
from itertools import chain, product

import numpy as np

from recore.checks import check_rows
from recore.forms import Long, ridge_of
from recore.grouping import Grouping, Part
from recore.groups import REFITS, taken_out
from recore.held_out import (
    sampled_errors,
    sampled_spectra,
    squared_errors,
    squared_errors_at,
)
from recore.linalg import row_blocks
from recore.part_work import (
    Viewed,
    part_held_out,
    part_moments,
    part_others,
    part_sample,
    part_scores,
    part_sums,
    part_triangle,
)
from recore.rows import CALIBRATION, SPECTRA, Rows, drawn, evenly_spaced, marks_of
from recore.sums import total_of
from recore.views import moments_of_both

PART = 2**21  # numbers, 16 MB: rows of a store that are in work at a time


class Parts:
    """Rows that are read in parts, for a fit; `ways` as for Rows."""

    weighted, rule, folded, learnt = False, Rows.rule, Rows.folded, Rows.learnt

    def __init__(self, store, groups, fit_intercept, run, ways=None):
        self.store, self.fit_intercept, self.run_parts = store, fit_intercept, run
        self.beside = self  # the same rows in another view, where there is one
        self.given = groups, fit_intercept, run, ways
        ways = {None: groups, **(ways or {})}
        self.ways = {way: labels if labels is None else Grouping(way, labels) for way, labels in ways.items()}
        self.names, n_targets = list(store.target_names), len(store.target_names)
        blocks = row_blocks(store.n_rows, len(store.feature_names) + n_targets, cells=PART)
        self.most = blocks[0].stop  # rows in a part
        labels = {way: grouping.groups for way, grouping in self.ways.items() if grouping}
        self.parts = [Part(rows, {way: each[rows] for way, each in labels.items()}) for rows in blocks]
        # One target more, that no row lacks, stands for the spectra by themselves.
        self.spectra_key = n_targets
        self.sums, counts, present, self.spreads = [], [], {}, dict.fromkeys(labels, 0.0)
        for sums, has_assay, units, spreads in self.run("sums", part_sums, parts=self.parts):
            self.sums = added(self.sums, sums)
            counts.append(has_assay)
            for way_and_group, some in units:
                present[way_and_group] = some | present.get(way_and_group, False)
            for way, some in spreads.items():
                self.spreads[way] = self.spreads[way] + some
        self.sums.sort(
            key=lambda each: each[0][0]
        )  # parts of another size meet the same gaps in another order
        self.counts = np.array(counts)  # of rows with an assay, (parts, targets + 1)
        self.units = {}  # {way: how many can be left out (targets + 1,)}
        for way, grouping in self.ways.items():
            units = [some for (of, _), some in present.items() if of == way] if grouping else counts
            self.units[way] = np.sum(units, axis=0)

    def seen(self, view):
        """The same rows in another view of their spectra."""
        self.beside = Parts(Viewed(self.store, view), *self.given)
        return self.beside

    def blended(self, blend, grids):
        """As Rows's."""
        blend.key = blend.ridges[0].key
        return blend

    def moments(self, slopes):
        """As Rows's."""
        return reduce(moments_of_both, self.run("slopes", part_moments, slopes, parts=self.parts))

    def some(self, most, less):
        """As Rows's."""
        X, _ = self.store.read(drawn(self.store.n_rows, most, less))
        return X, np.ones(len(X))

    def run(self, label, function, *settings, parts):
        """Yield function(store, *settings, part) for each of the parts, in their order."""
        return self.run_parts(partial(function, self.store, *settings), parts, label)

    def problems(self, smallest_alpha):
        """Yield a Ridge for all targets that have the same gaps."""
        for key, sums in self.sums:
            targets = [k for k in key if k < self.spectra_key]
            if targets:
                check_rows(
                    self.units[None][key[0]], self.ways[None] is not None, [self.names[k] for k in targets]
                )
                yield self.problem(key[0], sums.only(range(len(targets))), targets, smallest_alpha)

    def whole(self, smallest_alpha):
        """A Ridge of the spectra of all rows, whatever assays they have."""
        sums = next(sums for key, sums in self.sums if self.spectra_key in key)
        return self.problem(self.spectra_key, sums.only([]), [], smallest_alpha)

    def n_scored(self, problem):
        """Rows with an assay."""
        return problem.n_rows

    def problem(self, key, sums, targets, smallest_alpha):
        """A Ridge from sums, or, where there are no more rows than features, from the rows."""
        settings = targets, self.fit_intercept, smallest_alpha
        if sums.n - self.fit_intercept <= len(sums.x_mean):
            X, Y, numbers = self.sample(key, sums.n)
            problem = ridge_of(X, Y, np.ones(len(X)), np.arange(len(X)), *settings)
            problem.numbers = numbers
        else:
            problem = self.long("rows", sums, *settings)
        problem.key = key
        return problem

    def long(self, label, sums, targets, fit_intercept, smallest_alpha, without=None):
        """A Long problem of all rows, or of those without a group, from their sums."""
        mean = fit_intercept * sums.x_mean
        triangles = self.run(label, part_triangle, targets, mean, without, parts=self.parts)
        return Long.from_sums(sums, targets, fit_intercept, smallest_alpha, triangles)

    def n_apart(self, problem, way):
        """As Rows's."""
        return self.units[way][problem.key]

    def at_hand(self, problem, way):
        """A problem of no more rows than features, looking at its rows, and the groups of these, if any."""
        if hasattr(problem, "numbers"):
            numbers = problem.numbers
        else:
            X, Y, numbers = self.sample(problem.key, problem.n_rows)
            problem = problem.on(X, Y)
        return problem, self.ways[way] and self.ways[way].groups[numbers]

    def squares(self, problem, alphas, way=None):
        """As Rows's."""
        return self.total("held out", squared_errors, problem, [alphas], way)

    def squares_at(self, problem, alphas, way):
        """As Rows's."""
        return self.total("expected", squared_errors_at, problem, [alphas], way)

    def spread(self, problem, way):
        """As Rows's."""
        return self.spreads[way][:, :, problem.columns]

    def total(self, label, function, problem, settings, way):
        """As Rows's."""
        if problem.wide:
            problem, groups = self.at_hand(problem, way)
            return function(problem, *settings, groups)[0]
        if self.ways[way] is None:
            work = label, part_held_out, function, problem, settings, way
            return sum(found for found, _ in self.run(*work, parts=self.parts))
        return sum(map(sum, self.by_group(label, function, problem, *settings, way=way)))

    def errors(self, problem, alphas):
        """As Rows's."""
        return self.sampled("bounds", sampled_errors, problem, [alphas])

    def sampled(self, label, function, problem, settings):
        """As Rows's."""
        if problem.wide:
            problem, groups = self.at_hand(problem, None)
            return function(problem, *settings, groups, marks_of(problem.n, CALIBRATION))
        X, Y, numbers = self.sample(problem.key, CALIBRATION)
        if self.ways[None] is None:
            return function(problem.on(X, Y), *settings, None, marks_of(len(X), CALIBRATION))
        parts = chain.from_iterable(self.by_group(label, function, problem, *settings, sample=numbers))
        errors, fitted = zip(*parts)
        return np.concatenate(errors, axis=1), np.concatenate(fitted, axis=1)

    def spectra(self, problem, s, axes, alpha):
        """As Rows's."""
        if problem.wide:
            problem, groups = self.at_hand(problem, None)
            return sampled_spectra(problem, s, axes, alpha, groups, marks_of(problem.n, SPECTRA))
        X, Y, numbers = self.sample(problem.key, SPECTRA)
        if self.ways[None] is None:
            return sampled_spectra(problem.on(X, Y), s, axes, alpha, None, marks_of(len(X), SPECTRA))
        leverage, left, sizes = [], [], []
        for parts in self.by_group("limits", sampled_spectra, problem, s, axes, alpha, sample=numbers):
            each, unexplained, some = map(np.concatenate, zip(*parts))
            leverage.append(each)
            left.append(unexplained)
            sizes.append(some if len(parts) == 1 else some.sum(keepdims=True))  # of one group
        return np.concatenate(leverage), np.concatenate(left), np.concatenate(sizes)

    def sample(self, key, most):
        """X, Y and numbers of rows that have an assay, `most` of them evenly spaced, or all."""
        counts = self.counts[:, key]
        chosen = evenly_spaced(counts.sum(), most)
        starts = np.cumsum(counts) - counts
        inside = [chosen[(chosen >= a) & (chosen < a + n)] - a for a, n in zip(starts, counts)]
        parts = [(part.rows, ranks) for part, ranks in zip(self.parts, inside) if len(ranks)]
        targets = [] if key == self.spectra_key else [key]
        found = zip(*self.run("sample", part_sample, targets, parts=parts))
        return tuple(map(np.concatenate, found))

    def by_group(self, label, function, problem, *settings, way=None, sample=None):
        """Yield lists of what `function` finds in parts of whole groups; those with a sampled row, if any.

        A group larger than a part, or that needs the other rows, comes after those, in a list of its own.
        """
        ways = self.ways[way]
        wanted = range(len(ways.sizes)) if sample is None else np.unique(ways.groups[sample])
        alone = ways.alone.setdefault(problem.key, set())
        large = {group for group in wanted if ways.sizes[group] > self.most}
        together = ways.together(sorted(set(wanted) - large - alone), self.most)
        parts = (ways.part(rows, sample) for rows in together)
        work = label, part_held_out, function, problem, settings, way
        for found, without in self.run(*work, parts=parts):
            alone.update(without)
            yield [found]
        for group in sorted(large | alone.intersection(wanted)):
            parts = ways.parts_of(group, self.most, sample, self.without(problem, way, group))
            yield [found for found, _ in self.run(*work, parts=parts)]

    def without(self, problem, way, group):
        """The problem without a group, of each view."""
        data = self, self.beside
        return problem.of([each._without(ridge, way, group) for each, ridge in zip(data, problem.ridges)])

    def _without(self, problem, way, group):
        """A ridge without a group."""
        ways = self.ways[way]
        other = ways.others.get((problem.key, group))
        if other is None:
            scores = self.run("groups", part_scores, problem, parts=ways.parts_of(group, self.most))
            other = taken_out(problem, total_of(scores))
        if other is None:
            sums = total_of(self.run("others", part_others, problem.columns, way, group, parts=self.parts))
            settings = problem.columns, self.fit_intercept, problem.smallest_alpha
            other = self.long("others", sums, *settings, without=(way, group))
        if (len(ways.others) + 1) * problem.p**2 <= REFITS:
            ways.others[problem.key, group] = other
        return other


def in_turn(function, items, label=None):
    """What `fit_stored` runs parts with by default."""
    return map(function, items)


def added(some, more):
    """Sums for targets of the same gaps, [(targets, Sums)], of the rows of both, whose gaps may differ."""
    joint = [] if some else more
    for (ours, left), (theirs, right) in product(some, more):
        both = [k for k in ours if k in theirs]
        if both:
            parts = [(left, ours), (right, theirs)]
            kept = (sums and sums.only([keys.index(k) for k in both]) for sums, keys in parts)
            joint.append((both, total_of(kept)))
    return joint
