"""Ask git, and DVC, which paths a set of ignore files hides.

usage: mk_ignore.py OUTDIR       (run with the Python of a DVC environment)

Writes ignore-git.tsv and ignore-dvc.tsv; README.md has the layout. The same
groups in both: where the answers differ, DVC is not git.
"""

import os
import random
import re
import subprocess
import sys
import tempfile
import warnings

from dvc.fs import LocalFileSystem
from dvc.ignore import DvcIgnoreFilter

PLAIN = """a b c ab abc a-b foo fo fooo Foo foo.txt foo.TXT .hidden a.log b.log a.csv 0 9 Z x.tmp tmp.x
d/ d/a d/b d/a.log d/e/ d/e/a d/e/foo d/e/f/ d/e/f/a.log d/e/f/g/ d/e/f/g/h
build/ build/x build/keep sub/ sub/build sub/a sub/d/ sub/d/a sub/.hidden sub/foo/ sub/foo/x
log.d/ log.d/x x.log/ x.log/in a.b.c/ a.b.c/a.b empty/""".split()
ODD = ["sp ace", "trail ", "two  ", "#hash", "!bang", "st*ar", "q?m", "br[1]", "br1", "bs\\x", "bsx", "\\", "$x", "-", "]", "a]b",
       "^", "\u00e9.txt", "e\u0301.txt", "\u4e2d\u6587", "\U0001f600", "tab\tx", "a+b", "(a)", "{a,b}", "~", "a.", "..a", "...",
       "#hash/", "sp dir/", "sp dir/x y", "@", "'q'", '"dq"', "%41", "=a", "A", "B", "_", "[", "[a", "a[", "d/", "d/#x", "d/!y"]

