"""tools/monitor/trial.py: what the trial makes."""

import numpy as np
import pytest

from tools.monitor import trial


@pytest.mark.parametrize("fault", [trial.gain, trial.baseline, trial.fringes])
def test_a_growing_fault_of_the_trial_grows_by_the_same_step_from_nothing(fault):
    spectra = np.random.default_rng(0).uniform(0.1, 1, (3, 400))
    steps = np.diff([fault(spectra, batch) for batch in range(4)], axis=0)
    np.testing.assert_array_equal(fault(spectra, 0), spectra)
    assert np.abs(steps[0]).max() > 0
    np.testing.assert_allclose(steps, steps[:1].repeat(3, axis=0), rtol=1e-9, atol=1e-12)


def test_the_trial_tells_the_share_found_and_the_median_batch():
    assert trial.soon(np.array([1, 3, 7, np.inf])) == "75%, 5"
    assert trial.soon(np.array([2, np.inf, np.inf])) == "33%, -"
