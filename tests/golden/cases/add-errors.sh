# What add refuses, and that it then changes nothing.
repo
w d/a 1
w d/b 2
hint dvc add d/a
step dvc add d
w t 1
q git add t
q git commit -q -m t
step dvc add t
w td/x 1
q git add td/x
q git commit -q -m td
step dvc add td
step dvc add .
step dvc add nosuch
step dvc add d/a.dvc
w dvc.yaml ''
step dvc add dvc.yaml
rm dvc.yaml
step dvc add .dvc/config
w .dvcignore 'ign
'
w ign 1
step dvc add ign
w x 1
hint dvc add x
cp x.dvc y.dvc
step dvc status
step dvc add x
rm y.dvc
w dd/.dvcignore 'q
'
w dd/a 1
step dvc add dd
rm -r dd
w gi/x 1
w gi/.gitignore '*.dvc
'
step dvc add gi/x
rm -r gi
step dvc add d/a/b
step dvc add x.dvc
