"""What the control charts of tools.monitor are worth: false alarms, and how soon a fault is found.

    python -m tools.monitor.trial

Everything is synthetic (tools.demo_data), a batch is a drill hole of its own. In each trial a model is
fitted to TRAINED holes, each left out as a whole; limits come from REFERENCE other holes, or from none.

**False alarms.** GOOD further holes, one after another: the share with an alarm, by any chart and by the
batch's own values alone. "Independent rows" are the limits of `--alike 0`, as if holes did not matter.

**Faults.** Series of BEFORE good holes and AFTER holes with a fault from the first on: sudden, or growing
by the same step each batch. Found is the share of series with an alarm in that time, and the batches
until the first, the median. A fault that alarms no more often, or sooner, than the same series without
one ("no fault") is not found.
"""

import os

import numpy as np
from joblib import delayed
from threadpoolctl import threadpool_limits

import preprocess
from mdl import ZeroClippedRidgeCV
from recore.options import Parser
from tools import command
from tools.demo_data import holes, minerals, optics, rock
from tools.monitor.batches import Batch
from tools.monitor.charts import chart_all
from tools.monitor.measuring import measure
from tools.output import markdown
from tools.spectra import features_of, part_of
from tools.trust.faults import PERIOD, faults
from tools.validate.cross_validation import in_turn, quiet

TRIALS = 4  # models, each of other holes
SEED = 11  # of the first; what tools.monitor assumes was chosen on others
TRAINED, REFERENCE, GOOD = 24, 30, 100  # holes
BEFORE, AFTER = 5, 20  # batches of a series
SERIES = 4  # a trial, that together are its GOOD holes
SUDDEN = ("strongest bands cut at 70%", "fringes of 1%", "gain slope of 20%", "noise × 10")
BASELINE = 0.01  # absorbance a batch, in one direction over the axis
GAIN = 0.01  # of the signal a batch, from one end of the axis to the other
WAVES = 0.001  # of a spectrum's range a batch, amplitude
SHIFTED = "AlPPM", "CuPPM"  # one that is well predicted, and one that is not
SHIFT = 0.5, 1.0, 2.0  # of the target's held-out RMSE


def tables():
    """What all holes have in common."""
    axis = optics.axis()
    absorption = optics.mineral_spectra(axis)[1]
    return holes.Tables(axis, absorption, rock.zone_table(), minerals.element_table())


def features(spectra):
    """Features (n, p) of spectra as they come from an instrument."""
    return features_of(spectra, preprocess.SETTINGS)


def gain(spectra, batch):
    return spectra * (1 + GAIN * batch * np.linspace(-0.5, 0.5, spectra.shape[1]))


def baseline(spectra, batch):
    return spectra + BASELINE * batch * np.linspace(-1, 1, spectra.shape[1])


def fringes(spectra, batch):
    span = np.ptp(spectra[:, part_of(spectra, preprocess.SETTINGS)], axis=1)[:, None]
    return spectra + WAVES * batch * span * np.sin(2 * np.pi * np.arange(spectra.shape[1]) / PERIOD)


def sudden(name):
    return lambda spectra, batch: faults(spectra, seed=batch)[name]


def same(spectra, batch):
    return spectra


def spectral_faults():
    """{name: function of spectra and of the batch, counted from 1, since it began}."""
    return {
        "no fault, spectra alone": same,
        **{name: sudden(name) for name in SUDDEN},
        f"gain slope, + {GAIN:.0%} a batch": gain,
        f"baseline, ± {BASELINE:g} more a batch": baseline,
        f"fringes, + {WAVES:.1%} a batch": fringes,
    }


def assay_faults(model):
    """{name: what is added to the assays (t,)}."""
    found = {}
    for target in SHIFTED:
        at = model.target_names_.index(target)
        for size in SHIFT:
            shift = np.zeros(len(model.target_names_))
            shift[at] = size * model.cv_rmse_[at]
            found[f"assays of {target} + {size:g} RMSE"] = shift
    return {"no fault, with assays": np.zeros(len(model.target_names_)), **found}


def alarms(model, values, reference, **options):
    """Batches with an alarm by any chart, and by their own values alone; (2, n_batches)."""
    charts = chart_all(model, values, reference, **options)
    own = np.any([chart.crossed.any(axis=1) for chart in charts], axis=0)
    return np.array([own | np.any([chart.drifted.any(axis=1) for chart in charts], axis=0), own])


