#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Seals without a key of one's own: for each a certificate by a real Fulcio, a log or a timestamp authority that proves
# when, and the verdict of ours and of cosign, also without any network.

load keys

setup_file() {
	servers_start "$BATS_FILE_TMPDIR/servers" || true
}

teardown_file() {
	servers_stop
}

setup() {
	need_bpf
	need_servers
	[ -n "${STELLA_TEST_FULCIO_URL:-}" ] || skip "no certificate authority to ask: STELLA_TEST_FULCIO_URL is not set"
	cosign_find
	TOKEN=$BATS_TEST_TMPDIR/token
	ROOT=$BATS_TEST_TMPDIR/trusted_root.json
	jq -r '.chains[0].certificates | join("")' "$STELLA_TEST_FULCIO_TRUST" >"$BATS_TEST_TMPDIR/fulcio.pem"
	"$STELLA" signals trusted-root --output "$ROOT" \
		--log "key=$STELLA_TEST_REKOR1_PUB,url=$STELLA_TEST_REKOR1_URL" \
		--log "key=$STELLA_TEST_REKOR2_PUB,origin=$STELLA_TEST_REKOR2_ORIGIN" \
		--timestamper "chain=$STELLA_TEST_TSA_CHAIN,url=$STELLA_TEST_TSA_URL" --ca "chain=$BATS_TEST_TMPDIR/fulcio.pem"
}

teardown() {
	collector_end
}

# token ISSUER CLAIMS [SECONDS]: what an issuer that Fulcio trusts says of us, in $TOKEN; valid for SECONDS.
token() {
	python3 - "$1" "$STELLA_TEST_OIDC_KEY" "$2" "${3:-600}" >"$TOKEN.new" <<-'END'
		import base64, json, subprocess, sys, time
		issuer, key, claims, valid = sys.argv[1:]
		def url(raw):
		    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
		now = int(time.time())
		body = dict(iss=issuer, aud="sigstore", iat=now - 60, nbf=now - 60, exp=now + int(valid), **json.loads(claims))
		text = url(b'{"alg":"ES256","kid":"k1","typ":"JWT"}') + "." + url(json.dumps(body).encode())
		der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text.encode(), stdout=subprocess.PIPE,
		                     check=True).stdout
		at, raw = 2, b""
		for _ in range(2):
		    raw += der[at + 2:at + 2 + der[at + 1]].lstrip(b"\0").rjust(32, b"\0")
		    at += 2 + der[at + 1]
		print(text + "." + url(raw))
	END
	mv "$TOKEN.new" "$TOKEN"
}

# fulcio_config [YAML LINES of signing: ...]
fulcio_config() {
	collector_config "signing:" "  key_id: fulcio" "  fulcio_url: $STELLA_TEST_FULCIO_URL" "  identity_token_file: $TOKEN" \
		"  trusted_root: $ROOT" "$@"
}

# anchored SEQUENCE CONDITION: until the seal has what the jq condition wants of its verificationMaterial.
anchored() {
	local seal

	seal=$EVIDENCE/$(printf 'chunk-%06d.sigstore.json' "$1")
	until [ -e "$seal" ] && jq -e ".verificationMaterial | $2" "$seal" >/dev/null; do sleep 0.1; done
}

# found_good IDENTITY ISSUER CHUNKS: by ours and by cosign, and once more where there is no network.
found_good() {
	local chunk

	for apart in "" "unshare -n"; do
		$apart "$STELLA" signals verify-chain "$EVIDENCE" --trusted-root "$ROOT" --certificate-identity "$1" \
			--certificate-oidc-issuer "$2" --require-log --output json >"$WORK/verify.json" || { cat "$WORK/verify.json"; return 1; }
		jq -e ".sound and .chunks == $3" "$WORK/verify.json"
		[ -n "$COSIGN" ] || continue
		for chunk in "$EVIDENCE"/chunk-*.ndjson; do
			$apart "$COSIGN" verify-blob-attestation --bundle "${chunk%.ndjson}.sigstore.json" --type "$TYPE" \
				--trusted-root "$ROOT" --certificate-identity "$1" --certificate-oidc-issuer "$2" \
				--insecure-ignore-sct "$chunk"
		done
	done
	run "$STELLA" signals verify-chain "$EVIDENCE" --trusted-root "$ROOT" --certificate-identity "$1x" \
		--certificate-oidc-issuer "$2" --output json
	[ "$status" = 2 ]
}

