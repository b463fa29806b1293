"""Ask DVC's readers and writers about small texts: YAML, TOML, Python, JSON, the
config syntax, and the two file hashes.

usage: mk_formats.py OUTDIR      (run with the Python of a DVC environment)

Writes yaml-read, params-read, config-read, config-write, hash .jsonl; README.md has
the fields.
"""

import datetime
import io
import json
import os
import random
import sys
import tempfile

from configobj import ConfigObj
from dvc.config import Config, _pack_named
from dvc.utils.serialize import parse_json, parse_py, parse_toml, parse_yaml

from mk_yaml import SPACED, WORDS

YAML = r"""
a: 1
===
a:
===
[]
===
{}
===
- a
- b:
    c
-   - d
    -  e
===
a: [1, 'b', "c", d e, ]
===
a: {b: 1, c: , d, "e": 2}
===
a: [ds://x, p.yaml:k, a: b, {c: d}]
===
? a
: b
? [c]
: d
===
? a
? b
===
a: |
  x
   y

  z

b: |-
  x

c: |+
  x

d: >
  x
  y

  z
   w
  v

e: >-
  x

f: |2
    x
g: end
===
a: 'it''s
  folded

  twice'
b: "fold\
  ed \
  x
  y\n\x41\u00e9\U0001f600\0\a\b\e\_\N\L\P\/\ \	"
===
a: x
  y
  z
b: c
===
a: b # comment
# c
c: d#e
e: '#f'
===
a: &x [1, 2]
b: *x
c: &y {k: v}
d: *y
e:
  <<: *y
  k2: v2
f:
  <<: [*y, {k3: v3, k: other}]
g: {<<: *y, k: mine}
===
&a x: *a
===
!!str 5: !!int "7"
===
a: !!str 5
b: !!float 3
c: !!null ''
d: !!bool "true"
e: !!seq [1]
===
a: !foo 1
===
a: !!set {x, y}
===
a: !!binary aGk=
===
a: !!omap [a: 1]
===
a: =
===
a: @x
===
a: %x
===
a: `x
===
%YAML 1.1
---
a: yes
b: 017
c: 0o17
===
%YAML 1.2
---
a: yes
===
---
a: 1
...
===
a: 1
---
b: 2
===
a: 1
a: 2
===
1: a
true: b
===
1: a
1.0: b
===
null: a
~: b
===
a: b: c
===
a: 'b
===
a: "b
===
a: [1
===
a: *x
===
a: &x *x
===
a: &x [*x]
===
 a: 1
b: 2
===
a:
- 1
-2
===
a:
  - 1
 - 2
===
a: 1
	b: 2
===
a:	1
===
a: "\q"
===
a: "\x4"
===
a: "\ud83d\ude00"
===
- - - a
    - b
  - c
===
-
-
- a
===
a: -
===
a: - b
===
a: b
 # c
  d
===
"a b": 1
'c d': 2
e f: 3
? |
  g
: 4
===
a: {b: [c, {d: e}], f: {}}
===
{a: 1, b: {c: 2}}
===
[a, [b], {c: d}]
===
{a: 1,}
===
[,]
===
{a}
===
a: b
... 
===
# only a comment
===

===
~
===
a
===
"a"
===
0
===
a: 2020-01-02
b: 2020-01-02T03:04:05Z
c: 2020-01-02 03:04:05 +2
===
a: 190:20:30
b: 1_000.5
c: 0b1_0
d: -0o17
e: +0x1F
f: -1e-3
g: 0.
h: 00
i: -.INF
===
x-y.z/w: 1
a?b: 2
a-: 3
:a: 4
?a: 5
-a: 6
===
a: {x: -, y: ?, z: :}
===
a: [-, ?, a:, -1, :b]
===
a: "x": y
===
a: 'x' y
===
a:
  b: 1
  c: 2
   d: 3
===
- a: 1
  b: 2
-   c: 3
    d: 4
===
a: !!map {b: 1}
c: !local
===
&x a: 1
*x : 2
===
a: |
 x
b: |

  y
c: >

 z
===
a: |
  x
 y
===
a: >2
   x
  y
""".strip("\n").split("\n===\n")

