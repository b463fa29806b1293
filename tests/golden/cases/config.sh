# Get, set, unset, list; levels; how values are written.
repo
step dvc config core.remote Storage
step dvc config core.remote
step dvc config CORE.AutoStage True
step dvc config core.autostage
step dvc config -l
step dvc config --local core.remote other
step dvc config core.remote
step dvc config -l
step dvc config --global core.analytics false
step dvc config -l --show-origin
step dvc config --show-origin core.remote
step dvc config --global core.analytics
step dvc config --local core.analytics
step dvc config -u core.remote
step dvc config -u core.remote
step dvc config nosuch.key
step dvc config core.bogus
step dvc config core.bogus x
step dvc config bogus
step dvc config core.checksum_jobs 0
step dvc config core.checksum_jobs abc
step dvc config core.checksum_jobs 4
step dvc config core.autostage yes
step dvc config cache.type hardlink,copy
step dvc config cache.type
step dvc config cache.type hardlink,nope
step dvc config cache.shared group
step dvc config cache.shared other
step dvc config feature.machine true
step dvc config
step dvc config -l --project
step dvc config --local -l
step dvc config --project core.checksum_jobs
snap set
for k in core.autostage core.checksum_jobs cache.type cache.shared feature.machine; do
	step dvc config -u "$k"
done
snap empty
step dvc config --global -u core.analytics
