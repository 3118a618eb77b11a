"""Whether a prediction is beyond what was measured: further than a tenth of the range of the training's assays."""

import numpy as np

SHARE = 0.1  # of the measured range
VERDICTS = np.array(["inside", "above", "below"])  # by 0, 1 and -1


def beyond(predicted, least, most):
    """-1 where a prediction (n, t) is below what was measured, 1 where it is above, else 0.

    `least` and `most` (t,) are the smallest and the largest assay of the training.
    """
    rounding = np.sqrt(np.finfo(float).eps) * np.maximum(np.abs(least), np.abs(most))
    margin = np.maximum(SHARE * (most - least), rounding)
    return (predicted > most + margin).astype(int) - (predicted < least - margin)


def beyond_told(targets, counts, rows):
    """Lines that say how many predictions are beyond, by target; counts (2, t), below and above."""
    for word, of in zip(("below", "above"), counts):
        order = [k for k in np.argsort(-of, kind="stable") if of[k]]
        if order:
            named = ", ".join(f"{targets[k]} {of[k]:,}" for k in order)
            yield f"  {word} what was measured, by more than a tenth of its range, of {rows:,}: {named}"
