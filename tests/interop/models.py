"""Margins of exported models in the libraries they are for, bit by bit.

models.py data NAME DIR     write DIR/train.csv, DIR/extra (train.yaml's own lines)
models.py probe DIR         DIR/probe.csv from DIR/train.csv and DIR/model.json: its rows,
                            and rows at the model's cuts, one unit above and below them,
                            with missing values and categories nobody has seen
models.py check DIR         compare DIR/margin.csv, of `lode predict --margin` on probe.csv,
                            with XGBoost, LightGBM and ONNX Runtime on DIR/model.*
"""
import csv
import json
import random
import sys

import numpy as np


def write(path, names, rows):
    with open(path, "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(names)
        w.writerows(rows)


def bundled(name):
    from sklearn import datasets

    d = getattr(datasets, "load_" + name)()
    names = [str(n).replace(" ", "_") for n in d.feature_names] + ["y"]
    return names, [[repr(float(v)) for v in x] + [repr(y.item())] for x, y in zip(d.data, d.target)]


def mixed():
    r = random.Random(5)
    rows = []
    for _ in range(4000):
        a, b, n = r.gauss(0, 1), r.random(), r.randrange(60)
        town, colour = "t%d" % min(r.randrange(90), r.randrange(90)), r.choice(["red", "green", "blue", "a,b"])
        y = a * (2 if colour == "red" else -1) + (n % 7) * b + hash_of(town) + r.gauss(0, 0.3)
        row = [repr(a), repr(b), str(n), town, colour]
        row = ["" if r.random() < 0.07 else v for v in row]
        rows.append(row + [repr(y)])
    return ["a", "b", "n", "town", "colour", "y"], rows


def hash_of(s):
    return sum(ord(c) * (i + 3) for i, c in enumerate(s)) % 5


def synthetic():
    r = random.Random(1)
    rows = []
    for _ in range(6000):
        x = [r.gauss(0, 1) for _ in range(10)]
        z = x[0] * x[1] - abs(x[2]) + 0.5 * x[3] * (x[4] > 0) + 0.3 * r.gauss(0, 1)
        rows.append(["" if r.random() < 0.05 else repr(v) for v in x] + [str(int(z > -0.4))])
    return ["x%d" % i for i in range(10)] + ["y"], rows


SETS = {
    "synthetic": (synthetic, "objective: binary"),
    "mixed": (mixed, "objective: l2"),
    "wine": (lambda: bundled("wine"), "objective: softmax"),
    "breast_cancer": (lambda: bundled("breast_cancer"), "objective: binary"),
    "diabetes": (lambda: bundled("diabetes"), "objective: l1"),
    "digits": (lambda: bundled("digits"), "objective: softmax"),
}


def data(name, d):
    make, extra = SETS[name]
    names, rows = make()
    write(d + "/train.csv", names, rows)
    with open(d + "/extra", "w") as f:
        f.write(extra)


def load(d):
    m = json.load(open(d + "/model.json"))["learner"]
    return m["feature_names"], m["feature_types"], m["gradient_booster"]["model"]["trees"], m


def probe(d):
    names, types, trees, _ = load(d)
    cuts = {}
    for t in trees:
        for left, f, c in zip(t["left_children"], t["split_indices"], t["split_conditions"]):
            if left >= 0:
                cuts.setdefault(f, set()).add(np.float32(c))
    with open(d + "/train.csv") as f:
        table = list(csv.reader(f))
    at = {n: i for i, n in enumerate(table[0])}
    rows = [[row[at[n]] for n in names] for row in table[1:]]
    r = random.Random(9)
    for f, values in sorted(cuts.items()):
        for c in sorted(values):
            for v in (np.nextafter(c, np.float32(-np.inf)), c, np.nextafter(c, np.float32(np.inf))):
                row = list(r.choice(rows))
                # LightGBM takes numbers that near to 0 for 0.
                row[f] = repr(float(v)) if types[f] != "c" and np.isfinite(v) and not 0 < abs(v) < 1e-35 else row[f]
                rows.append(row)
    for _ in range(2000):
        row = list(r.choice(rows))
        for f in range(len(names)):
            if r.random() < 0.3:
                row[f] = "" if r.random() < 0.6 or types[f] != "c" else "nobody saw this"
        rows.append(row)
    write(d + "/probe.csv", names, rows)


def check(d):
    names, types, _, m = load(d)
    cats = iter(json.loads(m["attributes"].get("lode.categories", "[]")))
    cats = [next(cats) if t == "c" else None for t in types]
    with open(d + "/margin.csv") as f:
        out = list(csv.reader(f))
    head, out = out[0], out[1:]
    margins = [i for i, n in enumerate(head) if n.startswith("margin_")] or [len(head) - 1]
    want = np.array([[float(row[i]) for i in margins] for row in out])
    text = [row[: len(names)] for row in out]
    x = np.full((len(text), len(names)), np.nan, dtype=np.float32)
    for j, known in enumerate(cats):
        code = {c: i for i, c in enumerate(known or [])}
        for i, row in enumerate(text):
            if row[j] != "":
                # A code that no tree knows stands for what was never seen.
                x[i, j] = np.float32(float(row[j])) if known is None else code.get(row[j], len(code) + 7)

    def same(what, got):
        got = np.asarray(got, dtype=np.float64).reshape(want.shape)
        bad = int((got != want).any(axis=1).sum())
        print("%s: %d of %d rows differ%s" % (what, bad, len(want), "" if bad == 0 else ", by %g" % np.abs(got - want).max()))
        return bad == 0

    ok = True
    import xgboost

    for form in ("json", "ubj"):
        b = xgboost.Booster()
        b.load_model("%s/model.%s" % (d, form))
        matrix = xgboost.DMatrix(x, feature_names=b.feature_names, feature_types=b.feature_types, enable_categorical=True)
        ok &= same("xgboost %s, %s" % (xgboost.__version__, form), b.predict(matrix, output_margin=True))
    # Contributions of the first rows: theirs are sums in binary32.
    shap = [i for i, n in enumerate(head) if n.startswith("shap_")]
    if shap:
        first = min(300, len(out))
        got = b.predict(matrix.slice(range(first)), pred_contribs=True).reshape(first, -1)
        ours = np.array([[float(row[i]) for i in shap] for row in out[:first]])
        off = np.abs(got - ours).max() / max(1, np.abs(ours).max())
        print("xgboost contributions: off by %g" % off)
        ok &= off < 1e-4
    import lightgbm

    b = lightgbm.Booster(model_file=d + "/model.txt")
    ok &= same("lightgbm " + lightgbm.__version__, b.predict(x, raw_score=True))
    import onnxruntime

    s = onnxruntime.InferenceSession(d + "/model.onnx")
    feed = {"input": x}
    if any(cats):
        feed = {
            n: np.array([[row[j]] for row in text], dtype=object) if cats[j] is not None else x[:, j : j + 1]
            for j, n in enumerate(names)
        }
    ok &= same("onnxruntime " + onnxruntime.__version__, s.run(["margin"], feed)[0])
    return 0 if ok else 1


if __name__ == "__main__":
    np.seterr(over="ignore")
    sys.exit({"data": data, "probe": probe, "check": check}[sys.argv[1]](*sys.argv[2:]))
