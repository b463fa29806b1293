# .dvcignore and check-ignore.
repo
w .dvcignore '*.log
!keep.log
# comment

build/
/top
d/**/tmp
\#x
sp ace
'
w sub/.dvcignore '*.csv
!a.csv
'
q mkdir -p build sub/build d/a
step dvc check-ignore a.log
step dvc check-ignore a.log b.txt c.log
step dvc check-ignore b.txt
step dvc check-ignore -d a.log keep.log b.txt
step dvc check-ignore -d -n a.log keep.log b.txt
step dvc check-ignore keep.log
step dvc check-ignore -d build sub/build build/x nobuild/build
step dvc check-ignore -d top sub/top d/tmp d/a/tmp '#x' 'sp ace'
step dvc check-ignore -d sub/a.csv sub/b.csv sub/x.log
step dvc check-ignore -d .git .dvc .git/x .dvc/config sub/.dvc
step dvc check-ignore -q a.log
step dvc check-ignore -q b.txt
step dvc check-ignore -q -d a.log
step dvc check-ignore -n a.log
step dvc check-ignore
step dvc check-ignore --stdin x
step dvc check-ignore /outside ../up
step sh -c 'printf "a.log\nb\nsub/b.csv\n\nc.log\n" | dvc check-ignore --stdin'
step sh -c 'printf "a.log\nb\n" | dvc check-ignore --stdin -d -n'
cd sub || exit
step dvc check-ignore -d b.csv ../a.log
cd .. || exit
w data/a.txt 1
w data/b.log 2
w data/build/x 3
w data/s/keep.log 4
hint dvc add data
rm -r data/s
step dvc checkout
rm data/a.txt
step dvc checkout
snap checkout
w f 1
hint dvc add f
printf 'f\n' >>.dvcignore
step dvc status
