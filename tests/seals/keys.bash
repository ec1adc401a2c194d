# SPDX-License-Identifier: Apache-2.0
#
# For the tests of signing keys: a raw capture, made once a file, is sealed anew by each key that there is. What was sealed
# is verified by us and, where cosign is found, by cosign.

# shellcheck source-path=SCRIPTDIR
load ../system/helpers
# shellcheck source-path=SCRIPTDIR
load servers

TYPE=https://stella.ops/predicates/runtime-evidence/v1
MODULE=/usr/lib/softhsm/libsofthsm2.so

# The stock verifier: $STELLA_TEST_COSIGN, else the servers' own, else on the PATH. Empty: there is none.
cosign_find() {
	COSIGN=${STELLA_TEST_COSIGN:-}
	for at in "${STELLA_TEST_SERVERS_BIN:-/nonexistent}/cosign" "$(command -v cosign)"; do
		if [ -z "$COSIGN" ] && [ -x "$at" ]; then COSIGN=$at; fi
	done
}

# capture_once: $BATS_FILE_TMPDIR/raw, of two chunks.
capture_once() {
	if [ "$(id -u)" != 0 ] || [ ! -r /sys/kernel/btf/vmlinux ]; then return 0; fi
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	collector_config
	collector_start --record-raw "$BATS_FILE_TMPDIR/raw" || return 0
	cat /etc/hostname >/dev/null
	kill -USR1 "$(collector_pid)"
	until [ -e "$EVIDENCE/chunk-000001.ndjson" ]; do sleep 0.05; done
	cat /etc/passwd >/dev/null
	collector_stop
}

need_capture() {
	[ -s "$BATS_FILE_TMPDIR/raw" ] || skip "no capture to seal: recording one needs root and a kernel with BTF"
}

# signing_config KEY_ID [YAML LINES of signing: ...]
signing_config() {
	local key_id=$1

	shift
	WORK=$BATS_TEST_TMPDIR/seal
	rm -rf "$WORK/evidence"
	mkdir -p "$WORK"
	cat >"$WORK/stellaops.yaml" <<-END
		signals:
		  state_directory: "$WORK/state"
		  signing:
		    key_id: "$key_id"
	END
	printf '%s\n' "$@" | sed -e '/^$/d' -e 's/^/    /' >>"$WORK/stellaops.yaml"
}

reseal() {
	"$STELLA" signals replay "$BATS_FILE_TMPDIR/raw" --config "$WORK/stellaops.yaml" --target "$WORK/evidence"
}

# seal_with KEY_ID [YAML LINES]: both chunks, sealed.
seal_with() {
	need_capture
	signing_config "$@"
	reseal
	[ -e "$WORK/evidence/chunk-000002.sigstore.json" ]
}

# refuse_with STATUS WORD KEY_ID [YAML LINES]: no evidence, one line that says WORD, and no secret in it.
refuse_with() {
	local wanted=$1 word=$2

	need_capture
	shift 2
	signing_config "$@"
	run reseal
	# shellcheck disable=SC2154 # run sets them
	[ "$status" = "$wanted" ] || { echo "status $status, wanted $wanted: $output"; return 1; }
	[[ "$output" == *"$word"* ]] || { echo "no '$word' in: $output"; return 1; }
	[ "$(printf '%s\n' "$output" | wc -l)" = 1 ] || { echo "more than one line: $output"; return 1; }
	[[ "$output" != *987654* && "$output" != *hvs.test* ]] || { echo "a secret in: $output"; return 1; }
	[ -z "$(ls "$WORK/evidence" 2>/dev/null)" ]
}

# check_with PUBLIC_KEY: ours and cosign find both seals good, and a changed chunk bad.
check_with() {
	local chunk

	cosign_find
	"$STELLA" signals verify-chain "$WORK/evidence" --key "$1" --output json >"$WORK/verify.json"
	jq -e '.sound and .chunks == 2' "$WORK/verify.json" >/dev/null
	[ -n "$COSIGN" ] || { echo "# cosign is not here: verified by us only" >&3; return 0; }
	for chunk in "$WORK"/evidence/chunk-*.ndjson; do
		cosign_verifies "$1" "$chunk" "$chunk"
		{ cat "$chunk"; echo; } >"$WORK/changed"
		if cosign_verifies "$1" "$chunk" "$WORK/changed" 2>/dev/null; then
			echo "cosign takes a changed chunk for the sealed one"
			return 1
		fi
	done
}

# cosign_verifies PUBLIC_KEY CHUNK FILE: the seal of CHUNK for FILE.
cosign_verifies() {
	"$COSIGN" verify-blob-attestation --bundle "${2%.ndjson}.sigstore.json" --key "$1" --type "$TYPE" \
		--insecure-ignore-tlog --use-signed-timestamps=false "$3"
}

