#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Each kind of key makes real seals, which we and cosign verify with the public half that the key's own tools tell.

load keys

setup_file() {
	servers_start "$BATS_FILE_TMPDIR/servers" || true
	capture_once
}

teardown_file() {
	servers_stop
}

teardown() {
	collector_end
	tpm_stop
	services_stop
}

@test "file: an encrypted key with its passphrase in a file; the same without it is refused" {
	(umask 077 && echo "a good one" >"$BATS_TEST_TMPDIR/phrase" && echo "a bad one" >"$BATS_TEST_TMPDIR/wrong")
	local key=$BATS_TEST_TMPDIR/k.pem
	"$STELLA" signals keygen --quiet --key "$key" --encrypt --passphrase-file "$BATS_TEST_TMPDIR/phrase"
	seal_with "file:$key" "passphrase_file: $BATS_TEST_TMPDIR/phrase"
	check_with "$key.pub"
	refuse_with 1 passphrase_file "file:$key"
	refuse_with 1 passphrase "file:$key" "passphrase_file: $BATS_TEST_TMPDIR/wrong"
	chmod 640 "$BATS_TEST_TMPDIR/phrase"
	refuse_with 3 "mode 0640" "file:$key" "passphrase_file: $BATS_TEST_TMPDIR/phrase"
}

@test "file: Ed25519 signs, and its seal verifies" {
	"$STELLA" signals keygen --quiet --key "$BATS_TEST_TMPDIR/e.pem" --type ed25519
	seal_with "file:$BATS_TEST_TMPDIR/e.pem"
	check_with "$BATS_TEST_TMPDIR/e.pem.pub"
}

