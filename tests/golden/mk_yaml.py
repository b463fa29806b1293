"""Ask ruamel.yaml, with DVC's own settings, how it writes scalars.

usage: mk_yaml.py OUTFILE        (run with the Python of a DVC environment)

One JSON object a line; README.md has the fields. The values are drawn from a
fixed seed, so two runs write the same bytes.
"""

import json
import random
import sys

from dvc.utils.serialize import dumps_yaml, loads_yaml

# context: how to wrap the value, and the text that precedes ours
CONTEXTS = {
    "out": (lambda v: {"outs": [{"md5": "0" * 3 + "a", "path": v}]}, "outs:\n- md5: 000a\n  path:"),
    "lockpath": (
        lambda v: {"stages": {"s": {"deps": [{"path": v}]}}},
        "stages:\n  s:\n    deps:\n    - path:",
    ),
    "lockcmd": (lambda v: {"stages": {"s": {"cmd": v}}}, "stages:\n  s:\n    cmd:"),
    "param": (
        lambda v: {"stages": {"s": {"params": {"p": {"k": v}}}}},
        "stages:\n  s:\n    params:\n      p:\n        k:",
    ),
    "desc": (lambda v: {"desc": v}, "desc:"),
    "item": (lambda v: {"deps": [v]}, "deps:\n-"),
    "item4": (lambda v: {"stages": {"s": {"deps": [v]}}}, "stages:\n  s:\n    deps:\n    -"),
    "key": (lambda v: {"stages": {"s": {v: 1}}}, "stages:\n  s:\n"),
}
MAIN = ["out", "lockpath", "lockcmd", "desc", "item4"]

WORDS = """true True TRUE tRUE false False null Null NULL nUll ~ ~a yes Yes no on off y n N = == << <<a
0 1 -1 +1 12 017 08 1_000 _1 1_ 0x1F 0x1f 0xg 0b10 0b2 0o17 0o8 0O17 1. 1.5 .5 . .. ... .... -.5 +.5 1e3 1E-3 1e 1e+ 1e+5
1.5e3 1.5e+3 .5e3 .5e+3 ._ .inf .Inf .INF -.inf +.inf .iNf .nan .NaN .NAN -.nan nan inf 12:30 1:30:45 190:20:30.15
123456789012345678901234567890 12345678901234567890123456789012 1234567890123456e789012345678901
0123456789abcdef0123456789abcdef d41d8cd98f00b204e9800998ecf8427e 00000000000000000000000000000000
2020-01-02 2020-1-2 2020-01-02T03:04:05Z 2020-01-02t03:04:05.5+01:00 2020-01-02x 20200102 2001-12-14t21:59:43.10-05:00
- -- --- ---a ----a -a a- a-b ? ?a : :a a: a:b ::: # #a a#b a#
, ,a a, a,b [ [a [a] a[b] ] ]a a] { {a {a} a{b} } & &a a&b * *a a*b ! !a !!a !!str a! | |a a| > >a >- a>
' 'a a' 'a' it's '' " "a a" "a" a"b % %a a% @ @a a@b ` `a a` $ ${x} ${x}/a \\ a\\b \\n c:\\x / /a a/b ./a ../a ~/x
data/raw.csv http://host/x s3://bucket/key?versionId=1 remote://r/p ds://name a=b a;b (a) a+b a|b ^a
\u00fc \u00fcnicode.csv e\u0301 \u4e2d\u6587 \U0001f600 a\U0001f600b \u00e9\u00e9 \u0416 \u00a0 a\u00a0b
\u200b a\u200bb \u2028 a\u2028b \u2029 a\u2029b \u0085 a\u0085b \ufeff a\ufeffb \ufffd \ufffe a\ufffeb \x7f a\x7fb \x80 a\x9fb \ue000 \u00ad
\U0001fffe \U0010ffff \U000e0001""".split(" ")
WORDS = [w for line in WORDS for w in line.split("\n")]
SPACED = [
    "", " ", "  ", " a", "a ", "  a", "a  ", "a b", "a  b", "a   b", "- a", "-  a", "? a", ": a", "a: b", "a :b", "a : b", "a #b",
    "a# b", "a # b", "# a", "a, b", "[a, b]", "{a: b}", "a: b 'x'", 'a: "b"', "it's a: b", 'say "hi"', "'quoted' word", '"q" w',
    "! a", "& a", "* a", "| a", "> a", "% a", "@ a", "` a", "--- x", "... x", "---\tx", "--- ", "a ---", "a\n--- b", "a\n... b",
    "\t", "\ta", "a\t", "a\tb", "a\t#b", "a:\tb", "a\t b", " \t", "\n", "\n\n", "a\n", "\na", "a\nb", "a\n\nb", "a \nb", "a\n b",
    "a \n b", "a\n ", " \na", "a\r", "a\rb", "a\r\nb", "\r", "a\x00b", "\x00", "\x01", "a\x07b", "a\x08b", "a\x0bb", "a\x0cb",
    "a\x1bb", "\x1b[31mred", "a'\nb", "a\"\nb", "'\n'", "a\u0085 b", "\u2028 a", "a b\u2029", "a \u00a0 b", "new\nline",
    "echo hi > o; mkdir -p od; echo x > od/x; echo '{\"m\":0.123456789,\"n\":{\"k\":1}}' > m.json",
    "echo a\necho b > okout\n", "python train.py --lr 0.1 \\\n  --epochs 10", "a \\ b", "a\\ b\n", "null ", " null", "true #x",
    "1 2", "1_0 ", "0x1 f", "2020-01-02 03:04:05", "2020-01-02 03:04:05 +1", "2020-01-02 a", "2020-01-02  03:04:05", "a: ", ": ",
    "- ", "? ", "# ", "key: [a]", "<<: a", "a b:", "a b #", "é b", "中文 文件.csv", "😀 smile", "e\u0301 nfd", "tab\there and 'q'",
]
NUMBERS = [
    0, 1, -1, 10**30, -(10**30), 0.0, -0.0, 1.0, 0.1, -0.5, 1e-05, 1e-4, 0.001, 1e15, 1e16, 1e17, 1e20, 123456789.125, 1e22, 1e100,
    1.5e300, 5e-324, 2.5e-08, 3.0, 1e3, 0.30000000000000004, float("inf"), float("-inf"), float("nan"), True, False, None, [], {},
    [1, 2], [None], [[1, 2], 3], [[]], [{}], [{"a": 1, "b": 2}], {"a": None}, {"a": {"b": []}}, {"a": [1, "x"], "b": {}},
    [[["a"]]], [{"a": [1]}, {"b": {"c": 2}}], ["a b", "# c", "true", ""], {"null": 1, "true": 2, "1": 3, "": 4, "a b": 5},
]


