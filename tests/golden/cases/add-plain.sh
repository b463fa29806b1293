# A file, a second time unchanged, changed; an executable; an empty file.
repo
w f hello
hint dvc add f
snap first
hint dvc add f
w f 'hello again'
hint dvc add f
w run '#!/bin/sh
'
chmod 755 run
hint dvc add run
w empty ''
hint dvc add empty
w sub/deep/g g
hint dvc add sub/deep/g
