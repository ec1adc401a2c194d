# SPDX-License-Identifier: Apache-2.0
#
# What the machines under test are made of, from Debian's packages: kernels, and for a foreign processor a folder to
# build and run in. By an apt of our own: its sources are this machine's (mirrors, keys), its lists, caches and idea of
# what is installed lie in $VM, and nothing is ever installed. Sourced; the caller has set VM.

# The mirror that serves a suite: the security one for security suites, the main one for the others.
site_of() {
	local codename
	# shellcheck disable=SC1091 # a system file
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	case $1 in
	*-security) codename+=-security ;;
	esac
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(SITE)|$(RELEASE)|$(ORIGIN)' 'Identifier: Packages' |
		awk -F'|' -v release="$codename" '$2 == release && $3 ~ /Debian/ { print $1; exit }'
}

# apt_own ARCH TOOL ARG...: on a machine of that architecture that has nothing.
apt_own() {
	local arch=$1 tool=$2 apt=$VM/apt-$1
	shift 2
	"$tool" -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State::status="$apt/status" \
		-o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root \
		-o APT::Get::Assume-Yes=true -o Acquire::Retries=3 "$@"
}

# apt_suites ARCH SUITE...: the lists of these suites, and of no others.
apt_suites() {
	local arch=$1 suite site apt=$VM/apt-$1
	shift
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" && : >"$apt/status" && : >"$apt/sources.list"
	for suite in "$@"; do
		site=$(site_of "$suite")
		[ -n "$site" ] || return 1
		echo "deb $site $suite main" >>"$apt/sources.list"
	done
	apt_own "$arch" apt-get update >"$apt/log" 2>&1
}

# module_keep TREE NAME: of an unpacked package, overlayfs where that is a module, as $VM/kernels/NAME.modules/overlay.ko.
module_keep() {
	local found
	found=$(find "$1" -name 'overlay.ko*' -type f | head -n 1)
	[ -n "$found" ] || return 1
	mkdir -p "$VM/kernels/$2.modules"
	case $found in
	*.xz) xz --decompress --stdout "$found" ;;
	*.zst) zstd --quiet --decompress --stdout "$found" ;;
	*) cat "$found" ;;
	esac >"$VM/kernels/$2.modules/overlay.ko"
}

# kernel_fetch NAME ARCH SUITE PATTERN: leaves the newest such kernel that the mirror has as $VM/kernels/NAME, and the
# modules that are tested beside it: newer kernels have them in a package of their own.
kernel_fetch() {
	local package part unpacked=$VM/unpacked-$2
	mkdir -p "$VM/kernels" && apt_suites "$2" "$3" || return 1
	# A mirror may list what it does not hold yet.
	while read -r package; do
		rm -rf "$unpacked" "$VM/kernels/$1.modules"
		for part in "$package" "${package/#linux-binary-/linux-modules-}"; do
			[ ! -e "$VM/kernels/$1.modules" ] || break
			rm -rf "$unpacked" && mkdir -p "$unpacked"
			(cd "$unpacked" && apt_own "$2" apt-get download "$part") >>"$VM/apt-$2/log" 2>&1 || continue 2
			dpkg-deb -x "$unpacked"/*.deb "$unpacked/tree" || continue 2
			find "$unpacked/tree" -name 'vmlinuz*' -type f -exec cp {} "$VM/kernels/$1" \;
			module_keep "$unpacked/tree" "$1" || true
		done
		break
	done < <(apt_own "$2" apt-cache pkgnames linux- | grep -Ex "$4" | sort -rV | head -n 3)
	rm -rf "$unpacked"
	[ -e "$VM/kernels/$1" ]
}

# root_fetch ARCH PACKAGE...: unpacks them with all they depend on into $VM/ARCH-root.
root_fetch() {
	local arch=$1 codename package root=$VM/$1-root
	shift
	# shellcheck disable=SC1091 # a system file
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	apt_suites "$arch" "$codename" "$codename-backports" || apt_suites "$arch" "$codename" || return 1
	rm -rf "$root" "$root.new" "$VM/apt-$arch/cache/archives"
	mkdir -p "$root.new" "$VM/apt-$arch/cache/archives/partial"
	apt_own "$arch" apt-get --download-only --no-install-recommends install "$@" >>"$VM/apt-$arch/log" 2>&1 || return 1
	for package in "$VM/apt-$arch"/cache/archives/*.deb; do
		dpkg-deb -x "$package" "$root.new" || return 1
	done
	rm -rf "$VM/apt-$arch/cache/archives"
	mv "$root.new" "$root"
}
