// SPDX-License-Identifier: Apache-2.0
//
// schema.mjs SCHEMA FILE: does each line of FILE validate against SCHEMA (JSON Schema 2020-12), by ajv in strict mode?

import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
let Ajv;
try {
	Ajv = require('ajv/dist/2020');
	Ajv = Ajv.default ?? Ajv;
} catch {
	console.error('schema.mjs: skipped, the npm package ajv is not installed (npm ci in tests/interop)');
	process.exit(77);
}

const [schemaFile, file] = process.argv.slice(2);
const schema = JSON.parse(fs.readFileSync(schemaFile, 'utf8'));
// strictRequired is off: a member required only under a condition is described beside, not inside it.
const validate = new Ajv({ strict: true, strictRequired: false, strictTypes: false }).compile(schema);
const lines = fs.readFileSync(file, 'utf8').replace(/\n$/, '').split('\n');
let wrong = 0;
for (const [index, line] of lines.entries()) {
	if (!validate(JSON.parse(line)) && wrong++ < 10)
		console.error(`line ${index + 1}: ${JSON.stringify(validate.errors)}\n  ${line}`);
	// The judge must be able to say no: each member that the schema requires is really missed.
	for (const name of schema.required) {
		const { [name]: cut, ...rest } = JSON.parse(line);
		if (validate(rest))
			throw new Error(`line ${index + 1} validates without ${name}`);
	}
}
console.log(`schema.mjs: ${lines.length} lines, ${wrong} do not validate against ${schema.$id}`);
process.exit(wrong || !lines.length ? 1 : 0);
