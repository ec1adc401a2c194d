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

# kernel_fetch NAME ARCH SUITE PATTERN: leaves the newest such kernel that the mirror has as $VM/kernels/NAME.
kernel_fetch() {
	local package unpacked=$VM/unpacked-$2
	mkdir -p "$VM/kernels" && apt_suites "$2" "$3" || return 1
	# A mirror may list what it does not hold yet.
	while read -r package; do
		rm -rf "$unpacked" && mkdir -p "$unpacked"
		(cd "$unpacked" && apt_own "$2" apt-get download "$package") >>"$VM/apt-$2/log" 2>&1 || continue
		dpkg-deb -x "$unpacked"/*.deb "$unpacked/tree" || continue
		find "$unpacked/tree" -name 'vmlinuz*' -type f -exec cp {} "$VM/kernels/$1" \;
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
