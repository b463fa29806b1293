"""The peers of train.sh: one training, its seconds on the standard output.

    train_peers.py LIBRARY WORK DATA [key=value...]

LIBRARY: lightgbm, lightgbm-quantised, xgboost, sklearn. WORK: boost (from arrays, the
loop alone), bin (the dataset's construction), csv (file to model), logistic, auc.
Prints "WORK<TAB>wall<TAB>cpu<TAB>note". DATA is what synth_gen wrote; for auc a second
file, test=FILE, is predicted and its AUC is the note.
"""
import sys
import time

import numpy as np


class Clock:
    def __init__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self):
        return time.perf_counter() - self.wall, time.process_time() - self.cpu


def options(words):
    out = {"threads": 1, "leaves": 63, "trees": 100, "seed": 7, "test": None}
    for word in words:
        key, value = word.split("=", 1)
        out[key] = value if key == "test" else int(value)
    return out


def load(path):
    return np.load(path), np.load(path + ".y")


def auc(label, score):
    order = np.argsort(score, kind="stable")
    ranks = np.empty(len(score))
    values = score[order]
    ranks[order] = np.arange(1, len(score) + 1)
    # Ties share the mean of their ranks.
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    ends = np.r_[starts[1:], len(score)]
    ranks[order] = np.repeat((starts + 1 + ends) / 2, ends - starts)
    ones = label.sum()
    return (ranks[label == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(label) - ones))


def lightgbm_parameters(o, quantised):
    p = {"objective": "binary", "num_leaves": o["leaves"], "learning_rate": 0.1, "max_bin": 255,
         "lambda_l2": 1, "min_sum_hessian_in_leaf": 1, "min_data_in_leaf": 1, "verbose": -1,
         "num_threads": o["threads"], "seed": o["seed"], "force_row_wise": True}
    if quantised:
        p.update(use_quantized_grad=True, num_grad_quant_bins=64, quant_train_renew_leaf=True)
    return p


def lightgbm(work, data, o, quantised=False):
    import lightgbm as lgb

    p = lightgbm_parameters(o, quantised)
    if work == "csv":
        clock = Clock()
        d = lgb.Dataset(data, params=dict(p, header=True, label_column="name:y"))
        lgb.train(p, d, o["trees"]).model_to_string()
        return clock.read(), ""
    x, y = load(data)
    clock = Clock()
    d = lgb.Dataset(x, y, params=p)
    d.construct()
    if work == "bin":
        return clock.read(), ""
    clock = Clock()
    model = lgb.train(p, d, o["trees"])
    spent = clock.read()
    return spent, auc(load(o["test"])[1], model.predict(load(o["test"])[0])) if o["test"] else ""


def xgboost(work, data, o):
    import xgboost as xgb

    p = {"objective": "binary:logistic", "tree_method": "hist", "grow_policy": "lossguide",
         "max_leaves": o["leaves"], "max_depth": 0, "eta": 0.1, "max_bin": 255, "lambda": 1,
         "min_child_weight": 1, "nthread": o["threads"], "seed": o["seed"], "verbosity": 0}
    if work == "csv":
        clock = Clock()
        d = xgb.DMatrix(data + "?format=csv&label_column=0", nthread=o["threads"])
        xgb.train(p, d, o["trees"]).save_raw("json")
        return clock.read(), ""
    x, y = load(data)
    clock = Clock()
    d = xgb.QuantileDMatrix(x, y, max_bin=255, nthread=o["threads"])
    if work == "bin":
        return clock.read(), ""
    clock = Clock()
    model = xgb.train(p, d, o["trees"])
    spent = clock.read()
    if not o["test"]:
        return spent, ""
    tx, ty = load(o["test"])
    return spent, auc(ty, model.predict(xgb.DMatrix(tx)))


def sklearn(work, data, o):
    from sklearn.linear_model import LogisticRegression

    x, y = load(data)
    x = x.astype(np.float64)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    clock = Clock()
    m = LogisticRegression(C=1.0, tol=1e-4, solver="lbfgs", max_iter=1000).fit(x, y)
    spent = clock.read()
    p = 1 / (1 + np.exp(-(x @ m.coef_[0] + m.intercept_[0])))
    g = x.T @ (p - y) + m.coef_[0]
    return spent, "gradient %.2g" % np.abs(g).max()


def main():
    library, work, data = sys.argv[1:4]
    o = options(sys.argv[4:])
    if library == "sklearn":
        (wall, cpu), note = sklearn(work, data, o)
    elif library == "xgboost":
        (wall, cpu), note = xgboost(work, data, o)
    else:
        (wall, cpu), note = lightgbm(work, data, o, library.endswith("quantised"))
    print("%s\t%.4f\t%.4f\t%s" % (work, wall, cpu, note))


main()
