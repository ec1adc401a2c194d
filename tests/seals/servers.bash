# SPDX-License-Identifier: Apache-2.0
#
# Real logs, timestamp authorities and certificate authorities for the tests of seals. They are found by
#
#   STELLA_TEST_REKOR1_URL ..._REKOR1_PUB, _REKOR2_URL _REKOR2_ORIGIN _REKOR2_PUB _REKOR2_TILES, _TSA_URL _TSA_CHAIN,
#   _FULCIO_URL _FULCIO_TRUST, _OIDC_K8S _OIDC_SPIFFE _OIDC_EMAIL _OIDC_KEY, _SERVERS_BIN (cosign and others)
#
# where somebody set them; else by the file that STELLA_TEST_SERVERS_ENV names, which sets the same without "STELLA_TEST_";
# else they are started by the programs `up` and `down` of the directory STELLA_TEST_SERVERS (default ../shared/servers
# beside the checkout). Without any of these the tests are skipped by name.
#
#   servers_start DIR   returns 1, with the reason in SERVERS_WHY_NOT; DIR is for what is started
#   servers_stop        ends what servers_start started
#   need_servers        skips the test
#   servers_root FILE [COSIGN OPTION...]   a trusted root of all of them, and of what the options add

: "${STELLA_ROOT:=$(cd "${BATS_TEST_DIRNAME:-$(dirname "${BASH_SOURCE[0]}")}/../.." && pwd)}"
: "${STELLA_BUILD:=$STELLA_ROOT/build}"

# servers_env FILE: what it sets, as the tests call it.
servers_env() {
	local name value

	while IFS='=' read -r name value; do
		[[ $name =~ ^[A-Z0-9_]+$ ]] && export "STELLA_TEST_$name=$value"
	done <"$1"
}

servers_start() {
	local programs=${STELLA_TEST_SERVERS:-$STELLA_ROOT/../shared/servers}

	SERVERS_STARTED='' SERVERS_FRONT=''
	mkdir -p "$1"
	if [[ -n ${STELLA_TEST_REKOR1_URL:-} ]]; then
		:
	elif [[ -n ${STELLA_TEST_SERVERS_ENV:-} ]]; then
		servers_env "$STELLA_TEST_SERVERS_ENV"
	elif [[ ! -x $programs/up ]]; then
		export SERVERS_WHY_NOT="no logs to test against: neither STELLA_TEST_REKOR1_URL nor $programs/up"
		return 1
	elif ! "$programs/up" "$1" >"$1/up.log" 2>&1 3>&-; then
		"$programs/down" "$1" >>"$1/up.log" 2>&1 || true
		export SERVERS_WHY_NOT="the servers of $programs do not start here, see $1/up.log"
		return 1
	else
		export SERVERS_STARTED=$1 SERVERS_PROGRAMS=$programs
		servers_env "$1/env"
	fi
	servers_tiles "$1"
}

# Rekor v2 leaves it to its operator to let others read its tiles; where nobody does, we do.
servers_tiles() {
	if [[ -z ${STELLA_TEST_REKOR2_TILES:-} ]] ||
		curl -sf -o /dev/null "$STELLA_TEST_REKOR2_URL/api/v2/checkpoint"; then
		return 0
	fi
	rm -f "$1/tiles.port"
	python3 "$STELLA_ROOT/tests/seals/fake-log" "$1/tiles.port" "$1/tiles.mode" "$STELLA_TEST_REKOR2_URL" \
		"$STELLA_TEST_REKOR2_TILES" >"$1/tiles.err" 2>&1 3>&- &
	export SERVERS_FRONT=$!
	for _ in {1..100}; do
		[[ -s $1/tiles.port ]] && break
		sleep 0.1
	done
	STELLA_TEST_REKOR2_URL=http://127.0.0.1:$(cat "$1/tiles.port")
}

servers_stop() {
	[[ -z ${SERVERS_FRONT:-} ]] || kill "$SERVERS_FRONT" 2>/dev/null || true
	[[ -z ${SERVERS_STARTED:-} ]] || "$SERVERS_PROGRAMS/down" "$SERVERS_STARTED"
	SERVERS_STARTED='' SERVERS_FRONT=''
}

need_servers() {
	[[ -n ${STELLA_TEST_REKOR1_URL:-} ]] || skip "${SERVERS_WHY_NOT:-no logs to test against}"
	PATH=$PATH:${STELLA_TEST_SERVERS_BIN:-}
	command -v cosign >/dev/null || skip "cosign is not there"
}

servers_root() {
	local file=$1

	shift
	cosign trusted-root create --out "$file" \
		--rekor "url=$STELLA_TEST_REKOR1_URL,public-key=$STELLA_TEST_REKOR1_PUB,start-time=2024-01-01T00:00:00Z" \
		--rekor "url=https://$STELLA_TEST_REKOR2_ORIGIN,public-key=$STELLA_TEST_REKOR2_PUB,start-time=2024-01-01T00:00:00Z,origin=$STELLA_TEST_REKOR2_ORIGIN" \
		--tsa "url=$STELLA_TEST_TSA_URL,certificate-chain=$STELLA_TEST_TSA_CHAIN" "$@"
}

# ---- logs that lie: front NAME REAL-URL [TILES] ----

# Starts fake-log before a real one; FRONT_URL is its URL.
front() {
	local name=$1 at=$BATS_TEST_TMPDIR/$1

	shift
	echo pass >"$at.mode"
	rm -f "$at.port"
	python3 "$STELLA_ROOT/tests/seals/fake-log" "$at.port" "$at.mode" "$@" >"$at.err" 2>&1 3>&- &
	FRONTS="${FRONTS:-} $!"
	for _ in {1..100}; do
		[[ -s $at.port ]] && break
		sleep 0.1
	done
	FRONT_URL=http://127.0.0.1:$(cat "$at.port")
}

front_mode() {
	echo "$2" >"$BATS_TEST_TMPDIR/$1.mode"
}

# How many requests the front NAME had that match an extended regular expression.
front_asked() {
	grep -Ec "$2" "$BATS_TEST_TMPDIR/$1.port.log" || true
}

fronts_end() {
	local pid

	for pid in ${FRONTS:-}; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
	done
	FRONTS=
}

# Until a command succeeds; what has not happened after a minute does not happen.
wait_for() {
	for _ in {1..600}; do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	echo "did not happen: $*" >&2
	return 1
}
