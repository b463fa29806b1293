# Hand-written files: comments, case, quotes; and what a rewrite makes of them.
repo
w .dvc/config "# top
[Core]
  Remote=UP   # why
Autostage : true

['remote \"Up\"']
url = \"/abs/x\"
  [ cache ]
dir = '../c c'
TYPE = copy
[\"remote 'single'\"]
"
step dvc config -l
step dvc remote list
w .dvc/config "# top
[Core]
  Remote=UP   # why
Autostage = TRUE

['remote \"Up\"']
url = \"/abs/x\"
[remote \"plain\"]
url = rel/path
[ cache ]
dir = '../c c'
TYPE = copy
"
step dvc config -l
step dvc remote list
step dvc cache dir
step dvc config core.check_update false
snap rewritten
for bad in 'core' '[core' '[core]
x' '[core]
remote = a
remote = b' '[core]
remote = a
[core]
remote = b' '[core]
remote = "a' '[core]
bogus = 1' '[bogus]
a = 1' '[core]
autostage = maybe' "['remote \"x\"']
profile = y" "['remote \"x\"']
url = foo://y" "['remote \"x\"']
url = s3://y
port = 5" "['remote \"x\"']
url = a,b" '[core]
remote = %(x)s' '[[deep]]
a = 1' '[core]
[[deep]]
a = 1' 'remote = x' '[feature]
xyz = 1'; do
	w .dvc/config "$bad
"
	step dvc status
	step dvc config -l
done
