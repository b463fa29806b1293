# remote add, list, modify, default, rename, remove at every level.
repo
step dvc remote list
step dvc remote add one "$HOME/store"
step dvc remote add -d Two s3://bucket/path
step dvc remote add one other
step dvc remote add -f one other
step dvc remote add rel ../up
step dvc remote add tilde '~/x'
step dvc remote add --local loc ssh://u@h:22/p
step dvc remote add --global glob http://h/p
step dvc remote add bad foo://x
step dvc remote list
step dvc remote default
step dvc remote default one
step dvc remote default nope
step dvc remote default --local loc
step dvc remote default
step dvc remote default -u
step dvc remote default
step dvc remote default --local -u
step dvc remote default
step dvc remote default two
step dvc remote modify two endpointurl https://h:9000
step dvc remote modify two region eu
step dvc remote modify --local two secret_access_key sekret
step dvc remote modify two bogus 1
step dvc remote modify two use_ssl maybe
step dvc remote modify two jobs 0
step dvc remote modify two
step dvc remote modify two region
step dvc remote modify two region -u
step dvc remote modify two region -u
step dvc remote modify nope url x
step dvc remote modify two url s3://other
step dvc remote modify loc user me
step dvc remote modify --local loc user me
snap full
step dvc remote rename two three
step dvc remote rename three one
step dvc remote rename nope x
step dvc remote rename three three
step dvc remote default
step dvc remote list
step dvc remote remove three
step dvc remote default
step dvc remote remove three
step dvc remote remove --local loc
step dvc remote add sub remote://one/deeper
step dvc remote list
w sub/x 1
cd sub || exit
step dvc remote add here there
step dvc remote modify here url else
