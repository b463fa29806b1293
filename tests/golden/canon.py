"""canon.py KIND: put DVC's unordered output (stdin) into a stated order.

status   stage blocks by name, or the keys of a JSON object
dstatus  the entries of each section, or of each JSON list
hint     the files of the "git add" line
lines    all lines
"""

import json
import re
import shlex
import sys

kind = sys.argv[1]
text = sys.stdin.read()


def ordered(x, top):
    if isinstance(x, dict):
        items = sorted(x.items()) if top and kind == "status" else x.items()
        return {k: ordered(v, False) for k, v in items}
    if isinstance(x, list) and kind == "dstatus":
        return sorted((ordered(v, False) for v in x), key=lambda v: json.dumps(v, sort_keys=True, ensure_ascii=False))
    if isinstance(x, list):
        return [ordered(v, False) for v in x]
    return x


if kind == "lines":
    text = "".join(sorted(text.splitlines(keepends=True)))
elif kind == "hint":
    # A name may hold a newline, quoted.
    m = re.search(r"\n\tgit add (.*?)\n\nTo enable", text, re.S)
    if m:
        words = " ".join(sorted(shlex.quote(w) for w in shlex.split(m[1])))
        text = text[: m.start(1)] + words + text[m.end(1) :]
elif text.startswith("{"):
    text = json.dumps(ordered(json.loads(text), True)) + "\n"
elif kind == "status":
    blocks = []
    for line in text.splitlines(keepends=True):
        if line.startswith("\t") and blocks:
            blocks[-1].append(line)
        else:
            blocks.append([line])
    # entries inside "changed deps/outs" keep their order: it is that of the file
    text = "".join("".join(b) for b in sorted(blocks))
elif kind == "dstatus":
    out, run = [], []
    for line in text.splitlines(keepends=True) + [None]:
        if line is not None and line.startswith("        "):
            run.append(line)
            continue
        out += sorted(run)
        run = []
        if line is not None:
            out.append(line)
    text = "".join(out)
sys.stdout.write(text)
