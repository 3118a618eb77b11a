# %% [markdown]
# # Which bands carry which element?
#
# The regression vector of a ridge on features that repeat each other is not a spectrum: it jumps from window
# to window and shows nothing of what spectra gain with the element. The activation pattern a = Cov(X) b (Haufe
# et al. 2014, NeuroImage 87, 96), which is the covariance of each feature with the prediction, does. Nearly by
# construction it is what rich samples have and poor ones have not; it tells what goes with an element, not
# what the model needs.
#
# Run after `make run` has put a file into `data/public`, from any folder; `SPECTRA` names another file. What
# the text claims is true of the demo data. Those spectra were made from the bands of
# `tools/demo_data/bands.csv`: there the figures test the method, and only on measured spectra do they tell of
# rock.

# %%
import re

import look
import matplotlib.pyplot as plt
import numpy as np

import train
from tools.demo_data.minerals import composition
from tools.demo_data.tables import BANDS, MINERALS

ELEMENTS = ("Al", "Ca", "Mg", "Cu")
MAJORS = ("Al", "Ca", "Fe", "K", "Mg", "Mn", "Na", "P", "Si", "Ti")  # of which rock is made
STRONG = 0.1  # strength from which a band counts, of a mineral whose strongest has about 1
BLOCKS = 12  # parts of the axis to leave out in turn
SHIFTS = 10  # places of the bands along the axis: their own, and 9 others for comparison


def element(target):
    """'Al' of 'AlPPM' or 'Al_tot'; None of a target that is not named after an element's total content."""
    found = re.match(r"[A-Z][a-z]?(?=PPM|PPB|PCT|_tot|_XRF|_EA|$)", target)
    return found and found.group()


file = look.read(look.FILE)
targets = list(file.table.targets)
of_element = {}
for name in targets:
    of_element.setdefault(element(name), name)  # the first of each
shown = [of_element[symbol] for symbol in ELEMENTS if symbol in of_element] or targets[: len(ELEMENTS)]
model = train.fit(file.table)
coefficients = model.coef_[[targets.index(name) for name in shown]]
covariance = np.cov(file.X.T)
patterns = coefficients @ covariance


def neighbours(curve):
    """Correlation of each window's value with the next."""
    return float(np.corrcoef(curve[:-1], curve[1:])[0, 1])


def gained(name):
    """Mean features of the third of samples with the most, less those of the third with the least."""
    assay = file.table.targets[name]
    low, high = assay.quantile([1 / 3, 2 / 3])
    return file.X[assay >= high].mean(axis=0) - file.X[assay <= low].mean(axis=0)


figure, panels = plt.subplots(2, 1, figsize=(7.5, 4.2), layout="constrained", sharex=True)
panels[0].plot(file.windows, coefficients[0] * file.X.std(axis=0), lw=0.8)
panels[0].set(title=f"{shown[0]}: regression vector × standard deviation of the feature")
panels[1].plot(file.windows, patterns[0] / patterns[0].std(), lw=1.2, label="activation pattern")
panels[1].plot(
    file.windows, gained(shown[0]) / gained(shown[0]).std(), lw=0.8, ls="--", label="rich less poor samples"
)
panels[1].set(title="each in its own standard deviation")
panels[1].legend(frameon=False, fontsize=8)
look.falling(panels[1])
smooth = {name: (neighbours(b), neighbours(a)) for name, b, a in zip(shown, coefficients, patterns)}
alike = {
    name: tuple(float(np.corrcoef(curve, gained(name))[0, 1]) for curve in (b, a))
    for name, b, a in zip(shown, coefficients, patterns)
}
print("correlation, regression vector / activation pattern:")
for name in shown:
    b, a = smooth[name]
    print(f"{name}: between neighbouring windows {b:.2f} / {a:.2f}", end="; ")
    print("with rich less poor samples {:.2f} / {:.2f}".format(*alike[name]))

