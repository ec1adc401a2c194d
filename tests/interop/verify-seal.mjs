// SPDX-License-Identifier: Apache-2.0
//
// verify-seal.mjs BUNDLE PUBKEY.pem CHUNK: is this seal good, by code that is not ours?
//
// The bundle is read and its signature verified by the Sigstore project's packages; the payload must be an
// in-toto Statement v1 whose one subject is the chunk, by name and by SHA-256. Exit 0 good, 1 not good, 2 usage,
// 77 the packages are not installed (npm ci in this directory, or $NODE_PATH to where they are).

import { createHash, createPublicKey } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';

function say(status, text) {
	(status === 0 ? process.stdout : process.stderr).write(`verify-seal: ${text}\n`);
	process.exit(status);
}

function sigstore() {
	// Unlike import, require also looks in $NODE_PATH.
	const require = createRequire(import.meta.url);
	try {
		return { bundle: require('@sigstore/bundle'), verify: require('@sigstore/verify') };
	} catch (error) {
		if (error.code !== 'MODULE_NOT_FOUND')
			throw error;
		say(77, "skipped: the Sigstore packages are not installed: 'npm ci' in tests/interop, or $NODE_PATH");
	}
}

// A key is trusted because it was given here; the hint in the bundle must name it.
function trust(verify, pem) {
	const key = createPublicKey(pem);
	const hint = createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('base64');
	const none = { tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] };
	return verify.toTrustMaterial(none, (asked) => {
		if (asked !== hint)
			throw new Error(`the seal is by another key: ${asked}, not ${hint}`);
		return { publicKey: key, validFor: () => true };
	});
}

function verifySignature({ bundle, verify }, bundlePath, keyPath) {
	const seal = bundle.bundleFromJSON(JSON.parse(readFileSync(bundlePath, 'utf8')));
	if (seal.mediaType !== 'application/vnd.dev.sigstore.bundle.v0.3+json')
		throw new Error(`media type ${seal.mediaType}`);
	bundle.assertBundleLatest(seal);
	const verifier = new verify.Verifier(trust(verify, readFileSync(keyPath)), {
		ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0, tsaThreshold: 0,
	});
	verifier.verify(verify.toSignedEntity(seal));
	return seal.content.dsseEnvelope;
}

async function fileDigest(path) {
	const hash = createHash('sha256');
	for await (const part of createReadStream(path))
		hash.update(part);
	return hash.digest('hex');
}

async function verifySubject(envelope, chunkPath) {
	if (envelope.payloadType !== 'application/vnd.in-toto+json')
		throw new Error(`payload type ${envelope.payloadType}`);
	const statement = JSON.parse(envelope.payload.toString('utf8'));
	if (statement._type !== 'https://in-toto.io/Statement/v1')
		throw new Error(`statement type ${statement._type}`);
	if (statement.subject?.length !== 1)
		throw new Error('the statement must have one subject');
	const [subject] = statement.subject;
	if (subject.name !== basename(chunkPath))
		throw new Error(`the subject is ${subject.name}, not ${basename(chunkPath)}`);
	const digest = await fileDigest(chunkPath);
	if (subject.digest?.sha256 !== digest)
		throw new Error(`the subject's digest is ${subject.digest?.sha256}, the chunk's is ${digest}`);
	return statement.predicateType;
}

if (process.argv.length !== 5)
	say(2, 'usage: verify-seal.mjs BUNDLE PUBKEY.pem CHUNK');
const [bundlePath, keyPath, chunkPath] = process.argv.slice(2);
const packages = sigstore();
try {
	const envelope = verifySignature(packages, bundlePath, keyPath);
	say(0, `good: ${basename(chunkPath)}, ${await verifySubject(envelope, chunkPath)}`);
} catch (error) {
	say(1, `not good: ${bundlePath}: ${error.message}`);
}