@test "file: what is refused: readable by others, not there, another curve, a public key" {
	"$STELLA" signals keygen --quiet --key "$BATS_TEST_TMPDIR/k.pem"
	chmod 604 "$BATS_TEST_TMPDIR/k.pem"
	refuse_with 3 "mode 0604" "file:$BATS_TEST_TMPDIR/k.pem"
	refuse_with 4 keygen "file:$BATS_TEST_TMPDIR/none.pem"
	(umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$BATS_TEST_TMPDIR/p384.pem" 2>/dev/null)
	refuse_with 1 "P-256" "file:$BATS_TEST_TMPDIR/p384.pem"
	(umask 077 && cp "$BATS_TEST_TMPDIR/k.pem.pub" "$BATS_TEST_TMPDIR/public.pem")
	chmod 600 "$BATS_TEST_TMPDIR/public.pem"
	refuse_with 1 PKCS#8 "file:$BATS_TEST_TMPDIR/public.pem"
}

@test "pkcs11: a key in a token signs, P-256 and Ed25519" {
	token_make
	for key in seal edwards; do
		seal_with "pkcs11:token=stella;object=$key" "pkcs11_module: $MODULE" "pin_file: $PIN"
		token_public "$key" "$BATS_TEST_TMPDIR/$key.pub"
		check_with "$BATS_TEST_TMPDIR/$key.pub"
		ls "$WORK"/state/signers/pkcs11-*.pem
	done
	# The PIN went into no file of ours.
	run grep -r 987654 "$WORK"
	[ "$status" = 1 ]
}

@test "pkcs11: what is refused: another token, another name, a wrong PIN, an open PIN file, a PIN in the URI" {
	token_make
	local with=("pkcs11_module: $MODULE" "pin_file: $PIN")
	refuse_with 4 "cannot find" "pkcs11:token=other;object=seal" "${with[@]}"
	refuse_with 3 "no such key" "pkcs11:token=stella;object=none" "${with[@]}"
	refuse_with 3 "no pin_file" "pkcs11:token=stella;object=seal" "pkcs11_module: $MODULE"
	refuse_with 2 "PIN" "pkcs11:token=stella;object=seal;pin-value=987653" "${with[@]}"
	refuse_with 4 "/none.so" "pkcs11:token=stella;object=seal" "pkcs11_module: /none.so" "pin_file: $PIN"
	(umask 077 && echo 111111 >"$BATS_TEST_TMPDIR/wrong")
	refuse_with 3 "tokens lock" "pkcs11:token=stella;object=seal" "pkcs11_module: $MODULE" "pin_file: $BATS_TEST_TMPDIR/wrong"
	chmod 644 "$PIN"
	refuse_with 3 "mode 0644" "pkcs11:token=stella;object=seal" "${with[@]}"
}

@test "pkcs11: the collector itself signs with a token, drafts with a key of its own, and a killed one is recovered" {
	need_bpf
	token_make
	collector_config "signing:" "  key_id: \"pkcs11:token=stella;object=seal\"" "  pkcs11_module: $MODULE" "  pin_file: $PIN"
	collector_start
	jq -e '.key.kind == "pkcs11" and .key.generated == false' "$WORK/start.json"
	cat /etc/hostname >/dev/null
	until jq -e . "$EVIDENCE/chunk-000001.json.open" >/dev/null 2>&1; do sleep 0.05; done
	kill -9 "$(collector_pid)"
	collector_start
	jq -e '.recovered.chunks == 1' "$WORK/start.json"
	collector_stop
	token_public seal "$BATS_TEST_TMPDIR/seal.pub"
	"$STELLA" signals verify-chain "$EVIDENCE" --key "$BATS_TEST_TMPDIR/seal.pub" --output json >"$WORK/verify.json"
	jq -e '.sound and .chunks == 2' "$WORK/verify.json"
	[ "$(stat -c %a "$WORK/state/keys/drafts.pem")" = 600 ]
}

@test "pkcs11: a token's seals in Rekor v2, with a timestamp: cosign and we find them good without a network, too" {
	need_bpf
	need_servers
	token_make
	local root=$BATS_TEST_TMPDIR/root.json seal
	servers_root "$root"
	collector_config "signing:" "  key_id: \"pkcs11:token=stella;object=seal\"" "  pkcs11_module: $MODULE" "  pin_file: $PIN" \
		"  trusted_root: $root" "  submit_to_rekor: true" "  rekor_urls: [\"v2:$STELLA_TEST_REKOR2_URL\"]" \
		"  timestamp_urls: [\"$STELLA_TEST_TSA_URL\"]" "  local_log: false"
	collector_start
	cat /etc/hostname >/dev/null
	kill -USR1 "$(collector_pid)"
	seal=$EVIDENCE/chunk-000001.sigstore.json
	wait_for jq -e '.verificationMaterial | (.tlogEntries | length == 1) and
		(.timestampVerificationData.rfc3161Timestamps | length == 1)' "$seal"
	collector_stop
	token_public seal "$BATS_TEST_TMPDIR/seal.pub"
	for apart in "" "unshare -n"; do
		$apart cosign verify-blob-attestation --bundle "$seal" --key "$BATS_TEST_TMPDIR/seal.pub" --type "$TYPE" \
			--trusted-root "$root" "${seal%.sigstore.json}.ndjson"
		$apart "$STELLA" signals verify-chain "$EVIDENCE" --key "$BATS_TEST_TMPDIR/seal.pub" --trusted-root "$root" \
			--output json >"$WORK/verify.json"
		jq -e '.sound and .log.proofs_verified >= 1' "$WORK/verify.json"
	done
}

@test "tpm2: a persistent handle with an authorisation value, and a key file" {
	tpm_start
	(umask 077 && printf abc >"$BATS_TEST_TMPDIR/auth" && printf abd >"$BATS_TEST_TMPDIR/wrong")
	(
		cd "$BATS_TEST_TMPDIR"
		tpm2_createprimary -C o -g sha256 -G ecc256 -c p.ctx
		tpm2_create -C p.ctx -G ecc256:ecdsa-sha256 -u k.pub -r k.priv -p abc
		tpm2_flushcontext -t
		tpm2_load -C p.ctx -u k.pub -r k.priv -c k.ctx
		tpm2_evictcontrol -C o -c k.ctx 0x81000001
		tpm2_flushcontext -t
		tpm2_readpublic -c 0x81000001 -f pem -o handle.pub
		openssl genpkey -provider tpm2 -provider default -propquery '?provider=tpm2' -algorithm EC -pkeyopt group:P-256 \
			-out key.pem
		tpm2_flushcontext -t
		openssl pkey -provider tpm2 -provider default -propquery '?provider=tpm2' -in key.pem -pubout -out file.pub
		tpm2_flushcontext -t
	) >/dev/null 2>&1
	seal_with tpm2:0x81000001 "pin_file: $BATS_TEST_TMPDIR/auth"
	check_with "$BATS_TEST_TMPDIR/handle.pub"
	seal_with "tpm2:$BATS_TEST_TMPDIR/key.pem"
	check_with "$BATS_TEST_TMPDIR/file.pub"
	refuse_with 3 "does not take the PIN" tpm2:0x81000001 "pin_file: $BATS_TEST_TMPDIR/wrong"
	refuse_with 4 "cannot find" tpm2:0x81000077
	refuse_with 2 "persistent handle" tpm2:0x80000001
}

@test "services: Vault, OpenBao, AWS, Google and Azure sign, as their documents say" {
	services_start
	seal_with hashivault://p256 "$TLS"
	check_with "$SERVICES/p256.pub"
	seal_with hashivault://ed25519 "$TLS"
	check_with "$SERVICES/ed25519.pub"
	seal_with openbao://p256 "$TLS"
	check_with "$SERVICES/p256.pub"
	seal_with "awskms://localhost:$KMS_PORT/alias/seal" "$TLS"
	check_with "$SERVICES/p256.pub"
	seal_with gcpkms://projects/p/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/7 "$TLS"
	check_with "$SERVICES/p256.pub"
	seal_with "azurekms://localhost:$KMS_PORT/seal" "$TLS"
	check_with "$SERVICES/p256.pub"
	# Azure by a workload's identity.
	printf 'federated.token+/=x' >"$BATS_TEST_TMPDIR/federated"
	export AZURE_FEDERATED_TOKEN_FILE=$BATS_TEST_TMPDIR/federated AZURE_TENANT_ID=tenant-1 AZURE_CLIENT_ID=client-1
	export AZURE_AUTHORITY_HOST=https://localhost:$KMS_PORT/
	seal_with "azurekms://localhost:$KMS_PORT/seal/0123456789abcdef" "$TLS"
	check_with "$SERVICES/p256.pub"
	# Vault with its token in a file.
	unset VAULT_TOKEN
	(umask 077 && echo hvs.test >"$BATS_TEST_TMPDIR/token")
	seal_with hashivault://p256 "$TLS" "vault_token_file: $BATS_TEST_TMPDIR/token"
	check_with "$SERVICES/p256.pub"
	run grep -rE 'hvs\.test|secret/of' "$WORK"
	[ "$status" = 1 ]
}

@test "services: what is refused: no token, a wrong secret, an unknown key, another certificate, offline" {
	services_start
	VAULT_TOKEN=hvs.other refuse_with 3 "permission denied" hashivault://p256 "$TLS"
	VAULT_TOKEN='' refuse_with 4 "VAULT_TOKEN" hashivault://p256 "$TLS"
	VAULT_ADDR='' refuse_with 1 "VAULT_ADDR" hashivault://p256 "$TLS"
	refuse_with 4 "no such key" hashivault://none "$TLS"
	AWS_SECRET_ACCESS_KEY=other refuse_with 3 SignatureDoesNotMatch "awskms://localhost:$KMS_PORT/alias/seal" "$TLS"
	AWS_SESSION_TOKEN='' refuse_with 3 "no session token" "awskms://localhost:$KMS_PORT/alias/seal" "$TLS"
	AWS_ACCESS_KEY_ID='' refuse_with 4 AWS_ACCESS_KEY_ID "awskms://localhost:$KMS_PORT/alias/seal" "$TLS"
	AWS_REGION='' refuse_with 1 AWS_REGION "awskms://localhost:$KMS_PORT/alias/seal" "$TLS"
	refuse_with 10 certificate hashivault://p256
	VAULT_ADDR=https://localhost:1 refuse_with 10 refused hashivault://p256 "$TLS"
	STELLA_OFFLINE=1 refuse_with 5 STELLA_OFFLINE hashivault://p256 "$TLS"
}

@test "services: an answer that is forged, too large, no JSON, or none at all seals nothing" {
	services_start
	need_bpf
	collector_config "signing:" "  key_id: hashivault://p256" "  $TLS"
	collector_start
	for fault in forged garbage huge 500 403; do
		echo "$fault" >"$SERVICES/fault"
		kill -USR1 "$(collector_pid)"
		until "$STELLA" signals status --socket "$SOCKET" --output json >"$WORK/status.json" &&
			jq -e '.chain.waiting > 0 and .chain.error != null' "$WORK/status.json" >/dev/null; do sleep 0.1; done
		[ ! -e "$EVIDENCE/chunk-000001.sigstore.json" ]
	done
	# Recording went on all the time; when the service is well, everything is sealed.
	rm "$SERVICES/fault"
	collector_stop
	"$STELLA" signals verify-chain "$EVIDENCE" --key "$SERVICES/p256.pub" --output json >"$WORK/verify.json"
	jq -e '.sound and .complete and .chunks == 6' "$WORK/verify.json"
}

@test "exec: a plugin that cosign can use signs for us, too; what others can change is not run" {
	local plugin=$BATS_TEST_TMPDIR/sigstore-kms-test
	(umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$BATS_TEST_TMPDIR/k.pem" 2>/dev/null)
	openssl pkey -in "$BATS_TEST_TMPDIR/k.pem" -pubout -out "$BATS_TEST_TMPDIR/k.pub"
	cat >"$plugin" <<-'END'
		#!/bin/sh
		# Speaks cosign's plugin protocol for one key, in this folder.
		here=${0%/*}
		[ "$1" = v1 ] || exit 1
		[ "$(printf '%s' "$2" | jq -r .initOptions.keyResourceID)" = the/key ] || { echo '{"errorMessage":"no such key"}'; exit 0; }
		case $(printf '%s' "$2" | jq -r .methodName) in
		publicKey) printf '{"publicKey":{"publicKeyPEM":"%s"}}' "$(base64 -w0 "$here/k.pub")" ;;
		signMessage) printf '{"signMessage":{"signature":"%s"}}' "$(openssl dgst -sha256 -sign "$here/k.pem" | base64 -w0)" ;;
		*) echo '{"errorMessage":"not asked for"}' ;;
		esac
	END
	chmod 755 "$plugin"
	seal_with "exec:$plugin the/key"
	check_with "$BATS_TEST_TMPDIR/k.pub"
	if [ -n "$COSIGN" ]; then
		PATH=$BATS_TEST_TMPDIR:$PATH "$COSIGN" sign-blob --key test://the/key --tlog-upload=false --use-signing-config=false \
			--yes --bundle "$BATS_TEST_TMPDIR/bundle" "$BATS_TEST_TMPDIR/k.pub"
	fi
	refuse_with 10 "no such key" "exec:$plugin other/key"
	chmod 777 "$plugin"
	refuse_with 3 "can change it" "exec:$plugin the/key"
}

@test "rotation: the old key announces the next one, and who trusts the old one trusts both" {
	need_bpf
	"$STELLA" signals keygen --quiet --key "$BATS_TEST_TMPDIR/old.pem"
	"$STELLA" signals keygen --quiet --key "$BATS_TEST_TMPDIR/new.pem"
	collector_config "signing:" "  key_id: file:$BATS_TEST_TMPDIR/old.pem" "  next_key_id: file:$BATS_TEST_TMPDIR/new.pem"
	collector_start
	collector_stop
	sed -i -e '/next_key_id/d' -e 's/old.pem/new.pem/' "$WORK/stellaops.yaml"
	collector_start
	collector_stop
	"$STELLA" signals verify-chain "$EVIDENCE" --key "$BATS_TEST_TMPDIR/old.pem.pub" --output json >"$WORK/verify.json"
	jq -e '.sound and ([.signers[] | select(.announced_by)] | length) == 1' "$WORK/verify.json"
	# Without the announcement it is a stranger.
	run "$STELLA" signals verify-chain "$EVIDENCE" --key "$BATS_TEST_TMPDIR/new.pem.pub" --output json
	[ "$status" = 2 ]
}