def clean(s):
    return "".join(c for c in s if not 0xD800 <= ord(c) < 0xE000)


def rand_values(rnd):
    """(context, value) pairs: the neighbourhood of column 80 above all."""
    low = "abcdefghij"
    word = lambda n: "".join(rnd.choice(low) for _ in range(n))
    for ctx in MAIN + ["item"]:
        for n in list(range(60, 86)) + [100, 150, 255]:
            yield ctx, "x" * n
        for n in (62, 66, 68, 69, 70, 72, 74, 76, 78, 80, 90):
            yield ctx, "\u00fc" * n
            yield ctx, "#" + "x" * n
            yield ctx, "x" * n + "'\n"
            yield ctx, "x" * n + " y"
            yield ctx, "x" * n + "  y"
            yield ctx, "x y" + "z" * n
            yield ctx, "# " + "x" * n + " y"
    for i in range(1150):
        ctx = MAIN[i % len(MAIN)]
        kind = i // len(MAIN) % 7
        target = rnd.choice([75, 80, 90, 130, 170, 250])
        parts = []
        size = 0
        while size < target:
            w = word(rnd.choice([1, 2, 3, 5, 8, 12, 20, 40, 85]))
            if kind == 2 and rnd.random() < 0.15:
                w += rnd.choice([": ", " #", "'", "' ", '"'])
            if kind == 3:
                w += rnd.choice(["", "", "\n", "\t", "\x01", "'", "\u0085", '"', "\\", "\u2028", "\u00e9"])
            if kind == 4:
                w = rnd.choice(["\u00fc", "\u4e2d", "\U0001f600", "e\u0301"]) * len(w)
            if kind == 5 and rnd.random() < 0.3:
                w += rnd.choice(["\n", " \n", "\n ", "\n\n"])
            parts.append(w)
            size += len(w) + 1
        sep = {1: lambda: rnd.choice([" ", " ", "  ", "   "]), 6: lambda: rnd.choice(["/", "_", ".", " ", "-"])}
        s = parts[0]
        for p in parts[1:]:
            s += sep.get(kind, lambda: " ")() + p
        if kind == 2 and rnd.random() < 0.5:
            s = rnd.choice(["# ", "- ", "! ", "@", "[", "'"]) + s
        yield ctx, clean(s)
    nasty = " ab:#-?,[]{}&*!|>'\"%@`\n\t\\~=<.0123e_x/\u00e9\u0085\u2028\x01"
    for i in range(700):
        s = "".join(rnd.choice(nasty) for _ in range(rnd.randint(1, 7)))
        yield MAIN[i % len(MAIN)], s
    for i in range(120):
        s = " ".join(word(rnd.choice([3, 9, 20, 39, 41])) for _ in range(rnd.randint(1, 5)))
        yield "key", s
    for n in (100, 110, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 200):
        yield "key", "k" * n
        yield "key", "k" * (n - 3) + " a#"
        yield "key", "# " + "k" * n


def main(path):
    rnd = random.Random(20240102)
    seen = set()
    todo = []
    for v in WORDS + SPACED:
        for ctx in ("out", "desc", "item", "key", "lockcmd"):
            todo.append((ctx, v))
    for v in NUMBERS:
        todo.append(("param", v))
    todo += list(rand_values(rnd))
    count = 0
    with open(path, "w", encoding="ascii") as f:
        for ctx, v in todo:
            tag = (ctx, repr(v))
            if tag in seen:
                continue
            seen.add(tag)
            wrap, prefix = CONTEXTS[ctx]
            text = dumps_yaml(wrap(v))
            assert text.startswith(prefix), (ctx, v, text)
            try:
                back = loads_yaml(text)
                good = repr(back) == repr(wrap(v))
            except Exception:
                good = False
            row = {"c": ctx, "v": v, "x": text[len(prefix) :]}
            if not good:
                row["r"] = False
            f.write(json.dumps(row, separators=(",", ":")) + "\n")
            count += 1
    print(f"{count} scalars", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
