# %% [markdown]
# # What is in a file of spectra?
#
# One line a spectrum, its channels an axis of wavenumbers in even steps. Figures run from high to low
# wavenumbers, as spectroscopists draw them, whichever way the file's axis runs.
#
# Run after `make run` has put a file into `data/public`, from any folder; `SPECTRA` names another file. What
# the text claims is true of the demo data, which is synthetic. Below each claim stand the numbers that say
# whether it holds for the file at hand.

# %%
import look
import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial.distance import cdist

import preprocess
from preprocess import SETTINGS
from tools.spectra import features_of, part_of

FEW = 10  # spectra drawn together
MOST = 1000  # rows compared with each other

file = look.read(look.FILE)
targets, ids = list(file.table.targets), file.table.ids
n_rows, n_channels = file.spectra.shape
n_windows = file.X.shape[1]
in_range = part_of(file.spectra, SETTINGS, file.channels.astype(str))
steps = np.diff(file.channels)
falls = bool(steps[0] < 0)
uneven = np.ptp(steps) / abs(steps.mean())

figure, axes = plt.subplots(figsize=(7.5, 3.2), layout="constrained")
axes.fill_between(
    file.channels, *np.percentile(file.spectra, [5, 95], axis=0), alpha=0.3, lw=0, label="9 of 10"
)
axes.plot(file.channels, np.median(file.spectra, axis=0), lw=1, label="median")
axes.axvline(file.channels[in_range][-1], color="0.5", lw=0.8, ls="--", label="end of the range")
axes.set(ylabel="as in the file", ylim=np.percentile(file.spectra[:, in_range], [0.1, 99.9]) * [0.8, 1.1])
axes.legend(frameon=False, fontsize=8)
look.falling(axes)
print(f"{n_rows:,} spectra, {n_channels:,} channels, {len(targets)} targets, ids: {', '.join(ids) or 'none'}")
print(
    f"from {file.channels[0]:.0f} to {file.channels[-1]:.0f} cm⁻¹: the axis {'falls' if falls else 'rises'}"
)
print(f"a channel every {abs(steps.mean()):.2f} cm⁻¹; steps differ by at most {uneven:.1%}")

# %% [markdown]
# ## Samples of one site resemble each other
#
# A hole gives tens of samples, one below the other, and two of them differ less than two from different
# holes. That is why a score by row does not say what a new hole will bring.

# %%
if file.sites is None:
    print("no SiteID: nothing to compare")
else:
    names, number, counts = np.unique(file.sites, return_inverse=True, return_counts=True)
    rows = np.linspace(0, n_rows - 1, min(n_rows, MOST)).astype(int)
    distance = cdist(file.X[rows], file.X[rows])
    pairs = np.triu(np.ones_like(distance, bool), 1)
    same = number[rows][:, None] == number[rows]
    within, between = np.median(distance[pairs & same]), np.median(distance[pairs & ~same])
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    if {"DepthFrom", "DepthTo"} <= set(ids):
        top, bottom = (
            ids[name].groupby(file.sites).agg(how) for name, how in [("DepthFrom", "min"), ("DepthTo", "max")]
        )
        panels[0].bar(range(len(names)), bottom - top, bottom=top, width=0.7)
        panels[0].set(ylabel="depth", ylim=(bottom.max(), min(0, top.min())))
        depths = f"depths {top.min():g} to {bottom.max():g}, {(bottom - top).median():g} a site (median)"
    else:
        panels[0].bar(range(len(names)), counts, width=0.7)
        panels[0].set(ylabel="samples")
        depths = "no DepthFrom and DepthTo"
    panels[0].set(xlabel="site, in order of SiteID", title="what each site covers")
    bins = np.linspace(0, np.percentile(distance[pairs], 99), 50)
    for label, part in (("one site", same), ("two sites", ~same)):
        panels[1].hist(distance[pairs & part], bins, density=True, histtype="step", label=label)
    panels[1].set(xlabel="distance of two spectra's features", ylabel="density", title="two samples of")
    panels[1].legend(frameon=False)
    print(f"{len(names)} sites of {counts.min()} to {counts.max()} samples; {depths}")
    print(f"distance of two spectra, median: {within:.2f} within a site, {between:.2f} between sites")

