# Text beyond ASCII in a config: DVC empties the file. (A wanted difference.)
repo
step dvc remote add r s3://bucket/path
step dvc remote modify r profile 'ü'
step cat .dvc/config
w .dvc/config "['remote \"r\"']
    url = s3://bücket/path
"
step dvc remote list
step dvc config core.autostage true
step cat .dvc/config
