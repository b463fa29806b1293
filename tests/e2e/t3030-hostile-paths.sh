#!/bin/sh
# A cloned repository may name any path: none outside it is written or removed.
. "$(dirname "$0")/../lib/tap.sh"

# refuses NAME CMD...: a clean refusal, not a crash
refuses()
{
	refuse_name=$1
	shift
	run "$@"
	case $RC in
	1 | 251 | 255) pass "$refuse_name (status $RC)" ;;
	*)
		fail "$refuse_name (status $RC)"
		tap_story "$@"
		;;
	esac
}

# A manifest in the cache, as if somebody had pushed it: plant JSON -> its oid
plant()
{
	plant_md5=$(printf '%s' "$1" | md5sum)
	plant_md5=${plant_md5%% *}
	plant_dir=.dvc/cache/files/md5/$(printf %.2s "$plant_md5")
	mkdir -p "$plant_dir"
	printf '%s' "$1" >"$plant_dir/${plant_md5#??}.dir"
	chmod 444 "$plant_dir/${plant_md5#??}.dir"
}

mkdir outside
put outside/precious 'precious
'
git_repo
must_pass lode init -q
put evil 'evil bytes'
evil=$(md5sum <evil) evil=${evil%% *}
must_pass lode add -q evil
git_all start

for bad in '../outside/new' '/tmp/lode-test-absolute' '.git/hooks/post-checkout' '.dvc/config' \
	'sub/../../outside/new' 'sub/.git/x' 'a//b' './a' 'sub/.dvc/config' '.GIT/config' ''; do
	plant "[{\"md5\": \"$evil\", \"relpath\": \"$bad\"}]"
	printf 'outs:\n- md5: %s.dir\n  hash: md5\n  path: dir\n' "$plant_md5" >dir.dvc
	refuses "a manifest with '$bad' is refused by checkout" lode checkout dir.dvc
	missing ../outside/new
	missing /tmp/lode-test-absolute
	missing .git/hooks/post-checkout
done
hasnt .dvc/config evil
rm -rf dir dir.dvc

for bad in '../outside/precious' "$WORK/w/outside/precious" '.git/config' '.dvc/config' 'x/../../outside/precious'; do
	printf 'outs:\n- md5: %s\n  hash: md5\n  path: %s\n' "$evil" "$bad" >bad.dvc
	refuses "path: $bad is refused by checkout" lode checkout -f bad.dvc
	run lode remove --outs bad.dvc
	expect "the file behind $bad is untouched" precious cat ../outside/precious
	rm -f bad.dvc
done
must_pass git config --get user.name

printf 'wdir: ../outside\nouts:\n- md5: %s\n  hash: md5\n  path: precious\n' "$evil" >bad.dvc
refuses 'wdir: ../outside is refused' lode checkout -f bad.dvc
expect 'and nothing was written there' precious cat ../outside/precious
rm -f bad.dvc

# A committed link on the way.
ln -s ../outside link
printf 'outs:\n- md5: %s\n  hash: md5\n  path: precious\n' "$evil" >via.dvc
sed 's,precious,link/precious,' via.dvc >link.dvc
rm via.dvc
refuses 'an output behind a link is not written' lode checkout -f link.dvc
expect 'the file behind the link is untouched' precious cat ../outside/precious
run lode remove --outs link.dvc
expect 'nor is it removed' precious cat ../outside/precious
rm -f link.dvc link

# A link inside a tracked directory must not lead the checkout out of it.
plant "[{\"md5\": \"$evil\", \"relpath\": \"in/precious\"}]"
printf 'outs:\n- md5: %s.dir\n  hash: md5\n  path: dir\n' "$plant_md5" >dir.dvc
mkdir dir
ln -s ../../outside dir/in
run lode checkout -f dir.dvc
expect 'a link inside the output leads nowhere' precious cat ../outside/precious
rm -rf dir dir.dvc

# What a manifest cannot be.
for bad in '[{"md5": "zz", "relpath": "a"}]' '{"md5": 1}' '[1]' '[{"relpath": "a"}]' 'not json' \
	"[{\"md5\": \"$evil\", \"relpath\": \"a\"}, {\"md5\": \"$evil\", \"relpath\": \"a\"}]" \
	"[{\"md5\": \"$evil\", \"relpath\": \"a\"}, {\"md5\": \"$evil\", \"relpath\": \"a/b\"}]"; do
	plant "$bad"
	printf 'outs:\n- md5: %s.dir\n  hash: md5\n  path: dir\n' "$plant_md5" >dir.dvc
	refuses "the manifest $bad is refused" lode checkout dir.dvc
done
rm -rf dir dir.dvc
plan_done
