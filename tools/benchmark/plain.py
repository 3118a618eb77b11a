"""The four steps the plain way, as the challenge entry takes that this project re-creates.

    python tools/benchmark/plain.py preprocess --folder FOLDER

What tools/benchmark/steps.py measures the steps against: the whole file read with pandas, a
rolling window over a DataFrame, scikit-learn's RidgeCV with a scorer, to_csv. FOLDER holds
public.csv.gz and takes the outputs. Runs on Python 3.7 and pandas 1.1 as well.
"""

import argparse
import pickle

import numpy as np
import pandas as pd

IDS = ["DepthTo", "SiteID", "DepthFrom"]
N_TARGETS = 49


def read(folder):
    return pd.read_csv(folder + "/public.csv.gz", index_col=0)


def preprocess(table):
    spectra = table.iloc[:, len(IDS) : -N_TARGETS]
    reference = spectra.iloc[:, :-300]
    low, high = reference.min(axis=1), reference.max(axis=1)
    spectra = spectra.clip(low, high, axis=0).div(high, axis=0)
    windows = spectra.T.rolling(7, min_periods=1).sum().T.iloc[:, ::7]
    return pd.concat([table[IDS], windows], axis=1), table.iloc[:, -N_TARGETS:]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=["preprocess", "train", "predict", "score"])
    parser.add_argument("--folder", required=True)
    arguments = parser.parse_args(argv)
    folder = arguments.folder
    if arguments.step == "preprocess":
        preprocess(read(folder))[0].to_csv(folder + "/features.csv")
    elif arguments.step == "train":
        from sklearn.linear_model import RidgeCV

        features, targets = preprocess(read(folder))
        model = RidgeCV(np.logspace(-5, 5, 50), scoring="r2", alpha_per_target=True).fit(features, targets)
        with open(folder + "/plain.pkl", "wb") as file:
            pickle.dump(model, file)
    elif arguments.step == "predict":
        with open(folder + "/plain.pkl", "rb") as file:
            model = pickle.load(file)
        predictions = model.predict(preprocess(read(folder))[0]).clip(0)
        pd.DataFrame(predictions).to_csv(folder + "/plain.out", header=False, index=False)
    else:
        from sklearn.metrics import r2_score

        actual = read(folder).iloc[:, -N_TARGETS:]
        predicted = pd.read_csv(folder + "/plain.out", header=None)
        print(r2_score(actual, predicted, multioutput="raw_values").mean())


if __name__ == "__main__":
    main()