# %% [markdown]
# ## An element's bands are those of the minerals that hold it
#
# Windows under the bands of the minerals that hold an element (half or more of what the richest with bands
# holds) tell more of it than windows at the same distances elsewhere on the axis: R² from them alone is above
# the others' mean for aluminium, calcium and magnesium. Without them little is lost all the same, as the rest of
# the spectrum says it again. Malachite's windows tell no more of copper than others do.
#
# The patterns show what goes with an element, for better or worse: calcium rises with the carbonates' band at
# 1430 cm⁻¹, and aluminium's strongest window is that band as well, falling: marble holds hardly any.

# %%
bands = BANDS.query("strength >= @STRONG")
holds = {mineral: composition(MINERALS["formula"][mineral]) for mineral in bands["mineral"].unique()}


def hosts(symbol):
    """The minerals with bands that hold most of an element."""
    content = {mineral: elements.get(symbol, 0.0) for mineral, elements in holds.items()}
    return [mineral for mineral, part in content.items() if part > 0 and part >= max(content.values()) / 2]


def under(minerals):
    """Which windows lie within half a width of a band's centre."""
    some = bands[bands["mineral"].isin(minerals)]
    distance = np.abs(file.windows[:, None] - some["centre_cm1"].to_numpy())
    return (distance <= some["width_cm1"].to_numpy() / 2).any(axis=1)


def only_and_without(name, windows):
    """R² from these windows only, and without them: an array (2, 1 or 2), by row and by site."""
    assay = file.table.targets[[name]].to_numpy()
    return np.array([look.r2(file.X[:, kept], assay, file.sites)[:, 0] for kept in (windows, ~windows)])


banded = {name: hosts(element(name)) for name in shown}
banded = {name: minerals for name, minerals in banded.items() if under(minerals).any()}
places = np.linspace(0, len(file.windows), SHIFTS, endpoint=False).astype(int)
carried = {
    name: np.array([only_and_without(name, np.roll(under(minerals), place)) for place in places])
    for name, minerals in banded.items()
}  # (places, only or without, by row and by site)
whole = look.r2(file.X, file.Y, file.sites)
for name in [name for name in shown if name not in banded]:
    print(f"{name}: no mineral of tools/demo_data/bands.csv holds it, no band to compare")

figure, panels = plt.subplots(
    len(shown), 1, figsize=(8, 1.9 * len(shown)), layout="constrained", sharex=True, squeeze=False
)
for panel, name, pattern in zip(panels[:, 0], shown, patterns):
    panel.plot(file.windows, pattern / np.abs(pattern).max(), color="0.2", lw=1)
    panel.axhline(0, color="0.7", lw=0.6)
    for place, mineral in enumerate(banded.get(name, [])):
        for window in file.windows[under([mineral])]:
            panel.plot([window, window], [-1.12 - 0.1 * place] * 2, "|", color=f"C{place}", ms=5)
        panel.plot([], [], "|", color=f"C{place}", label=mineral)
    panel.set_title(f"{name}: activation pattern, and bands of minerals that hold it", fontsize=9)
    if name in banded:
        panel.legend(frameon=False, fontsize=7, markerscale=2, loc="center left", bbox_to_anchor=(1, 0.5))
look.falling(panels[-1, 0])
strongest = {name: int(np.abs(pattern).argmax()) for name, pattern in zip(shown, patterns)}
rises = {name: bool(pattern[strongest[name]] > 0) for name, pattern in zip(shown, patterns)}
for name, at in strongest.items():
    way = "rises" if rises[name] else "falls"
    print(f"{name}: strongest window of its pattern {file.windows[at]:.0f} cm⁻¹, which {way} with it")
for name, scores in carried.items():
    print(f"{name}, {under(banded[name]).sum()} windows of {', '.join(banded[name])}:")
    print(f"  R² of all windows: {look.told(whole[:, [targets.index(name)]])}")
    for what, own, others in zip(("only them", "without them"), scores[0], scores[1:].mean(axis=0)):
        print(f"  {what}: {look.told(own[:, None])}; as many elsewhere: {look.told(others[:, None])}")

