"""Rows that are read in parts, here or by other processes, which give back sums and a sample of the rows."""

from functools import partial
from itertools import chain, product
from typing import Any, NamedTuple, Optional

import numpy as np

from recore.checks import check_rows
from recore.groups import REFITS, sums_of_scores, taken_out
from recore.held_out import sampled_errors, sampled_spectra, squared_errors
from recore.linalg import row_blocks
from recore.ridge import Long, ridge_of
from recore.rows import CALIBRATION, SPECTRA, evenly_spaced, marks_of, same_gaps
from recore.sums import Sums, total_of, with_assay

PART = 2**21  # numbers, 16 MB: rows of a store that are in work at a time


class Part(NamedTuple):
    """Some rows of a store, and what is known of them."""

    rows: Any  # a slice or an array of their numbers
    groups: Optional[np.ndarray] = None  # (rows,)
    sampled: Optional[np.ndarray] = None  # (rows,), a mask
    other: Any = None  # the problem without them, where they are of one group that cannot do alone


class Parts:
    """Rows that are read in parts, for `_fit`."""

    weighted = False

    def __init__(self, store, groups, fit_intercept, run):
        self.store, self.groups, self.fit_intercept, self.run_parts = store, groups, fit_intercept, run
        self.names, n_targets = list(store.target_names), len(store.target_names)
        blocks = row_blocks(store.n_rows, len(store.feature_names) + n_targets, cells=PART)
        self.most = blocks[0].stop  # rows in a part
        self.parts = [Part(rows, None if groups is None else groups[rows]) for rows in blocks]
        if groups is not None:
            self.order = np.argsort(groups, kind="stable")
            self.sizes = np.bincount(groups)
            self.starts = np.cumsum(self.sizes) - self.sizes  # in that order
        self.alone = {}  # {problem's key: groups that cannot be left out without the other rows}
        self.others = {}  # {(problem's key, group): the problem without that group}, while there is room
        # One target more, that no row lacks, stands for the spectra by themselves.
        self.spectra_key = n_targets
        self.sums, counts, present = [], [], {}
        for sums, has_assay, labels in self.run("sums", part_sums, parts=self.parts):
            self.sums = added(self.sums, sums)
            counts.append(has_assay)
            for group, some in labels:
                present[group] = some | present.get(group, False)
        self.counts = np.array(counts)  # of rows with an assay, (parts, targets + 1)
        units = present.values() if groups is not None else counts
        self.units = np.sum(list(units), axis=0)  # that can be left out, (targets + 1,)

    def run(self, label, function, *settings, parts):
        """Yield function(store, *settings, part) for each of the parts, in their order."""
        return self.run_parts(partial(function, self.store, *settings), parts, label)

    def problems(self, smallest_alpha):
        """Yield a Ridge for all targets that have the same gaps."""
        for key, sums in self.sums:
            targets = [k for k in key if k < self.spectra_key]
            if targets:
                check_rows(self.units[key[0]], self.groups is not None, [self.names[k] for k in targets])
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
            problem.groups = None if self.groups is None else self.groups[numbers]
        else:
            problem = self.long("rows", sums, *settings)
        problem.key = key
        return problem

    def long(self, label, sums, targets, fit_intercept, smallest_alpha, without=None):
        """A Long problem of all rows, or of those without a group, from their sums."""
        mean = fit_intercept * sums.x_mean
        triangles = self.run(label, part_triangle, targets, mean, without, parts=self.parts)
        return Long.of(sums, targets, fit_intercept, smallest_alpha, triangles)

    def squares(self, problem, alphas):
        """As Rows's."""
        if problem.wide:
            return squared_errors(problem, alphas, problem.groups)[0]
        if self.groups is None:
            work = "held out", part_held_out, squared_errors, problem, [alphas]
            return sum(found for found, _ in self.run(*work, parts=self.parts))
        return sum(map(sum, self.by_group("held out", squared_errors, problem, alphas)))

    def errors(self, problem, alphas):
        """As Rows's."""
        if problem.wide:
            return sampled_errors(problem, alphas, problem.groups, marks_of(problem.n, CALIBRATION))
        X, Y, numbers = self.sample(problem.key, CALIBRATION)
        if self.groups is None:
            return sampled_errors(problem.on(X, Y), alphas, None, marks_of(len(X), CALIBRATION))
        parts = chain.from_iterable(self.by_group("bounds", sampled_errors, problem, alphas, sample=numbers))
        errors, fitted = zip(*parts)
        return np.concatenate(errors, axis=1), np.concatenate(fitted, axis=1)

    def spectra(self, problem, s, axes, alpha):
        """As Rows's."""
        if problem.wide:
            return sampled_spectra(problem, s, axes, alpha, problem.groups, marks_of(problem.n, SPECTRA))
        X, Y, numbers = self.sample(problem.key, SPECTRA)
        if self.groups is None:
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

    def by_group(self, label, function, problem, *settings, sample=None):
        """Yield lists of what `function` finds in parts of whole groups; those with a sampled row, if any.

        A group larger than a part, or that needs the other rows, comes after those, in a list of its own.
        """
        wanted = range(len(self.sizes)) if sample is None else np.unique(self.groups[sample])
        alone = self.alone.setdefault(problem.key, set())
        large = {group for group in wanted if self.sizes[group] > self.most}
        parts = (self.part(rows, sample) for rows in self.together(sorted(set(wanted) - large - alone)))
        work = label, part_held_out, function, problem, settings
        for found, without in self.run(*work, parts=parts):
            alone.update(without)
            yield [found]
        for group in sorted(large | alone.intersection(wanted)):
            parts = self.parts_of(group, sample, self.without(problem, group))
            yield [found for found, _ in self.run(*work, parts=parts)]

    def members(self, group):
        """Numbers of the rows of a group."""
        return self.order[self.starts[group] : self.starts[group] + self.sizes[group]]

    def part(self, rows, sample, other=None):
        return Part(rows, self.groups[rows], None if sample is None else np.isin(rows, sample), other)

    def parts_of(self, group, sample=None, other=None):
        """A group's rows in parts."""
        rows = self.members(group)
        return [self.part(rows[at], sample, other) for at in row_blocks(len(rows), 1, cells=self.most)]

    def together(self, groups):
        """Yield numbers of the rows of some groups, as many as go into a part."""
        rows = []
        for group in groups:
            if rows and sum(map(len, rows)) + self.sizes[group] > self.most:
                yield np.concatenate(rows)
                rows = []
            rows.append(self.members(group))
        if rows:
            yield np.concatenate(rows)

    def without(self, problem, group):
        """The problem without a group."""
        other = self.others.get((problem.key, group))
        if other is None:
            scores = self.run("groups", part_scores, problem, parts=self.parts_of(group))
            other = taken_out(problem, total_of(scores))
        if other is None:
            sums = total_of(self.run("others", part_others, problem.columns, group, parts=self.parts))
            settings = problem.columns, self.fit_intercept, problem.smallest_alpha
            other = self.long("others", sums, *settings, without=group)
        if (len(self.others) + 1) * problem.p**2 <= REFITS:
            self.others[problem.key, group] = other
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


