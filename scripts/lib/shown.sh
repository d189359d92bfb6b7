# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top. This function prints a module that the documentation shows.

: "${top:?}"

# readme_module: print the module that README.md shows.
readme_module() {
	# shellcheck disable=SC2016
	sed -n '/^```c$/,/^```$/p' "$top/README.md" | sed '/^```/d'
}