SINGLE = """a b foo fo* fo? foo* *foo *foo* * ** *** ? ?? ??? . .* .hidden *.log *.l?g *.LOG *.[lt]* *.* *.*.* a.*
/a /foo /d /d/ d d/ d/* d/** d/a /d/a d/e d/e/ d/e/* d/e/f d/*/a d/**/a d/**/g **/a **/d **/d/ **/foo **/build /**/a /** /* */ /*/
**/ a/** foo/** build build/ /build /build/ build/* build/** **/build/ sub/build sub/build/ sub/** sub/* /sub/*/ sub/**/a
*/a */*/a */*/* */** **/*.log **/e/** **/e/**/h d/**/f/g **/f/g/** /d/**/ d**e d/**e d/e**/a **a a** a**b /**d **/**/a **/*/a
x.log x.log/ *.log/ log.d *.d/ *.d [ab] [a-c] [!a] [^a] [a-] [-a] []a] [!]a] [a [ ] ] [] [!] [[:alpha:]] [[:digit:]] [[:upper:]]
[[:lower:]]* [[:space:]] [[:bogus:]] [[:alpha:] [a-z][0-9] [z-a] [A-Z] [a/b] d[/]a d[!x]a d?a [*] [?] [\\]] [\\a-c] [a-\\c] [0-9]
\\a \\foo \\*.log a\\ fo\\o f\\oo \\\\ \\! \\# d\\/a /d\\/a // //a a// /a// d//a ./a ./d ../a d/. d/.. d/./a / /. empty empty/ a.b.c a.b.c/*
*a* *b*c* a?c a-b a\\-b {a,b} {a} (a) + a+b a|b ^ $ ~ ~/ $x %41 A [A] Foo FOO foo.* foo.??? *.txt *.TXT""".split()
LISTS = [
    ["*.log", "!a.log"], ["*.log", "!/a.log"], ["!a.log", "*.log"], ["d/", "!d/a"], ["d/*", "!d/a"], ["d/**", "!d/e/"],
    ["d/**", "!d/e/", "!d/e/a"], ["/*", "!/d"], ["/*", "!/d", "/d/*", "!/d/a"], ["*", "!*/"], ["*", "!*/", "!*.log"],
    ["*", "!d/"], ["*", "!d"], ["**", "!a"], ["/*", "!/sub/", "!/sub/foo"], ["sub/*", "!sub/foo/"], ["foo", "!foo", "foo"],
    ["foo", "!foo"], ["!foo"], ["a", "b", "!a"], ["*.log", "a.log"], ["*.log", "x.log/", "!x.log/"], ["build/", "!build/keep"],
    ["build/*", "!build/keep"], ["build", "!sub/build"], ["/build", "build/"], ["", "a", "", "b"], ["# c", "a"], ["#a", "\\#hash"],
    ["!!a"], ["!"], ["a", "!"], ["\\!bang", "a"], ["d/e", "!d/e/f"], ["d/e/*", "!d/e/f", "d/e/f/*", "!d/e/f/a.log"],
    ["*.log", "!d/*.log"], ["*.log", "!d/**"], ["d/", "!d/"], ["d", "!d/"], ["!d", "d/"], ["*/", "!d/"], ["*/", "!/d/", "d/e/"],
    ["a  "], ["a\\ "], ["a\t"], [" a"], ["  a  "], ["\ta"], ["a b"], ["d/ "], [" # c", "a"], ["*.log ", "!a.log "], ["a\r"],
    ["[", "a"], ["[a", "foo"], ["a\\", "b"], ["\\", "a"], ["***/a"], ["foo", "/foo", "!/foo"], ["[!a-b]", "!c"], [".*", "!.hidden"],
]
ODDLISTS = [[p] for p in [
    "sp ace", "sp\\ ace", "sp*", "trail ", "trail\\ ", "two  ", "two\\ \\ ", "two \\ ", "#hash", "\\#hash", "\\#hash/", "!bang", "\\!bang",
    "st*ar", "st\\*ar", "st[*]ar", "q?m", "q\\?m", "br[1]", "br\\[1\\]", "br\\[1]", "br[[]1]", "bs\\x", "bs\\\\x", "bs[\\\\]x", "\\\\",
    "\\\\*", "$x", "-", "]", "\\]", "a]b", "[]]", "a[]]b", "^", "[\\^]", "\u00e9.txt", "?.txt", "??.txt", "[\u00e9].txt", "e\u0301.txt",
    "*.txt", "\u4e2d*", "\u4e2d?", "??", "\U0001f600", "?", "tab\tx", "tab*", "a+b", "(a)", "{a,b}", "~", "a.", "..*", "...", "[[]", "[[]a",
    "[[]*", "[", "\\[", "\\[a", "a[", "a\\[", "*[*", "'q'", '"dq"', "%41", "=a", "[A-Z]", "[a-z]", "[A-z]", "_", "[@-_]", "sp dir/",
    "sp dir", "sp\\ dir/", "d/#x", "d/!y", "d/\\!y", "d/\\#x", "/#hash", "/!bang", "\\-", "\\@", "@",
]]
NESTED = [
    [("", ["*.log"]), ("d", ["!a.log"])], [("", ["a"]), ("d", ["!a"])], [("", ["d/"]), ("d", ["!a"])], [("", []), ("d", ["a", "/e"])],
    [("", []), ("d", ["/a", "e/a"])], [("", ["!a"]), ("d", ["a"])], [("", ["*"]), ("d", ["!*"])], [("", []), ("d", ["*"]), ("d/e", ["!*"])],
    [("", []), ("d", ["*", "!e/"]), ("d/e", ["!a"])], [("", []), ("d/e", ["/f"])], [("", []), ("d/e", ["f/"]), ("sub", ["/build", "d"])],
    [("", ["/d/e/a"]), ("d/e", ["!a"])], [("", ["**/a"]), ("d/e", ["!/a"])], [("", ["foo"]), ("sub", ["!foo/"])], [("", []), ("d", ["../a"])],
    [("", []), ("d", ["d/a", "/d/a"])], [("", []), ("d", ["**/g", "!e"])], [("", ["*.log", "!d/a.log"]), ("d/e/f", ["!*.log"])],
]


def make_groups():
    groups = [([("", [p])], PLAIN) for p in SINGLE]
    groups += [([("", ["!" + p] if i % 2 else ["*", "!" + p])], PLAIN) for i, p in enumerate(SINGLE) if i % 5 == 0]
    groups += [([("", ps)], PLAIN) for ps in LISTS]
    groups += [([("", ps)], ODD) for ps in ODDLISTS]
    groups += [(files, PLAIN) for files in NESTED]
    rnd = random.Random(7)
    atoms = ["a", "b", "d", "e", "foo", "*", "**", "?", "/", "/", "/", "[ab]", "[!a]", ".log", ".", "sub", "f", "\\a"]
    for _ in range(170):
        ps = []
        for _ in range(rnd.choice([1, 1, 2, 3])):
            p = "".join(rnd.choice(atoms) for _ in range(rnd.randint(1, 6)))
            ps.append(("!" if rnd.random() < 0.3 else "") + p + ("/" if rnd.random() < 0.25 else ""))
        groups.append(([("", ps)], PLAIN))
    return groups


