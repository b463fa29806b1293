"""Ask DVC's own resolver what the stages of a dvc.yaml are.

usage: mk_resolve.py OUTDIR      (run with the Python of a DVC environment)

Reads resolve-cases.txt beside it, writes OUTDIR/NAME/ with the case's files
and expected.json; README.md has the layout.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def read_cases():
    """=== NAME starts a case, --- FILE a file of it; \\x stays as it is."""
    cases, files, text = {}, None, None
    with open(os.path.join(HERE, "resolve-cases.txt"), encoding="utf-8") as f:
        for line in f:
            if line.startswith("=== "):
                files = cases.setdefault(line[4:].strip(), {})
                text = None
            elif line.startswith("--- "):
                text = files.setdefault(line[4:].strip(), [])
            elif text is not None:
                text.append(line)
    return {n: {k: "".join(v) for k, v in fs.items()} for n, fs in cases.items()}


def plain(x):
    import datetime
    from collections.abc import Mapping

    if isinstance(x, Mapping):
        return {("null" if k is None else str(k).lower() if isinstance(k, bool) else str(k)): plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, (datetime.date, datetime.datetime)):
        return {"!timestamp": str(x)}
    return x


def out_json(out):
    d = {"path": out.def_path, "cache": bool(out.use_cache)}
    if out.metric:
        d["metric"] = True
    if out.plot:
        d["plot"] = True
    if out.persist:
        d["persist"] = True
    if not out.can_push:
        d["push"] = False
    if out.remote:
        d["remote"] = out.remote
    annot = out.annot.to_dict()
    if annot:
        d["annot"] = plain(annot)
    return d


def dep_json(dep):
    d = {"path": dep.def_path}
    if hasattr(dep, "params"):
        d["params"] = list(dep.params)
    return d


def message(exc, root):
    text = str(exc)
    cause = exc.__cause__
    while cause is not None and str(cause):
        text += ": " + str(cause)
        cause = cause.__cause__
    return re.sub("\x1b\\[[0-9;]*m", "", text).replace(root, "ROOT")


def resolve(root, path):
    from dvc.dvcfile import ProjectFile
    from dvc.repo import Repo

    os.chdir(root)
    with Repo(root) as repo:
        try:
            dvcfile = ProjectFile(repo, os.path.join(root, path), verify=False)
            loader = dvcfile.stages
            resolver = dvcfile.resolver
            names = resolver.get_keys()
        except Exception as e:
            return {"error": message(e, root), "kind": type(e).__name__}
        res = {"stages": {}}
        for name in names:
            try:
                data = resolver.resolve_one(name)[name]
                entry = {"data": plain(data)}
                stage = loader[name]
                entry["wdir"] = os.path.relpath(stage.wdir, root)
                entry["deps"] = [dep_json(d) for d in stage.deps]
                entry["outs"] = [out_json(o) for o in stage.outs]
            except Exception as e:
                entry = {"error": message(e, root), "kind": type(e).__name__}
            res["stages"][name] = entry
        for top in ("artifacts", "datasets", "metrics", "params", "plots"):
            try:
                value = getattr(dvcfile, top)
            except Exception as e:
                value = {"error": message(e, root), "kind": type(e).__name__}
            if value:
                res[top] = plain(value)
        return res


def has_error(x):
    if isinstance(x, dict):
        return "error" in x and "kind" in x or any(has_error(v) for v in x.values())
    return False


def main(outdir):
    shutil.rmtree(outdir, ignore_errors=True)
    dvc = os.environ["DVC"]
    count = bad = 0
    for name, files in read_cases().items():
        with tempfile.TemporaryDirectory() as tmp:
            root = os.path.realpath(tmp)
            os.makedirs(os.path.join(root, ".dvc", "tmp"))
            with open(os.path.join(root, ".dvc", "config"), "w") as f:
                f.write(files.get(".dvc/config", "") + "[core]\n    no_scm = True\n")
            case = os.path.join(outdir, name)
            path = "dvc.yaml"
            for fname, text in files.items():
                if fname == ".dvc/config":
                    continue
                if os.path.basename(fname) == "dvc.yaml" and "dvc.yaml" not in files:
                    path = fname
                for base in (root, case):
                    full = os.path.join(base, fname)
                    os.makedirs(os.path.dirname(full), exist_ok=True)
                    with open(full, "w", encoding="utf-8") as f:
                        f.write(text)
            if ".dvc/config" in files:
                with open(os.path.join(case, "config"), "w") as f:
                    f.write(files[".dvc/config"])
            res = {"file": path, **resolve(root, path)}
            if has_error(res):
                bad += 1
                r = subprocess.run([dvc, "status"], cwd=root, capture_output=True, text=True, check=False)
                res["status_exit"] = r.returncode
                res["status_stderr"] = r.stderr.replace(root, "ROOT")
            with open(os.path.join(case, "expected.json"), "w", encoding="utf-8") as f:
                json.dump(res, f, indent=1, ensure_ascii=True)
                f.write("\n")
            count += 1
    print(f"{count} pipeline files, {bad} with errors", file=sys.stderr)


main(os.path.abspath(sys.argv[1]))
