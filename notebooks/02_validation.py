# %% [markdown]
# # How good is it on the next drill hole?
#
# Cross-validation by row asks about a new sample from a hole that the model knows; by site, about a new
# hole. Run after `make run` has put a file into `data/public`, from any folder; `SPECTRA` names another file.

# %%
import look
import matplotlib.pyplot as plt
import numpy as np

import score
from mdl import ZeroClippedRidgeCV
from recore.folds import draw_folds
from tools.validate.cross_validation import fit_predict, held_out
from tools.validate.measures import mean_r2, target_r2

REPEATS, FOLDS = 2, 5

table = look.table(look.FILE)
X, Y = table.features.to_numpy(), table.targets.to_numpy()
if "SiteID" not in table.ids:
    raise SystemExit(f"{look.FILE}: found no SiteID, expected sites to hold out; look at another file")
sites = table.ids["SiteID"].to_numpy()
folds = {
    "row": draw_folds(np.arange(len(X)), REPEATS, FOLDS),
    "site": draw_folds(sites, REPEATS, FOLDS),
}
predicted = {name: held_out(fit_predict, X, Y, drawn)[0] for name, drawn in folds.items()}

# %% [markdown]
# ## By row looks better than by site
#
# Every target below the line is predicted worse in a hole that the model has not seen. The gap is what
# rows of one hole tell about each other.

# %%
r2 = {name: target_r2(Y, values) for name, values in predicted.items()}
figure, axes = plt.subplots(figsize=(4.5, 4.5), layout="constrained")
axes.scatter(r2["row"], r2["site"], s=12)
axes.axline((0, 0), slope=1, color="0.5", lw=0.8)
axes.set(xlabel="R² by row", ylabel="R² by site", title="one point a target")
below = float((r2["site"] < r2["row"]).mean())
print(f"mean R² by row {r2['row'].mean():.3f}, by site {r2['site'].mean():.3f}; {below:.0%} of targets below")

# %% [markdown]
# ## A target that is nothing but the site scores by row only
#
# The number of the site is no property of the sample. What it scores by row is the leak; by site there
# is none.

# %%
number = np.unique(sites, return_inverse=True)[1][:, None].astype(float)
leak = {
    name: mean_r2(number, held_out(fit_predict, X, number, drawn)[0]).mean() for name, drawn in folds.items()
}
print(f"R² of the site's number: by row {leak['row']:.3f}, by site {leak['site']:.3f}")

# %% [markdown]
# ## Clipping at 0 costs nothing and brings a little
#
# A concentration is never below 0, so moving a negative prediction to 0 always moves it closer.


# %%
def unclipped(X, Y, new, groups=None):
    """The same model without its last step."""
    model = ZeroClippedRidgeCV().fit(X, Y, groups=groups)
    return new @ model.coef_.T + model.intercept_


free, _ = held_out(unclipped, X, Y, folds["site"])
gain = score.r2(Y, predicted["site"][0]) - score.r2(Y, free[0])
print(f"R² by site gained by clipping: mean {gain.mean():.4f}, least {gain.min():.4f}, most {gain.max():.4f}")
print(f"predictions below 0 without it: {(free < 0).mean():.1%}")
