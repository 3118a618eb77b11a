"""Linear algebra that keeps small eigenvalues, and results that depend on neither batch nor thread."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits  # scikit-learn needs it, so it is there

EPS = np.finfo(float).eps
LOSS = 1e-8  # relative error, by estimate, beyond which a slower and safer form is taken
SOME = 16  # rows, from which on coefficients are taken one after the other
THREADED = 2**21  # numbers, from which on threads gain more than they take to begin
CELLS = 2**20  # numbers in one temporary array, 8 MB: a few of them fit a processor's cache


def eigh(gram, blocks, smallest_alpha):
    """Eigenvalues and vectors of M'M (`gram`), from the rows of M where M'M has lost too much.

    M'M holds its small eigenvalues to EPS times the largest only. The singular values of M,
    squared, hold them to EPS squared; a QR of block upon block finds them, at four times the cost.
    """
    s, V = np.linalg.eigh(gram)
    if len(s) and EPS * s[-1] > LOSS * (max(s[0], 0) + smallest_alpha):
        R = np.empty((0, len(gram)))
        for block in blocks:
            R = np.linalg.qr(np.concatenate([R, block]), mode="r")
        _, s, Vt = np.linalg.svd(R)
        s, V = np.square(s), Vt.T
    return np.maximum(s, 0), V


def row_blocks(n, width, at_least=1, cells=CELLS):
    """Slices of range(n) such that rows of `width` numbers make a temporary of so many cells."""
    step = max(at_least, cells // width)
    return [slice(a, min(a + step, n)) for a in range(0, n, step)]


def in_threads(function, items, numbers):
    """Yield function(item) in the items' order, by as many threads as BLAS has, which has one in each.

    So sums have the same bits however many there are. One only where there are fewer than THREADED `numbers` to
    compute, all told, or where BLAS has one, as in a process among others.
    """
    threads = blas_threads() if numbers >= THREADED and len(items) > 1 else 1
    if threads == 1:
        yield from map(function, items)
        return
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        waiting = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:  # results wait for their turn in memory
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def blas_threads():
    """Threads that BLAS takes now."""
    return max((each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"), default=1)


def weighted_mean(X, weight):
    """Weighted mean of rows; counted from the first, so that a constant gives itself exactly."""
    return X[0] + weight @ (X - X[0]) / weight.sum()


def product_by_row(X, coef):
    """X @ coef.T, (n, t), each number summed in an order that depends on nothing but p.

    BLAS sums in an order that depends on the matrix's shape, the processor and the threads.
    Here the p products are laid out and folded in two until one is left.
    """
    product, p = np.empty((len(X), len(coef))), coef.shape[1]
    half = (p + 1) // 2
    if len(X) < SOME:  # all of coef's rows at once
        by_feature = np.ascontiguousarray(coef.T)[:, :, None]  # (p, t, 1)
        columns = np.ascontiguousarray(X.T)[:, None, :]  # (p, 1, rows)
        terms = columns[:half] * by_feature[:half]  # (p / 2, t, rows), and the first fold on top
        terms[: p - half] += columns[half:] * by_feature[half:]
        product[:] = folded(terms).T
        return product
    for at in row_blocks(len(X), p, cells=CELLS // 16):  # one after the other, in a processor's cache
        columns = np.ascontiguousarray(X[at].T)  # (p, rows)
        terms, upper = np.empty((half, columns.shape[1])), np.empty((p - half, columns.shape[1]))
        for place, row in enumerate(coef[:, :, None]):
            np.multiply(columns[:half], row[:half], out=terms)
            np.multiply(columns[half:], row[half:], out=upper)
            terms[: p - half] += upper
            product[at, place] = folded(terms)
    return product


def folded(terms):
    """The sum over the first axis, folded in two until one is left; in place."""
    while len(terms) > 1:
        fold = (len(terms) + 1) // 2
        terms[: len(terms) - fold] += terms[fold:]
        terms = terms[:fold]
    return terms[0]
