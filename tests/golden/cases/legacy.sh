# Entries and caches of DVC 2.x: text is hashed with its line ends made one.
repo
w t 'a
b
'
printf 'a\r\nb\r\n' >crlf
printf 'a\r\n\0' >bin
w d/x 'a
b
'
printf 'a\r\nb\r\n' >d/y
obj()
{
	w ".dvc/cache/$(printf '%.2s' "$1")/${1#??}" ''
	cat >".dvc/cache/$(printf '%.2s' "$1")/${1#??}"
	chmod 444 ".dvc/cache/$(printf '%.2s' "$1")/${1#??}"
}
lf=dd8c6a395b5dd36c56d23275028f526c
printf 'a\nb\n' | obj $lf
printf 'a\r\n\0' | obj 45f547e477b625af2c2aa642fde04366
printf '[{"md5": "%s", "relpath": "x"}, {"md5": "%s", "relpath": "y"}]' $lf $lf >"$HOME/m"
dir=$(md5sum <"$HOME/m" | cut -c 1-32).dir
obj "$dir" <"$HOME/m"
w t.dvc "outs:
- md5: $lf
  size: 4
  path: t
"
w crlf.dvc "outs:
- md5: $lf
  size: 6
  path: crlf
"
w bin.dvc 'outs:
- md5: 45f547e477b625af2c2aa642fde04366
  size: 4
  path: bin
'
w d.dvc "outs:
- md5: $dir
  size: 10
  nfiles: 2
  path: d
"
w .gitignore '/t
/crlf
/bin
/d
'
git_all legacy
snap start
status dvc status
status dvc status --json
step dvc diff
dstatus dvc data status --unchanged --json
rm -r t d
step dvc checkout
snap checkout
hint dvc add t
snap same
w t changed
hint dvc add t
snap converted
w d/z z
status dvc status
hint dvc add d
snap dir
printf 'a\r\nc\r\n' >crlf
step dvc commit -f crlf.dvc
q dvc remote add -d r "$HOME/remote"
step dvc push
snap remote "$HOME/remote"
lines dvc gc -w -f
w u 'a
b
'
w u.dvc 'outs:
- md5: dd8c6a395b5dd36c56d23275028f526c
  path: u
  desc: kept
'
hint dvc add u
