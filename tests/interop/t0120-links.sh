#!/bin/sh
# Hard and symbolic links: each tool takes the other's links as they are.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/lib.sh"

for type in hardlink symlink copy; do
	for tool in dvc lode; do
		project "$WORK/w/$type.$tool"
		dvc config cache.type $type
		put f 1
		put d/a a
		put d/s/b b
		put e ''
		must_pass $tool add -q f d e
	done
	cd "$WORK/w" || exit
	for tool in dvc lode; do
		(cd "$type.$tool" && find f d e -printf '%p %y %m %n\n' | sort) >"$WORK/links.$tool"
	done
	same "$WORK/links.dvc" "$WORK/links.lode" "$type: the same kinds of links"
	for tool in dvc lode; do
		user=dvc
		[ $tool = lode ] || user=lode
		cd "$WORK/w/$type.$tool" || exit
		expect "$type: $user is content with the links of $tool" 'Data and pipelines are up to date.' \
			$user status
		rm -r f d
		must_pass $user checkout -q
		find f d e -printf '%p %y %m %n\n' | sort >"$WORK/links.$user.again"
		same "$WORK/links.dvc" "$WORK/links.$user.again" "$type: $user makes the same links"
		must_pass $user unprotect f d
		is "$(stat -c '%F %h %a' f d/a)" "$(printf 'regular file 1 644\nregular file 1 644')" \
			"$type: $user unprotects"
		must_pass dvc config cache.type copy
		must_pass $user checkout -q --relink
		expect "$type: clean at the end" 'Data and pipelines are up to date.' lode status
	done
done
plan_done