TOML = r"""
a = 1
b = "x"
c = true
===
[a]
b = 1
[a.c]
d = 2
[e]
===
a.b.c = 1
a.b.d = 2
"x y".z = 3
'q' = 4
===
[[p]]
a = 1
[[p]]
a = 2
[p.q]
r = 3
===
a = [1, 2, 3,]
b = [[1], ["x"], [{c = 1}]]
c = [
  1, # one

  2
]
d = []
===
a = { b = 1, c = { d = "x" }, e.f = 2 }
b = {}
===
a = 0x1F
b = 0o17
c = 0b11
d = 1_000
e = +7
f = -0
g = 0
===
a = 1.5
b = 1e3
c = -1.5E-3
d = inf
e = -inf
f = nan
g = 1_0.0_1
h = 6.0
===
a = "tab\t nl\n q\" b\\ u\u00e9 U\U0001f600 \b\f\r"
b = 'raw \n'
c = '''
multi
line'''
d = '''x'''
e = ""
f = ''
===
a = '''it's'''
b = '''''two'''''
===
a = 1979-05-27
===
a = 1979-05-27T07:32:00Z
===
a = 07:32:00
===
# comment
a = 1 # c
===

===
a = 1
a = 2
===
[a]
[a]
===
[a]
b = 1
[a.b]
===
a = 1
[a]
===
a =
===
a 1
===
a = 01
===
a = 1__0
===
a = .5
===
a = 5.
===
a = "x
===
a = "\q"
===
a = tru
===
[a
===
a = [1, 
===
a = {b = 1
===
= 1
===
a = 1 b = 2
===
[[a]]
[a]
===
a.b = 1
[a]
===
"" = 1
===
1 = 2
1.5 = 3
===
"é" = "ü"
===
é = 1
===
[a . b]
c = 1
[ "x" . 'y' ]
z = 1
===
a = QQQ
x \
   y
zQQQ
b = QQQa"b""cQQQ
c = QQQit's
QQQ
===
fl = 1e400
===
a = 9223372036854775807
b = -9223372036854775808
c = 9223372036854775808
===
a = { b = 1, }
===
a = {
b = 1 }
===
a = "x" # y
b = "#z"
===
[t]
x = 1

[t.u.v]
w = [ { a = 1 }, { a = 2 } ]
===
lr = 0.1
[train]
epochs = 10
layers = [64, 32]
[train.opt]
name = "adam"
betas = [0.9, 0.999]
""".strip("\n").split("\n===\n")
TOML = [t.replace("QQQ", '"' * 3) for t in TOML]

PY = r"""
A = 1
B = 'x'
C: float = 2.5
D = True
E = None
===
A = -1
B = +2
C = - -3
D = not True
E = 1 + 2
F = ~1
===
A = [1, 'a', [2]]
B = (1, 2)
C = {1, 2}
D = {'a': 1, 'b': {'c': [1]}, 3: 4}
E = []
F = ()
G = {}
===
A = b'x'
B = u'y'
C = r'\n'
D = 'a' 'b'
E = '''multi
line'''
F = f'x'
G = 'tab\t\x41\u00e9\N{BULLET}'
===
A = B = 1
C, D = 1, 2
E.f = 3
G[0] = 4
H += 1
===
I: int
J: "str" = 's'
===
class K:
    a = 1
    b: int = 2
    class L:
        c = 3
    def __init__(self):
        self.d = 4
        self.e: int = 5
        x = 6
        self.f.g = 7
        if True:
            self.h = 8
    def other(self):
        self.i = 9
===
def f():
    A = 1
if True:
    B = 2
for C in []:
    D = 3
try:
    E = 4
except Exception:
    pass
with x:
    F = 5
G = 6
===
A = 0x1F
B = 0o17
C = 0b11
D = 1_000
E = 1e3
F = .5
G = 1.
H = 1j
I = 123456789012345678901234567890
J = 1e400
===
A = [A]
B = {**C}
D = [*E]
F = {'a': x}
G = (1,)
H = 'a' if True else 'b'
I = ...
J = lambda: 1
===
A = 1; B = 2
C = 3 # comment
# D = 4
===
import os
from x import y
A = os.environ
B = 1
===
A = 1
A = 2
===
class A:
    pass
class B(object):
    '''doc'''
    x = 1
===
class C:
    def __init__(self, a=1):
        self.a = a
        self.b = 2
        self.c = [1, 2]
===
A = (
    1,
    2,
)
B = [
    'x',  # c
]
C = \
    3
===
A = {'k': -1, 'l': None, 'm': (1, 2)}
===
x =
===
def
===
 A = 1
===

===
A = 'unterminated
===
A = [1, 2
===
A = True
B = False
c_d = 1
_e = 2
É = 3
===
@decorator
class D:
    x = 1
async def g():
    y = 1
""".strip("\n").split("\n===\n")

JSON = ['{"a": 1}', "[]", "[1]", "5", "null", "", "{", '{"a": NaN, "b": Infinity, "c": -Infinity}', '{"a": 1, "a": 2}', '{"a": 1e400}',
        '{"a": 123456789012345678901234567890}', '{"a": 1.0, "b": 1e5, "c": -0.0}', '{"a": "\\ud83d\\ude00 \\u00e9"}', '{"a": "\\ud83d"}',
        '{"a": 1,}', "{'a': 1}", '{"a": 01}', '{"a": "\t"}', '\ufeff{"a": 1}', '{"a": 1} x', '{"a": {"b": [1, {"c": null}]}}', '{"a": tru}',
        ' \n{"a":\t1}\r\n', '{"": 1}', '{"a": "\\x"}', '{"a": .5}', '{"a": -}', '{"a": true, "b": false}']