# %% [markdown]
# ## No single channel tells copper
#
# The spectra with the most copper lie apart from those with the least over most of the range, not in a band of
# copper's own; and over all samples even the best channel tells little. All together tell far more, although
# that channel was looked up and the figure of all together is of spectra left out.

# %%
target = "CuPPM" if "CuPPM" in targets else targets[0]
if target != "CuPPM":
    print(f"no CuPPM: {target} stands for it")
assay = file.table.targets[target].to_numpy()
known = np.flatnonzero(~np.isnan(assay))
order = known[np.argsort(assay[known], kind="stable")]
few = min(FEW, len(known) // 2)
lowest, highest = order[:few], order[-few:]
scaled = preprocess.scale(file.spectra, in_range)
channels = file.channels[in_range]
with np.errstate(invalid="ignore"):  # a channel that is the maximum of all is constant
    centred = scaled[known][:, in_range] - scaled[known][:, in_range].mean(axis=0)
    deviation = assay[known] - assay[known].mean()
    explained = (deviation @ centred) ** 2 / (centred**2).sum(axis=0) / (deviation**2).sum()
best = int(np.nanargmax(explained))
together = look.r2(file.X, assay[:, None], file.sites)
apart = np.abs(scaled[highest][:, in_range].mean(axis=0) - scaled[lowest][:, in_range].mean(axis=0))
wide = float((apart > apart.max() / 2).mean())

figure, axes = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
for rows, colour, label in ((lowest, "C0", "lowest"), (highest, "C3", "highest")):
    lines = axes.plot(channels, scaled[rows][:, in_range].T, color=colour, lw=0.6, alpha=0.7)
    lines[0].set_label(f"{label} {target}: {assay[rows].min():.4g} to {assay[rows].max():.4g}")
axes.axvline(channels[best], color="0.5", lw=0.8, ls="--", label="best single channel")
axes.set(ylabel="scaled spectrum")
figure.legend(frameon=False, fontsize=8, loc="outside upper center", ncols=3)
look.falling(axes)
print(
    f"the {few} highest and the {few} lowest: half of their greatest difference or more in {wide:.0%} of channels"
)
print(
    f"R² of the best channel, {channels[best]:.0f} cm⁻¹, on the rows it was found on: {explained[best]:.3f}"
)
print(f"R² of all together, left out: {look.told(together)}")

# %% [markdown]
# ## Scaling takes away what multiplies a spectrum, and nothing else
#
# How much sample the beam meets and the instrument's gain multiply a spectrum. Multiplied by factors between
# ½ and 2 drawn at random, spectra give the same features as before. A baseline that is added stays.

# %%
rng = np.random.default_rng(0)
gain = 2.0 ** rng.uniform(-1, 1, (n_rows, 1))


def spread(spectra):
    """Standard deviation between spectra as a share of their mean, over the range."""
    part = spectra[:, in_range]
    return float(np.sqrt(part.var(axis=0).sum() / (part.mean(axis=0) ** 2).sum()))


before, gained, after = (
    spread(file.spectra),
    spread(gain * file.spectra),
    spread(preprocess.scale(gain * file.spectra, in_range)),
)
of_file = spread(scaled)
features = features_of(gain * file.spectra, SETTINGS)
offset = file.spectra + 0.1 * np.abs(file.spectra).mean()
moved = {
    "gain": float(np.abs(features - file.X).max() / file.X.std()),
    "baseline": float(np.abs(features_of(offset, SETTINGS) - file.X).max() / file.X.std()),
}

figure, panels = plt.subplots(1, 3, figsize=(11, 3), layout="constrained")
drawn = rng.permutation(n_rows)[:40]
for panel, spectra, title in (
    (panels[0], file.spectra, f"as in the file, spread {before:.1%}"),
    (panels[1], gain * file.spectra, f"times ½ to 2, spread {gained:.1%}"),
    (panels[2], preprocess.scale(gain * file.spectra, in_range), f"then scaled, spread {after:.1%}"),
):
    panel.plot(channels, spectra[drawn][:, in_range].T, lw=0.5, alpha=0.6)
    panel.set_title(title, fontsize=10)
    look.falling(panel)
print(
    f"spread of the spectra: {before:.1%} in the file, {gained:.1%} with gains of ½ to 2, {after:.1%} once scaled"
)
print(f"the file's own spread once scaled: {of_file:.1%}")
print(
    f"features moved, in their standard deviation: {moved['gain']:.1e} by gain, {moved['baseline']:.1e} by a baseline"
)

# %% [markdown]
# ## The range stops 300 channels before the end, because the end is noise
#
# Where the detector fades, a maximum is a maximum of noise, and every channel would be divided by it. So the
# range ends before. The channels behind it stay, clipped to what the range holds: some of them still tell.
# Noise is estimated from third differences along the axis, which most bands are too broad to touch (Gasser,
# Sroka & Jennen-Steinmetz 1986, Biometrika 73, 625).

# %%
noise = np.sqrt((np.diff(file.spectra, n=3, axis=1) ** 2).mean(axis=0) / 20)  # 20 = 1 + 9 + 9 + 1
end = n_channels + in_range.stop
last = n_channels - 1 + in_range.stop // 3
tail, inside = np.median(noise[last:]), np.median(noise[:end])
width = SETTINGS.window
over_all = preprocess.scale(file.spectra, slice(None))
by_range = {
    name: look.r2(preprocess.window_sums(spectra, width), file.Y, file.sites)
    for name, spectra in {
        "scaled over all channels": over_all,
        "over the range": scaled,
        "over the range, the rest left out": scaled[:, in_range],
    }.items()
}

figure, axes = plt.subplots(figsize=(7.5, 3), layout="constrained")
axes.semilogy(file.channels[1:-2], noise, lw=0.8, label="noise")
axes.semilogy(file.channels, file.spectra.std(axis=0), lw=0.8, label="spread of the spectra")
axes.axvline(file.channels[end], color="0.5", lw=0.8, ls="--", label="end of the range")
axes.set(ylabel="standard deviation")
axes.legend(frameon=False, fontsize=8)
look.falling(axes)
print(f"noise, median over channels: {inside:.2g} in the range, {tail:.2g} in the last {n_channels - last}")
for name, scores in by_range.items():
    print(f"mean R² {name}: {look.told(scores)}")

# %% [markdown]
# ## Windows of 7 channels: a seventh of the features, 2.6 times less noise, the bands stay
#
# Neighbouring channels say nearly the same. Their mean says it with the noise of one channel divided by
# √7 = 2.65, as long as the noise of neighbours is independent; noise of that kind is added here to see.
# What a window cannot hold is a band narrower than itself.

# %%
starts = np.arange(0, scaled[:, in_range].shape[1], width)
size = np.diff([*starts, scaled[:, in_range].shape[1]])
sd = inside / np.median(file.spectra[:, in_range].max(axis=1))  # of a channel, once scaled
means = preprocess.window_sums(scaled[:, in_range], width) / size
noisy = preprocess.window_sums(scaled[:, in_range] + rng.normal(0, sd, (n_rows, end)), width) / size
quieter = float(sd / (noisy - means)[:, size == width].std())
back = np.repeat(means, size, axis=1)
difference = scaled[:, in_range] - scaled[:, in_range].mean(axis=0)  # of each spectrum from the mean
lost = ((difference - (back - back.mean(axis=0))) ** 2).sum(axis=0)
kept = float(1 - lost.sum() / (difference**2).sum())

worst = int(lost[: (len(size) - 1) * width].argmax()) // width * width
some = slice(max(0, worst - 8 * width), worst + 9 * width)
figure, axes = plt.subplots(figsize=(7.5, 3), layout="constrained")
row = highest[-1]
axes.plot(channels[some], scaled[row, in_range][some], ".-", ms=3, lw=0.6, label="channels")
axes.step(channels[some], back[row][some], where="mid", lw=1.2, label="mean of each window")
axes.set(ylabel="scaled spectrum", title="where windows lose most")
axes.legend(frameon=False, fontsize=8)
look.falling(axes)
print(f"{n_channels:,} channels, {n_windows:,} features of {width * abs(steps.mean()):.1f} cm⁻¹ each")
print(f"noise of a channel / noise of a window's mean: {quieter:.2f}")
print(f"kept of the differences between spectra: {kept:.1%}")
