# What status says about .dvc files that it cannot accept.
repo
w f 1
n=0
for text in 'outs:
- path: f
  bogus: 1
' 'bogus: 1
' 'outs:
- path: f
  md5: a
' 'outs: x
' '- x
' 'outs:
- md5: x' 'outs:
  - path: f
 - path: g
' 'outs:
- path: f
<<<<<<< HEAD
  md5: aaaa
=======
  md5: bbbb
>>>>>>> x
' 'outs:
- path: f
  size: "5"
' 'outs:
- path: f
  path: g
' '	x
' 'cmd: x
outs:
- path: f
' '' 'outs: []
' 'outs:
' 'null
' 'outs:
- path: f
  isexec: 1
' 'outs:
- path: f
  labels: x
' 'frozen: yes
outs:
- path: f
' 'a: &a [*a]
' '{' '"' 'outs:
- path: f
  md5: 12345678901234567890123456789012
' 'outs:
- path: f
  md5: C4CA4238A0B923820DCC509A6F75849B
  hash: md5
' 'wdir: nosuch
outs:
- path: f
' 'outs:
- path: ../../x
  md5: c4ca4238a0b923820dcc509a6f75849b
  hash: md5
' '---
outs:
- path: f
...
' '%YAML 1.1
---
outs:
- path: f
' 'outs:
- path: f
---
a: 1
'; do
	n=$((n + 1))
	w f.dvc "$text"
	step dvc status
done
printf 'outs:\n- path: \377\n' >f.dvc
step dvc status