def bare(batches):
    """The same batches without assays."""
    return [batch._replace(Y=np.full_like(batch.Y, np.nan)) for batch in batches]


def trial(seed):
    """Of one model: false alarms {name: (2, GOOD)}, faults {name: {limits: (2, SERIES)}} of first alarms."""
    with threadpool_limits(1), quiet():
        return trial_of(seed)


def trial_of(seed):
    common = tables()
    drilled = [holes.hole(seed, number, common) for number in range(TRAINED + REFERENCE + GOOD)]
    names, part = [str(hole[0][0, 1]) for hole in drilled], slice(TRAINED)
    X, Y = [features(hole[1]) for hole in drilled], [hole[2] for hole in drilled]
    groups = np.repeat(np.arange(TRAINED), [len(each) for each in X[part]])
    model = ZeroClippedRidgeCV().fit(np.concatenate(X[part]), np.concatenate(Y[part]), groups=groups)
    model.target_names_ = list(preprocess.TARGETS)
    batches = [Batch(*each) for each in zip(names, X, Y, strict=True)]
    reference = measure(model, batches[TRAINED : TRAINED + REFERENCE])
    good = batches[TRAINED + REFERENCE :]

    limits = {"reference": (reference, {}), "none": (None, {}), "independent rows": (None, {"alike": 0.0})}
    spectra, assays = (measure(model, each) for each in (bare(good), good))
    false = {}
    for name, (old, options) in limits.items():
        false[name, "spectra alone"] = alarms(model, spectra, old, **options)
        false[name, "with assays"] = alarms(model, assays, old, **options)

    def first(change):
        """{limits: (2, SERIES)}, the batch of the first alarm since the fault began."""
        found = {which: [] for which in ("reference", "none")}
        for start in range(0, GOOD, BEFORE + AFTER):
            places = TRAINED + REFERENCE + start + np.arange(BEFORE + AFTER)
            values = measure(model, [change(at, i - BEFORE + 1) for i, at in enumerate(places)])
            for which, each in found.items():
                crossed = alarms(model, values, limits[which][0])[:, BEFORE:]
                each.append([np.argmax(form) + 1 if form.any() else np.inf for form in crossed])
        return {which: np.array(each).T for which, each in found.items()}

    late = {}
    for name, fault in spectral_faults().items():

        def change(place, batch, fault=fault):
            (as_it_was,) = bare([batches[place]])
            if batch < 1:
                return as_it_was
            return as_it_was._replace(X=features(fault(drilled[place][1], batch)))

        late[name] = first(change)
    for name, shift in assay_faults(model).items():

        def change(place, batch, shift=shift):
            return batches[place]._replace(Y=batches[place].Y + shift * (batch >= 1))

        late[name] = first(change)
    return false, late


def soon(found):
    """'100%, 3': share of series with an alarm, and the median batch of the first."""
    share = np.isfinite(found).mean()
    return f"{share:.0%}, {np.median(found):.0f}" if share > 0.5 else f"{share:.0%}, -"


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=TRIALS, help="models (%(default)s)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="processes (as many as there are cores)"
    )
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    calls = (delayed(trial)(seed) for seed in range(SEED, SEED + arguments.trials))
    false, late = zip(*in_turn(calls, arguments.trials, arguments.jobs, "trials"), strict=True)

    print(f"Synthetic. Good holes with an alarm, of {arguments.trials * GOOD:,}:\n")
    rows = []
    for key in false[0]:
        every, own = np.concatenate([each[key] for each in false], axis=1).mean(axis=1)
        rows.append([*key, f"{every:.1%}", f"{own:.1%}"])
    print("\n".join(markdown(["limits", "batches", "any chart", "own values alone"], rows)))
    print(f"\nFound within {AFTER} batches, and the batch at which, of {arguments.trials * SERIES} series:\n")
    rows = []
    for name in late[0]:
        cells = [
            soon(np.concatenate([each[name][which][form] for each in late]))
            for which in ("reference", "none")
            for form in (0, 1)
        ]
        rows.append([name, *cells])
    header = ["fault", "reference", "reference, own values", "no reference", "no reference, own values"]
    print("\n".join(markdown(header, rows)))


if __name__ == "__main__":
    command.run(main, "tools.monitor.trial")