# token_make: a SoftHSM token "stella" with the keys seal (P-256) and edwards, PIN 987654 in $PIN.
token_make() {
	if ! command -v softhsm2-util pkcs11-tool >/dev/null || [ ! -e "$MODULE" ]; then
		skip "SoftHSM and pkcs11-tool are not here"
	fi
	compgen -G '/usr/lib/*/ossl-modules/pkcs11.so' >/dev/null || skip "pkcs11-provider is not here"
	export SOFTHSM2_CONF=$BATS_TEST_TMPDIR/softhsm2.conf
	PIN=$BATS_TEST_TMPDIR/pin
	mkdir -p "$BATS_TEST_TMPDIR/tokens"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$BATS_TEST_TMPDIR/tokens" \
		>"$SOFTHSM2_CONF"
	(umask 077 && echo 987654 >"$PIN")
	softhsm2-util --init-token --free --label stella --so-pin 12345678 --pin 987654 >/dev/null
	token_key EC:prime256v1 seal 01
	token_key EC:edwards25519 edwards 02
}

token_tool() {
	pkcs11-tool --module "$MODULE" --token-label stella --login --pin 987654 "$@"
}

token_key() {
	token_tool --keypairgen --key-type "$1" --label "$2" --id "$3" >/dev/null 2>&1
}

# token_public LABEL FILE: what the token itself says its key is; the tool writes DER, or PEM of Ed25519.
token_public() {
	token_tool --read-object --type pubkey --label "$1" --output-file "$2.der" >/dev/null 2>&1
	openssl pkey -pubin -in "$2.der" -out "$2" # of whichever form
}

# tpm_start: a TPM of the test's own; $TPM2OPENSSL_TCTI and $TPM2TOOLS_TCTI name it.
tpm_start() {
	command -v swtpm tpm2_createprimary >/dev/null || skip "swtpm and tpm2-tools are not here"
	compgen -G '/usr/lib/*/ossl-modules/tpm2.so' >/dev/null || skip "tpm2-openssl is not here"
	TPM=$(mktemp -d /tmp/stella-tpm-XXXXXX) # a socket's path is short
	swtpm socket --tpm2 --tpmstate "dir=$TPM" --server "type=unixio,path=$TPM/s" --ctrl "type=unixio,path=$TPM/s.ctrl" \
		--flags not-need-init,startup-clear >/dev/null 2>&1 3>&- &
	TPM_PID=$!
	export TPM2OPENSSL_TCTI=swtpm:path=$TPM/s TPM2TOOLS_TCTI=swtpm:path=$TPM/s TSS2_LOG=all+NONE
	until [ -S "$TPM/s.ctrl" ]; do sleep 0.02; done
}

tpm_stop() {
	[ -n "${TPM_PID:-}" ] || return 0
	kill "$TPM_PID" 2>/dev/null
	wait "$TPM_PID" 2>/dev/null
	rm -rf "$TPM"
	unset TPM_PID
}

# services_start: the signing services of kms.py, and the environment that leads to them.
services_start() {
	command -v python3 >/dev/null || skip "python3 is not here"
	SERVICES=$BATS_TEST_TMPDIR/services
	mkdir -p "$SERVICES"
	python3 "$BATS_TEST_DIRNAME/kms.py" "$SERVICES" >"$SERVICES/said" 2>&1 3>&- &
	SERVICES_PID=$!
	until [ -e "$SERVICES/env" ]; do
		kill -0 "$SERVICES_PID" || { cat "$SERVICES/said"; return 1; }
		sleep 0.05
	done
	# shellcheck disable=SC1091 # written by kms.py
	. "$SERVICES/env"
	export VAULT_ADDR=https://localhost:$KMS_PORT VAULT_TOKEN=hvs.test
	export AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=secret/of+example AWS_SESSION_TOKEN=session-token==
	export AWS_REGION=eu-test-1
	export CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS=https://localhost:$KMS_PORT/gcp GCE_METADATA_HOST=127.0.0.1:$METADATA_PORT
	export AZURE_POD_IDENTITY_AUTHORITY_HOST=http://127.0.0.1:$METADATA_PORT
	openssl pkey -in "$SERVICES/p256.pem" -pubout -out "$SERVICES/p256.pub"
	openssl pkey -in "$SERVICES/ed25519.pem" -pubout -out "$SERVICES/ed25519.pub"
	# shellcheck disable=SC2034 # for the tests
	TLS="tls_ca_file: $SERVICES/ca.pem"
}

services_stop() {
	[ -n "${SERVICES_PID:-}" ] || return 0
	kill "$SERVICES_PID" 2>/dev/null
	wait "$SERVICES_PID" 2>/dev/null
	unset SERVICES_PID
}