def esc(s):
    return s.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def build(root, paths):
    for p in paths:
        full = os.path.join(root, p)
        if p.endswith("/"):
            os.makedirs(full, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(full), exist_ok=True)
            if not os.path.isdir(full):
                open(full, "w").close()


def place(root, name, files):
    for d, patterns in files:
        with open(os.path.join(root, d, name), "w", newline="") as f:
            f.write("".join(p + "\n" for p in patterns))


def displace(root, name, files):
    for d, _ in files:
        os.unlink(os.path.join(root, d, name))


def ask_git(root, files, paths):
    place(root, ".gitignore", files)
    names = [p.rstrip("/") for p in paths]
    # A trailing slash would be looked up as such; the kind comes from the disk.
    r = subprocess.run(
        ["git", "check-ignore", "--no-index", "-v", "-n", "-z", "--stdin"],
        cwd=root, input="\0".join(names).encode(), stdout=subprocess.PIPE, check=False,
    )
    out = r.stdout.decode().split("\0")[:-1]
    displace(root, ".gitignore", files)
    rows = {}
    for i in range(0, len(out), 4):
        src, line, pattern, path = out[i : i + 4]
        where = f"{os.path.dirname(src)}:{line}" if line else "-"
        rows[path] = ("1" if line and not pattern.startswith("!") else "0", where)
    return [rows[n] for n in names]


def ask_dvc(root, files, paths):
    place(root, ".dvcignore", files)
    try:
        fs = LocalFileSystem(url=root)
        flt = DvcIgnoreFilter(fs, root)
        rows = []
        for p in paths:
            full = os.path.join(root, p.rstrip("/"))
            kind = flt.is_ignored_dir if p.endswith("/") else flt.is_ignored_file
            hidden = bool(kind(full))
            up = os.path.dirname(full)
            while not hidden and up != root:  # a walk never gets below
                hidden = bool(flt.is_ignored_dir(up))
                up = os.path.dirname(up)
            res = flt.check_ignore(full)
            where = "-"
            if res.pattern_infos:
                src, line, _ = str(res.pattern_infos[-1]).split(":", 2)
                where = f"{os.path.dirname(src)}:{line}"
            rows.append(("1" if hidden else "0", where))
        return rows
    except (ValueError, re.error) as e:
        return str(e).split("\n")[0]
    finally:
        displace(root, ".dvcignore", files)


def main(outdir):
    warnings.simplefilter("ignore")
    groups = make_groups()
    with tempfile.TemporaryDirectory() as tmp:
        roots = {}
        for name, paths in (("plain", PLAIN), ("odd", ODD)):
            root = os.path.realpath(os.path.join(tmp, name))
            os.mkdir(root)
            subprocess.run(["git", "init", "-q", root], check=True)
            # a file and a directory of one name cannot both exist
            kept = [p for p in paths if p.endswith("/") or p + "/" not in paths]
            build(root, kept)
            roots[id(paths)] = (root, kept)
        for who, ask in (("git", ask_git), ("dvc", ask_dvc)):
            with open(os.path.join(outdir, f"ignore-{who}.tsv"), "w", encoding="utf-8", newline="") as f:
                total = 0
                for files, paths in groups:
                    root, kept = roots[id(paths)]
                    answer = ask(root, files, kept)
                    f.write("T\t%s\n" % ("plain" if paths is PLAIN else "odd"))
                    for d, patterns in files:
                        f.write("F\t%s\t%s\n" % (esc(d), esc("".join(p + "\n" for p in patterns))))
                    if isinstance(answer, str):
                        f.write("E\t%s\n\n" % esc(answer))
                        continue
                    for p, (ignored, where) in zip(kept, answer):
                        if ignored == "0" and where == "-":
                            continue
                        kind = "d" if p.endswith("/") else "f"
                        f.write("%s\t%s\t%s\t%s\n" % (ignored, kind, where, esc(p.rstrip("/"))))
                        total += 1
                    f.write("\n")
                print(f"{who}: {len(groups)} groups, {total} rows", file=sys.stderr)
        with open(os.path.join(outdir, "ignore-paths.tsv"), "w", encoding="utf-8", newline="") as f:
            for name, paths in (("plain", PLAIN), ("odd", ODD)):
                for p in roots[id(paths)][1]:
                    f.write("%s\t%s\t%s\n" % (name, "d" if p.endswith("/") else "f", esc(p.rstrip("/"))))


main(sys.argv[1])
