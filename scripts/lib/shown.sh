# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top. These functions print or write the modules that the
# documentation shows.

: "${top:?}"

# readme_module: print the module that README.md shows.
readme_module() {
	# shellcheck disable=SC2016
	sed -n '/^```c$/,/^```$/p' "$top/README.md" | sed '/^```/d'
}

# leaky_driver NAME DIR: write a copy of samples/guide/guide_chardev.c with that name, which has
# BYTEPOOL_TRACK and leaks its blocks.
leaky_driver() {
	mkdir -p "$2" && echo "obj-m := $1.o" >"$2/Kbuild" &&
		sed -e '/bytepool_free(pool, note->text)/d' \
			-e 's/^\tint err;/\tconst struct bytepool_params params = { .flags = BYTEPOOL_TRACK };\n&/' \
			-e 's/("guide_chardev", NULL)/("guide_chardev", \&params)/' \
			-e "s/guide_chardev/$1/g" "$top/samples/guide/guide_chardev.c" >"$2/$1.c"
}
