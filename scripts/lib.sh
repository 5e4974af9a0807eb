# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by scripts/demo, scripts/test and .ci/run: says what it does, installs what is missing on
# Debian, builds. Safe to repeat.

# What the build needs, and what it uses when it runs.
BUILD_PACKAGES="build-essential cmake ninja-build pkg-config git libgsl-dev libsqlite3-dev
  libhwloc-dev libsimgrid-dev libyaml-dev libzstd-dev zlib1g-dev liblzma-dev libtracecmd-dev
  libtracefs-dev libtraceevent-dev libboost-context-dev libcmocka-dev gnuplot-nox sqlite3 zstd"
# What .ci/run needs on top.
CI_PACKAGES="clang clang-format libclang-rt-14-dev"

say() {
	printf '\n== %s\n' "$*"
}

die() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root or sudo to install packages"
	fi
}

# install_packages NAME...: only what is not there yet.
install_packages() {
	command -v dpkg-query >/dev/null || {
		say "not a Debian system: needed are $(echo "$@" | tr -s ' \n' ' ')"
		return 0
	}
	missing=
	for package in "$@"; do
		dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
			missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	say "installing:$missing"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
		$missing >/dev/null
}

# quietly LOG COMMAND...: shows the output only if the command fails.
quietly() {
	log=$1
	shift
	"$@" >"$log" 2>&1 || {
		cat "$log" >&2
		die "failed: $*"
	}
}

# build PRESET [TARGET...]
build() {
	preset=$1
	shift
	say "building build/$preset"
	mkdir -p "build/$preset"
	quietly "build/$preset/configure.log" cmake --preset "$preset"
	quietly "build/$preset/build.log" cmake --build --preset "$preset" ${1:+--target "$@"}
}
