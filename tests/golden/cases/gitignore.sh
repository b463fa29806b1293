# Lines in .gitignore: escapes, what is there already, removal.
repo
w .gitignore 'no-newline'
w a 1
hint dvc add a
snap nonl
w b 1
w .gitignore 'b
'
hint dvc add b
snap already
w c/x 1
w .gitignore '/c/
'
hint dvc add c
snap dirrule
w d/x 1
w .gitignore '/d/*
'
hint dvc add d
snap starrule
w e.txt 1
w .gitignore '*.txt
!e.txt
'
hint dvc add e.txt
snap negated
w .gitignore '/a
  /b
# /c
/a
x
/sp ace
/#h
'
step dvc remove a.dvc
snap removed
w '#h' 1
w 'sp ace' 1
w .gitignore ''
hint dvc add '#h' 'sp ace'
step dvc remove '#h.dvc' 'sp ace.dvc'
snap oddremoved
w z 1
w .gitignore ''
hint dvc add z
step dvc remove z.dvc
snap gone
w sub/y 1
hint dvc add sub/y
step dvc remove sub/y.dvc