CONFIG = r"""
[core]
    remote = storage
    autostage = true
['remote "storage"']
    url = s3://bucket/dvc
    profile = 'a"b,c'
===
[Core]
Remote = A
===
# c
[core] # d
remote = x # e
   # f

  analytics=false
===
[core]
remote = "quoted"
site_cache_dir = 'single'
machine = ""
===
[core]
remote = a b  c
===
[core]
remote = a,b
===
[core]
remote = a, "b,c" , 'd'
===
[core]
remote = a,
===
[core]
remote = ,
===
[core]
remote = "a,b"
===
[core]
remote = a"b
===
[core]
remote = 'a
===
[core]
remote = "a" b
===
[core]
remote = a#b
===
[core]
remote = "a#b" # c
===
[core]
remote = '''tri'ple"'''
===
[core]
remote = '''multi
line'''
===
[core]
remote = '''never
===
[core]
remote =
===
[core]
"remote" = x
===
[core]
'a b' = x
===
[core]
re mote = x
===
[core]
remote = x = y
===
[core]
= x
===
[core]
remote: x
===
core]
===
[core
===
[]
===
[ core ]
a = 1
===
["core"]
a = 1
===
['remote "a"']
url = x
["remote 'b'"]
url = y
[remote "c"]
url = z
[ remote "d" ]
url = w
['remote  "e f"']
url = v
===
['remote "A"']
url = x
['Remote "B"']
url = x
['remote "c" ']
url = y
===
['db "pg"']
url = x
['machine "m"']
cloud = aws
===
[core]
[[sub]]
x = 1
===
[[sub]]
x = 1
===
x = 1
[core]
===
[core]
a = 1
[cache]
b = 2
[core]
c = 3
===
[core]
a = 1
A = 2
===
[core]
a = 1
a = 2
===
[core]
a = %(b)s
b = x
===
[core]
a = %(nope)s
===
[core]
a = 100%
===
[core]
a = %%
===
[core]
a = $x ${y}
===
[core]
url = s3://b/p?x=1&y=2;z
===
[core]
a = ü é 中
===
[core]
a = tab	in
b = "tab	in"
===

===
# only a comment
===
[core]
a = \n
b = c:\dir
===
[core]
a = [x]
b = {y}
===
[core]
a = "x",
===
[core]
a = "",
===
[core]
a = '',''
===
[core]
a = x,,y
===
[core]
a = ,x
===
[core]
a = x ,y
===
[core]
junk
===
[core]
a = b ; c
""".strip("\n").split("\n===\n")

VALUES = ["plain", "with space", " lead", "trail ", "a,b", "a#b", "#a", "it's", "'q'", '"dq"', 'a"b', 'a,"b', "a,'b", "", "a=b", "a;b", "[x]",
          "$x", "\u00fc", "a\\b", "'", '"', "a: b", "tab\tin", ",", '""', "''", 'x"', "x'", "=", "a # b", "%", "true", "'a", '"a', "a'", 'a"',
          "a\nb", "\n", "a\"'b", "a,\"'b", "'a\"", "#'", '#"', "#\"'", "\t", "a\t", "\ta", "\ra", "a\r", "a\rb", "\x0ba", "\x0ca", "'''", '"""',
          "'''\"\"\"", "a'''b\"\"\"c,", "  ", "a  b", "\u00a0a", "a,", "[", "]", "{a}", "a,b,c", "x y,z", ["a", "b"], ["a"], [], ["a,b", "c d"],
          ["'", '"'], ["", "a"]]
SECTIONS = ["core", "remote \"a\"", "remote \"a b\"", "remote \"it's\"", "with space", "a,b", "a#b", "'q'", "a]b", "[x", ""]


def plain(x):
    if isinstance(x, dict):
        return {("null" if k is None else str(k).lower() if isinstance(k, bool) else repr(k) if isinstance(k, float) else str(k)): plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, (set, frozenset)):
        return {"!set": sorted(map(str, x))}
    if isinstance(x, (bytes, complex)):
        return {"!" + type(x).__name__: str(x)}
    if isinstance(x, (datetime.date, datetime.datetime, datetime.time)):
        return {"!time": str(x)}
    if x is ...:
        return {"!ellipsis": ""}
    return x


def ask(parse, text):
    try:
        return {"d": plain(parse(text))}
    except RecursionError:
        return {"e": "recursion"}
    except Exception as e:
        cause = e.__cause__
        return {"e": str(cause if cause is not None else e).split("\n")[0]}