# %% [markdown]
# ## Any part of the axis can be left out, because the others say the same
#
# No twelfth of the windows is missed much: without any one of them the mean R² of all targets falls by a few
# hundredths at most, by row and by site. One alone is far from enough.

# %%
everything = whole.mean(axis=1)
blocks = np.array_split(np.arange(len(file.windows)), BLOCKS)
without = np.array(
    [look.r2(np.delete(file.X, block, axis=1), file.Y, file.sites).mean(axis=1) for block in blocks]
)
alone = np.array([look.r2(file.X[:, block], file.Y, file.sites).mean(axis=1) for block in blocks])
loss = everything - without  # (blocks, by row and by site)

figure, axes = plt.subplots(figsize=(7.5, 3), layout="constrained")
middles = [file.windows[block].mean() for block in blocks]
width = np.ptp(file.windows) / BLOCKS / 3
for place, (values, label) in enumerate(zip(loss.T, ("by row", "by site"))):
    axes.bar(np.array(middles) + (0.5 - place) * width, values, width, label=label)
axes.axhline(0, color="0.5", lw=0.6)
axes.set(
    ylabel="mean R² lost",
    title=f"without a twelfth of the windows; with all: {look.told(everything[:, None])}",
)
axes.legend(frameon=False, fontsize=8)
look.falling(axes)
print(f"mean R² of all {len(targets)} targets, all windows: {look.told(everything[:, None])}")
for values, label in zip(loss.T, ("by row", "by site")):
    block = file.windows[blocks[values.argmax()]]
    print(f"most missed {label}: {block[0]:.0f} to {block[-1]:.0f} cm⁻¹, a loss of {values.max():.3f}")
print(f"the best twelfth alone: {look.told(alone.max(axis=0)[:, None])}")

# %% [markdown]
# ## Copper is carried by the minerals around it
#
# Of the minerals that hold copper, the sulphides have no band in this range and malachite is rare: its windows
# told nothing above. What tells of copper is what comes with it. In the demo data that is more
# than the major elements know, as sulphides darken the whole spectrum; what the majors leave open of copper is
# still predicted, less well. In the soils of Baumann et al. (2021, SOIL 7, 717) it is not: there copper goes
# with the major elements, and of what they leave open the spectra know nothing.

# %%
copper = of_element.get("Cu")
majors = [of_element[symbol] for symbol in MAJORS if symbol in of_element]
if copper is None or not majors:
    print("no copper, or no major elements beside it, among the targets: nothing to show")
else:
    known = file.table.targets[[copper, *majors]].notna().all(axis=1).to_numpy()
    assays = file.table.targets.loc[known, majors].to_numpy()
    assays = (assays - assays.mean(axis=0)) / assays.std(axis=0)
    of_copper = file.table.targets.loc[known, [copper]].to_numpy()
    sites = None if file.sites is None else file.sites[known]
    design = np.column_stack([np.ones(len(assays)), assays])
    left_open = of_copper - design @ np.linalg.lstsq(design, of_copper, rcond=None)[0]
    explained = {
        "copper from the spectra": look.r2(file.X[known], of_copper, sites),
        f"copper from {len(majors)} major elements": look.r2(assays, of_copper, sites),
        "what these leave open, from the spectra": look.r2(file.X[known], left_open, sites),
    }
    figure, axes = plt.subplots(figsize=(7.5, 2.4), layout="constrained")
    for place, label in enumerate(("by row", "by site")[: len(next(iter(explained.values())))]):
        values = [scores[place, 0] for scores in explained.values()]
        axes.barh(np.arange(len(values)) + 0.3 * place, values, 0.3, label=label)
    axes.set_yticks(np.arange(len(explained)) + 0.15, explained)
    axes.invert_yaxis()
    axes.set(xlabel="R²")
    axes.legend(frameon=False, fontsize=8)
    print(f"major elements: {', '.join(majors)}")
    for what, scores in explained.items():
        print(f"R² of {what}: {look.told(scores)}")