def part_sums(store, part):
    """Sums of a part's rows for targets of the same gaps; rows with an assay, and of each group if any."""
    X, Y = store.read(part.rows)
    Y = np.column_stack([Y, np.zeros(len(Y))])  # the spectra's own target
    has_assay = ~np.isnan(Y)
    sums = []
    for columns, rows in same_gaps(Y):
        ones = np.ones(np.count_nonzero(rows))
        sums.append((columns, Sums(X[rows], Y[rows][:, columns].T, ones) if len(ones) else None))
    labels = []
    if part.groups is not None:
        labels = [(group, has_assay[part.groups == group].any(axis=0)) for group in np.unique(part.groups)]
    return sums, has_assay.sum(axis=0), labels


def part_triangle(store, targets, mean, without, part):
    """R of the QR decomposition of a part's rows around a mean, without a group."""
    X, _ = read_others(store, targets, without, part)
    return np.linalg.qr(X - mean, mode="r")


def part_others(store, targets, without, part):
    """Sums of a part's rows without a group."""
    X, Y = read_others(store, targets, without, part)
    return Sums(X, Y[:, targets].T, np.ones(len(X))) if len(X) else None


def read_others(store, targets, without, part):
    """X and Y of a part's rows that have the targets' assays and are not of a group."""
    X, Y = store.read(part.rows)
    rows = with_assay(Y, targets)
    rows = rows if without is None else rows[part.groups[rows] != without]
    return X[rows], Y[rows]


def part_sample(store, targets, part):
    """X, Y and numbers of some of the rows that have an assay."""
    rows, ranks = part
    X, Y = store.read(rows)
    at = with_assay(Y, targets)[ranks]
    return X[at], Y[at], rows.start + at


def part_scores(store, problem, part):
    """Sums of a group's rows on the axes of a problem, as `taken_out` takes them."""
    view = problem.on(*store.read(part.rows))
    return sums_of_scores(view, np.arange(view.n)) if view.n else None


def part_held_out(store, function, problem, settings, part):
    """What a function of `recore.held_out` finds in a part, and the groups that need other rows."""
    view = problem.on(*store.read(part.rows))
    if part.other is not None:
        view.refits[0] = part.other
    if part.sampled is None:
        return function(view, *settings, part.groups)
    return function(view, *settings, part.groups, part.sampled[view.rows]), ()