def yaml_texts():
    yield from (t + "\n" for t in YAML)
    for w in WORDS + SPACED:
        yield f"a: {w}\n"
        yield f"- {w}\n"
        yield f"a: [{w}]\n"
        yield f"{w}: b\n"
    rnd = random.Random(3)
    atoms = ["a", "b", ": ", "- ", "\n", "\n", "  ", "\n  ", "'", '"', "[", "]", "{", "}", ", ", " #c", "&x ", "*x", "|\n ", ">\n ", "? ", "1", "~", "\\"]
    for _ in range(500):
        yield "".join(rnd.choice(atoms) for _ in range(rnd.randint(2, 9)))


def lines(path, rows):
    count = 0
    seen = set()
    with open(path, "w", encoding="ascii") as f:
        for row in rows:
            text = json.dumps(row, separators=(",", ":"))
            if text not in seen:
                f.write(text + "\n")
                count += 1
            seen.add(text)
    print(f"{os.path.basename(path)}: {count}", file=sys.stderr)


def config_rows():
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "config")
        for text in CONFIG:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text + "\n")
            yield {"x": text + "\n", **ask(lambda _: Config.load_file(path), None)}


def write_rows():
    def dumped(d):
        out = io.BytesIO()
        ConfigObj(_pack_named({"remote": {}, "machine": {}, "db": {}, **d})).write(out)
        return out.getvalue().decode()

    for v in VALUES:
        try:
            yield {"v": v, "x": dumped({"core": {"k": v}})}
        except Exception as e:
            yield {"v": v, "e": str(e)}
    for s in SECTIONS:
        try:
            yield {"s": s, "x": dumped({s: {"k": "v"}})}
        except Exception as e:
            yield {"s": s, "e": str(e)}
    for d in ({}, {"core": {}}, {"core": {}, "cache": {"a": "1"}}, {"remote": {"b": {"url": "x"}, "a": {"url": "y"}}, "core": {"z": "1", "a": "2"}, "cache": {"t": "c"}},
              {"db": {"p": {"url": "u"}}, "machine": {"m": {"cloud": "aws"}}, "remote": {"r": {"url": "x"}}, "core": {"no_scm": True, "n": 5}}):
        yield {"d": d, "x": dumped(d)}


def hash_rows():
    from dvc_data.hashfile.hash import file_md5
    from dvc.fs import localfs

    mib = 1 << 20
    texts = [[], [[1, "a"]], [[1, "a\r\nb\r\n"]], [[1, "a\r\n\x00"]], [[1, "\r"]], [[1, "\n"]], [[1, "\r\n"]], [[1, "\r\r\n\n"]], [[1, "a\rb"]],
             [[mib - 1, "a"], [1, "\r\nb"]], [[mib, "a"], [1, "\r\nb\r\n"]], [[mib - 2, "a"], [1, "\r\nb\r\n"]], [[200, "a\r\n"], [100, "\x00"]],
             [[512, "a"], [1, "\x00\r\n"]], [[511, "a"], [1, "\x00\r\n"]], [[358, "a"], [154, "\u0001"], [1, "\r\n"]], [[359, "a"], [153, "\u0001"], [1, "\r\n"]],
             [[70, "a"], [30, "\u0001"], [1, "\r\n"]], [[68, "a"], [30, "\u0001"], [1, "\r\n"]], [[69, "a"], [31, "\u0001"]], [[1, "\u00e9\r\n"]], [[10, "\u00e9"], [30, "a"], [1, "\r\n"]],
             [[1, "\x00"]], [[mib, "\x00"], [1, "a\r\n"]], [[mib, "a"], [1, "\x00\r\n"]], [[3 * mib + 5, "x\r\n"]], [[1, "\t\f\b\x1b\r\n"]], [[1, "\x7f\r\n"]], [[2, "\x7f"], [5, "a"], [1, "\r\n"]]]
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "f")
        for t in texts:
            with open(path, "wb") as f:
                for n, s in t:
                    f.write(s.encode() * n)
            yield {"t": t, "md5": file_md5(path, localfs, name="md5"), "dos2unix": file_md5(path, localfs, name="md5-dos2unix")}


def main(outdir):
    at = lambda name: os.path.join(outdir, name + ".jsonl")
    lines(at("yaml-read"), ({"x": t, **ask(lambda s: parse_yaml(s, "f"), t)} for t in yaml_texts()))
    lines(at("params-read"), [
        {"f": kind, "x": text + end, **ask(lambda s: parse(s, "f"), text + end)}
        for kind, parse, texts, end in (("toml", parse_toml, TOML, "\n"), ("py", parse_py, PY, "\n"), ("json", parse_json, JSON, ""))
        for text in texts
    ])
    lines(at("config-read"), config_rows())
    lines(at("config-write"), write_rows())
    lines(at("hash"), hash_rows())


main(sys.argv[1])
