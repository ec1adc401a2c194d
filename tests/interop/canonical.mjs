// SPDX-License-Identifier: Apache-2.0
//
// canonical.mjs FILE: does an independent RFC 8785 implementation write each line of FILE as it stands there?
// Integers that a double cannot hold are passed through it as strings and put back: by the format they are exact.

import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
let canonicalize;
try {
	canonicalize = require('canonicalize');
	canonicalize = canonicalize.default ?? canonicalize;
} catch {
	console.error('canonical.mjs: skipped, the npm package canonicalize is not installed (npm ci in tests/interop)');
	process.exit(77);
}

const mark = '\ufdd0integer:'; // a noncharacter: refused below when the text brings its own
const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const exact = (token) => /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token));

function rewrite(line) {
	let passed = 0;
	const marked = line.replace(tokens, (token) => {
		if (!exact(token))
			return token;
		passed++;
		return `"${mark}${token}"`;
	});
	const text = canonicalize(JSON.parse(marked)).replaceAll(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
	return { text, passed };
}

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(fs.readFileSync(process.argv[2]));
if (text.includes(mark) || !text.endsWith('\n'))
	throw new Error('the file holds our mark, or no LF at its end');
const lines = text.slice(0, -1).split('\n');
let wrong = 0, passed = 0;
for (const [index, line] of lines.entries()) {
	const own = rewrite(line);
	passed += own.passed;
	if (own.text !== line && wrong++ < 10)
		console.error(`line ${index + 1} is\n  ${line}\nbut canonical is\n  ${own.text}`);
}
// The judge must be able to say no.
if (rewrite('{"b":1,"a": 2}').text !== '{"a":2,"b":1}')
	throw new Error('the judge does not sort');
console.log(`canonical.mjs: ${lines.length} lines, ${wrong} not canonical, ${passed} integers beyond 2^53 passed through`);
process.exit(wrong || !lines.length ? 1 : 0);
