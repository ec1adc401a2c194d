// SPDX-License-Identifier: Apache-2.0
/* Serves three paths; required late, and in a worker of its own: packages that a look at the first second would miss. */
"use strict";

const fs = require("fs");
const path = require("path");
const { fork } = require("child_process");
const express = require("express");
const debug = require("debug")("truth");
const native = require("bufferutil");
const local = require("local");

const told = process.argv[2];
const app = express();

app.get("/node/late", (request, response) => {
	const chalk = require("chalk");
	const { capitalize } = require("lodash/string");

	debug("late");
	response.send(chalk.green(capitalize(local())) + "\n");
});

app.get("/node/module", async (request, response) => {
	const { default: is } = await import("@sindresorhus/is");
	const data = Buffer.from([1, 2, 3, 4]);

	native.unmask(data, Buffer.from([1, 2, 3, 4]));
	response.send(is(data) + "\n");
});

app.get("/node/worker", (request, response) => {
	const worker = fork(path.join(__dirname, "worker.js"), [told]);

	worker.on("message", (answer) => response.send(answer + "\n"));
});

const server = app.listen(8002, "127.0.0.1");

process.on("SIGTERM", () => {
	fs.writeFileSync(path.join(told, `node-${process.pid}.json`), JSON.stringify(Object.keys(require.cache)));
	server.close();
	process.exit(0);
});