@test "SPIFFE identity and Rekor v1: a certificate a seal, a token read anew for each" {
	token "$STELLA_TEST_OIDC_SPIFFE" '{"sub":"spiffe://example.org/node/1"}'
	fulcio_config "  submit_to_rekor: true" "  rekor_urls: [\"v1:$STELLA_TEST_REKOR1_URL\"]"
	collector_start
	jq -e '.key.kind == "fulcio" and (.key | has("id") | not)' "$WORK/start.json"
	cat /etc/hostname >/dev/null
	kill -USR1 "$(collector_pid)"
	anchored 1 '.tlogEntries | length >= 1' # at least the local log's
	token "$STELLA_TEST_OIDC_SPIFFE" '{"sub":"spiffe://example.org/node/1"}'
	kill -USR1 "$(collector_pid)"
	anchored 2 '.tlogEntries | map(.integratedTime) | any'
	anchored 1 '.tlogEntries | map(.integratedTime) | any'
	collector_stop
	# What was sealed at the stop is anchored by the next start.
	collector_start
	anchored 3 '.tlogEntries | map(.integratedTime) | any'
	kill -9 "$(collector_pid)"
	rm -f "$EVIDENCE"/*.open
	found_good spiffe://example.org/node/1 "$STELLA_TEST_OIDC_SPIFFE" 3
	# No two seals have the same certificate.
	[ "$(jq -r .verificationMaterial.certificate.rawBytes "$EVIDENCE"/chunk-*.sigstore.json | sort -u | wc -l)" = 3 ]
}

@test "Kubernetes identity, Rekor v2 and a timestamp authority" {
	token "$STELLA_TEST_OIDC_K8S" '{"sub":"system:serviceaccount:ns:sa","kubernetes.io":{"namespace":"ns",
		"pod":{"name":"p","uid":"u"},"serviceaccount":{"name":"sa","uid":"v"}}}'
	fulcio_config "  submit_to_rekor: true" "  rekor_urls: [\"v2:$STELLA_TEST_REKOR2_URL\"]" \
		"  timestamp_urls: [\"$STELLA_TEST_TSA_URL\"]"
	collector_start
	cat /etc/hostname >/dev/null
	kill -USR1 "$(collector_pid)"
	anchored 1 '(.tlogEntries | length >= 2) and (.timestampVerificationData.rfc3161Timestamps | length >= 1)'
	kill -9 "$(collector_pid)"
	rm -f "$EVIDENCE"/*.open
	found_good https://kubernetes.io/namespaces/ns/serviceaccounts/sa "$STELLA_TEST_OIDC_K8S" 1
}

@test "an email identity: the proof is over the address" {
	token "$STELLA_TEST_OIDC_EMAIL" '{"sub":"1","email":"a@example.org","email_verified":true}'
	fulcio_config "  submit_to_rekor: true" "  rekor_urls: [\"v1:$STELLA_TEST_REKOR1_URL\"]"
	collector_start
	kill -USR1 "$(collector_pid)"
	anchored 1 '.tlogEntries | map(.integratedTime) | any'
	kill -9 "$(collector_pid)"
	rm -f "$EVIDENCE"/*.open
	found_good a@example.org "$STELLA_TEST_OIDC_EMAIL" 1
}

@test "an ended token, or no Fulcio: recording goes on, the state says why, and the next token seals what waited" {
	token "$STELLA_TEST_OIDC_SPIFFE" '{"sub":"spiffe://example.org/node/1"}' -1
	fulcio_config "  submit_to_rekor: true" "  rekor_urls: [\"v1:$STELLA_TEST_REKOR1_URL\"]"
	collector_start
	kill -USR1 "$(collector_pid)"
	until "$STELLA" signals status --socket "$SOCKET" --output json | jq -e '.chain.error | strings | test("token has ended")'; do
		sleep 0.1
	done
	[ ! -e "$EVIDENCE/chunk-000001.sigstore.json" ]
	run "$STELLA" signals health --socket "$SOCKET" --output table
	[ "$status" = 1 ]
	token "$STELLA_TEST_OIDC_SPIFFE" '{"sub":"spiffe://example.org/node/1"}'
	anchored 1 '.tlogEntries | map(.integratedTime) | any'
	kill -9 "$(collector_pid)"
	rm -f "$EVIDENCE"/*.open
	found_good spiffe://example.org/node/1 "$STELLA_TEST_OIDC_SPIFFE" 1
}
