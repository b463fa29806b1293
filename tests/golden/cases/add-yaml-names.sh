# Names that YAML reads as something else.
repo
for n in true null 123 1.5 2020-01-01 0x1F '~' yes no 1e3 017 1_000 .inf .nan = '<<' 12:30 0o17 True NULL; do
	w "$n" "$n"
	hint dvc add "$n"
done
step dvc status
