// SPDX-License-Identifier: Apache-2.0
//
// vex.mjs FILE...: is each FILE an OpenVEX 0.2.0 or a CycloneDX 1.6 document? Judged by ajv with the schemas that OpenVEX and
// CycloneDX publish, formats (IRIs, dates) included; by the rules that a schema cannot hold (references within the document,
// purls that parse); and as the canonical JSON that others write. The judge is shown bent copies, which it must refuse.

import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
let Ajv, Ajv2020, formats, formats2019, canonicalize, schemas;
try {
	Ajv = require('ajv');
	Ajv2020 = require('ajv/dist/2020');
	formats = require('ajv-formats');
	formats2019 = require('ajv-formats-draft2019');
	canonicalize = require('canonicalize');
	const library = require.resolve('@cyclonedx/cyclonedx-library/package.json');
	schemas = path.join(path.dirname(library), 'res', 'schema');
} catch {
	console.error('vex.mjs: skipped, npm packages of others are not installed (npm ci in tests/interop)');
	process.exit(77);
}

const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const options = { allErrors: true, strict: false, validateFormats: true };

function openvex() {
	const ajv = new Ajv2020(options);
	formats(ajv);
	// The iri of ajv-formats-draft2019 knows registered schemes only; OpenVEX names products by purl. Ours are ASCII: URIs.
	ajv.addFormat('iri', ajv.formats.uri);
	return ajv.compile(read(path.join(here, 'data', 'openvex_json_schema_0.2.0.json')));
}

function cyclonedx() {
	const ajv = new Ajv(options);
	formats(ajv);
	formats2019(ajv);
	for (const name of ['spdx', 'jsf-0.82'])
		ajv.addSchema(read(path.join(schemas, `${name}.SNAPSHOT.schema.json`)), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
	return ajv.compile(read(path.join(schemas, 'bom-1.6.SNAPSHOT.schema.json')));
}

const copy = (value) => JSON.parse(JSON.stringify(value));

function refuses(valid, document, bend) {
	const bent = copy(document);
	bend(bent);
	assert.ok(!valid(bent), `the judge accepts a bent document: ${bend}`);
}

// pkg:TYPE/[NAMESPACE/]NAME[@VERSION][?QUALIFIERS], as package-url has it, by the URL parser of node.
function isPurl(text) {
	const url = new URL(text);
	return url.protocol === 'pkg:' && /^[a-z][a-z0-9.-]*\/[^/@?#]+/.test(url.pathname) && /^[\x21-\x7e]+$/.test(text);
}

function judgeOpenvex(document) {
	const valid = openvex();
	assert.ok(valid(document), JSON.stringify(valid.errors, null, 1));
	refuses(valid, document, (d) => delete d.author);
	refuses(valid, document, (d) => { d.timestamp = 'today'; });
	refuses(valid, document, (d) => { d['@id'] = 'no iri'; });
	refuses(valid, document, (d) => { d.statements = []; });
	refuses(valid, document, (d) => { d.statements.push(d.statements[0]); });
	refuses(valid, document, (d) => { d.statements[0].status = 'safe'; });
	for (const [index, statement] of document.statements.entries()) {
		for (const product of statement.products)
			for (const one of [product, ...product.subcomponents ?? []])
				assert.ok(!one.identifiers || (isPurl(one.identifiers.purl) && one['@id'] === one.identifiers.purl));
		if (statement.status === 'affected')
			refuses(valid, document, (d) => delete d.statements[index].action_statement);
		if (statement.status !== 'not_affected')
			continue;
		assert.ok(statement.justification === 'vulnerable_code_not_in_execute_path' && /[0-9a-f]{64}/.test(statement.impact_statement));
		refuses(valid, document, (d) => { delete d.statements[index].justification; delete d.statements[index].impact_statement; });
	}
	return document.statements.length;
}

function judgeCyclonedx(document) {
	const valid = cyclonedx();
	assert.ok(valid(document), JSON.stringify(valid.errors, null, 1));
	refuses(valid, document, (d) => { d.serialNumber = 'urn:uuid:1'; });
	refuses(valid, document, (d) => { d.metadata.timestamp = 'today'; });
	refuses(valid, document, (d) => { d.specVersion = 1.6; });
	const refs = new Set(document.components.map((component) => component['bom-ref']));
	assert.strictEqual(refs.size, document.components.length, 'a bom-ref stands twice');
	document.components.forEach((component) => assert.ok(isPurl(component.purl)));
	for (const [index, vulnerability] of document.vulnerabilities.entries()) {
		vulnerability.affects.forEach(({ ref }) => assert.ok(refs.has(ref), `${ref} is nobody's bom-ref`));
		refuses(valid, document, (d) => { d.vulnerabilities[index].analysis.state = 'affected'; });
		if (vulnerability.analysis.state === 'not_affected')
			assert.ok(vulnerability.analysis.justification === 'code_not_reachable' && /[0-9a-f]{64}/.test(vulnerability.analysis.detail));
	}
	return document.vulnerabilities.length;
}

const files = process.argv.slice(2);
assert.ok(files.length > 0, 'no file');
for (const file of files) {
	const text = fs.readFileSync(file, 'utf8');
	const document = JSON.parse(text);
	const count = document.bomFormat ? judgeCyclonedx(document) : judgeOpenvex(document);
	assert.strictEqual(text, `${canonicalize(document)}\n`, `${file} is not canonical`);
	console.log(`vex.mjs: ${file}: ${count} statements`);
}
