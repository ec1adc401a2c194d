#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Makes a chain of evidence of any size: chain.py DIR KEY CHUNKS MEGABYTES PATHS

KEY is a P-256 key in PKCS#8 PEM; its public half is written to KEY.pub. Each chunk has about MEGABYTES of records, opens of
PATHS different files. Written apart from the collector, from the golden chain's statement and openssl.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "chain", "chunk-000001.sigstore.json")
KINDS = ("file_open", "process_exec", "library_load", "function_call")


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def openssl(*words, stdin=b""):
    return subprocess.run(["openssl", *words], input=stdin, check=True, stdout=subprocess.PIPE).stdout


def lines(opened, count, paths):
    line = ('{{"cgroup_id":77,"comm":"test","event":{{"access":"read","dev":"8:1","flags":0,"inode":{0},"mode":0,'
            '"path":"/usr/lib/x86_64-linux-gnu/lib{0:06d}.so","type":"file_open"}},"pid":4711,"src":"sys_exit_openat",'
            '"tid":4711,"ts_ns":{1}}}\n')
    return "".join(line.format(i % paths, opened + i) for i in range(count)).encode()


def chunk(directory, key, hint, statement, number, previous, megabytes, paths):
    opened = number * 10 ** 12
    count = megabytes * 5000
    text = lines(opened, count, paths)
    name = f"chunk-{number:06d}.ndjson"
    digest = hashlib.sha256(text).hexdigest()
    predicate = statement["predicate"]
    statement["subject"] = [{"digest": {"sha256": digest}, "name": name}]
    predicate["chain"] = {"final": False, "id": "0123456789abcdef0123456789abcdef", "previous": previous, "sequence": number}
    predicate["content"] = {"bytes": len(text), "encoding": "identity", "records": count, "sha256": digest}
    predicate["coverage"]["probes"] = [
        {"blind_spots": [], "from_boot_ns": opened, "hook": "hook", "kind": kind, "to_boot_ns": opened + 10 ** 12} for kind in KINDS]
    predicate["events"] = {kind: 0 for kind in predicate["events"]} | {"file_open": count}
    predicate["gap"] = {"kind": "none"}
    predicate["losses"] = []
    for end, boot in (("opened", opened), ("closed", opened + 10 ** 12)):
        seconds = 1790000000 + boot // 10 ** 9
        time = subprocess.run(["date", "-u", "-d", f"@{seconds}", "+%Y-%m-%dT%H:%M:%S.000000000Z"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()
        predicate["window"][end] = {"boot_ns": boot, "time": time}
    payload = canonical(statement)
    media = "application/vnd.in-toto+json"
    pae = f"DSSEv1 {len(media)} {media} {len(payload)} ".encode() + payload
    signature = openssl("dgst", "-sha256", "-sign", key, stdin=pae)
    bundle = {
        "dsseEnvelope": {"payload": base64.b64encode(payload).decode(), "payloadType": media,
                         "signatures": [{"sig": base64.b64encode(signature).decode()}]},
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": hint}},
    }
    with open(os.path.join(directory, name), "wb") as file:
        file.write(text)
    with open(os.path.join(directory, name.replace(".ndjson", ".sigstore.json")), "wb") as file:
        file.write(canonical(bundle) + b"\n")
    return hashlib.sha256(payload).hexdigest()


def main():
    directory, key = sys.argv[1:3]
    chunks, megabytes, paths = map(int, sys.argv[3:6])
    os.makedirs(directory, exist_ok=True)
    if not os.path.exists(key):
        with open(key, "wb") as file:
            file.write(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
    with open(key + ".pub", "wb") as file:
        file.write(openssl("pkey", "-in", key, "-pubout"))
    hint = base64.b64encode(hashlib.sha256(openssl("pkey", "-in", key, "-pubout", "-outform", "DER")).digest()).decode()
    with open(GOLDEN) as file:
        statement = json.loads(base64.b64decode(json.load(file)["dsseEnvelope"]["payload"]))
    previous = None
    for number in range(1, chunks + 1):
        previous = chunk(directory, key, hint, statement, number, previous, megabytes, paths)


main()
