#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signing services for tests: the documented HTTP APIs of Vault's transit engine, AWS KMS, Google Cloud KMS and Azure Key
Vault, as far as a signer needs them, with real keys (made and used by the openssl command) and strict about questions.

kms.py DIR: makes DIR/ca.pem (its own certificate), DIR/p256.pem, DIR/ed25519.pem and serves until killed; DIR/env holds
the ports when it is ready: TLS for the services, plain HTTP for the machines' metadata. One word in DIR/fault makes it
misbehave until the file is gone: 500, 429, 403, 404, garbage, huge, otherkey, forged.
"""
import base64
import datetime
import hashlib
import hmac
import http.server
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import urllib.parse

PLACE = sys.argv[1]
VAULT_TOKEN = "hvs.test"
AWS_KEY, AWS_SECRET, AWS_SESSION, AWS_REGION = "AKIDEXAMPLE", "secret/of+example", "session-token==", "eu-test-1"
GCP_TOKEN, AZURE_TOKEN = "ya29.test", "eyJ.azure.test"
GCP_NAME = "projects/p/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/7"
AZURE_VERSION = "0123456789abcdef"


def path(name):
    return os.path.join(PLACE, name)


def openssl(*words, **kinds):
    return subprocess.run(["openssl", *words], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          **kinds).stdout


def make_keys():
    for name in ("p256", "other"):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path(name + ".pem"))
    openssl("genpkey", "-algorithm", "ED25519", "-out", path("ed25519.pem"))
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", path("tls.key"), "-out",
            path("ca.pem"))


def fault():
    try:
        with open(path("fault"), encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def public_der(name):
    return openssl("pkey", "-in", path(name + ".pem"), "-pubout", "-outform", "DER")


def public_pem(name):
    return openssl("pkey", "-in", path(name + ".pem"), "-pubout").decode()


def sign_digest(digest):
    """DER, over 32 bytes that somebody else hashed."""
    if len(digest) != 32:
        raise Refused(400, "the digest is not 32 bytes")
    name = "other" if fault() == "forged" else "p256"
    return openssl("pkeyutl", "-sign", "-inkey", path(name + ".pem"), input=digest)


def sign_ed25519(data):
    with open(path("message"), "wb") as file:
        file.write(data)
    return openssl("pkeyutl", "-sign", "-rawin", "-inkey", path("ed25519.pem"), "-in", path("message"))


def raw_of(der):
    at = 2
    parts = []
    for _ in range(2):
        length = der[at + 1]
        parts.append(der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + length
    return b"".join(parts)


def b64(data):
    return base64.b64encode(data).decode()


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64(text):
    return base64.b64decode(text, validate=True)


class Refused(Exception):
    def __init__(self, status, reason):
        super().__init__(reason)
        self.status, self.reason = status, reason


def want(condition, reason, status=400):
    if not condition:
        raise Refused(status, reason)


def members(body, **kinds):
    value = json.loads(body)
    want(isinstance(value, dict) and set(value) == set(kinds), "other members than the documented ones")
    for name, kind in kinds.items():
        want(type(value[name]) is kind, "wrong type of " + name)  # a bool is no number here
    return value


# ---- Vault ----

def vault(request, body):
    want(request.headers.get("X-Vault-Token") == VAULT_TOKEN, "permission denied", 403)
    found = re.fullmatch(r"/v1/transit/keys/(p256|ed25519)", request.path)
    if found and request.command == "GET":
        ed = found[1] == "ed25519"
        key = b64(public_der("ed25519")[-32:]) if ed else public_pem("other" if fault() == "otherkey" else "p256")
        old = {"name": "x", "public_key": public_pem("other")}
        return {"data": {"type": "ed25519" if ed else "ecdsa-p256", "latest_version": 3, "name": found[1],
                         "keys": {"2": old, "3": {"name": found[1], "public_key": key}}}}
    found = re.fullmatch(r"/v1/transit/sign/p256/sha2-256", request.path)
    if found and request.command == "POST":
        asked = members(body, input=str, key_version=int, marshaling_algorithm=str, prehashed=bool)
        want(asked["prehashed"] and asked["marshaling_algorithm"] == "asn1" and asked["key_version"] == 3, "not so")
        return {"data": {"signature": "vault:v3:" + b64(sign_digest(from_b64(asked["input"]))), "key_version": 3}}
    if request.path == "/v1/transit/sign/ed25519" and request.command == "POST":
        asked = members(body, input=str, key_version=int, marshaling_algorithm=str, prehashed=bool)
        want(not asked["prehashed"] and asked["key_version"] == 3, "not so")
        return {"data": {"signature": "vault:v3:" + b64(sign_ed25519(from_b64(asked["input"])))}}
    raise Refused(404, "no handler for route")


# ---- AWS ----

def hmac256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def check_sigv4(request, body):
    """Signature version 4 as documented: canonical request, string to sign, derived key."""
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
                         r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})",
                         request.headers.get("Authorization", ""))
    want(found, "IncompleteSignatureException", 403)
    key, day, region, service, signed, signature = found.groups()
    date = request.headers.get("X-Amz-Date", "")
    want((key, region, service) == (AWS_KEY, AWS_REGION, "kms"), "UnrecognizedClientException", 403)
    want(re.fullmatch(r"\d{8}T\d{6}Z", date) and date[:8] == day, "bad date", 403)
    sent = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    want(abs((datetime.datetime.now(datetime.timezone.utc) - sent).total_seconds()) < 300, "clock", 403)
    names = signed.split(";")
    want(names == sorted(names) and {"host", "x-amz-date"} <= set(names), "headers not signed", 403)
    want(request.headers.get("X-Amz-Security-Token") == AWS_SESSION, "no session token", 403)
    canonical = "\n".join([
        request.command, request.path, "",
        "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in names), signed,
        hashlib.sha256(body).hexdigest()])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    derived = ("AWS4" + AWS_SECRET).encode()
    for part in (day, region, service, "aws4_request"):
        derived = hmac256(derived, part)
    want(hmac.compare_digest(hmac256(derived, text).hex(), signature), "SignatureDoesNotMatch", 403)


def aws(request, body):
    want(request.command == "POST" and request.headers.get("Content-Type") == "application/x-amz-json-1.1", "type")
    check_sigv4(request, body)
    target = request.headers["X-Amz-Target"]
    if target == "TrentService.GetPublicKey":
        asked = members(body, KeyId=str)
        want(asked["KeyId"] == "alias/seal", "NotFoundException")
        return {"KeyId": "arn:aws:kms:x", "PublicKey": b64(public_der("p256")), "KeySpec": "ECC_NIST_P256",
                "KeyUsage": "SIGN_VERIFY", "SigningAlgorithms": ["ECDSA_SHA_256"]}
    want(target == "TrentService.Sign", "UnknownOperationException")
    asked = members(body, KeyId=str, Message=str, MessageType=str, SigningAlgorithm=str)
    want(asked["MessageType"] == "DIGEST" and asked["SigningAlgorithm"] == "ECDSA_SHA_256", "ValidationException")
    return {"KeyId": "arn:aws:kms:x", "Signature": b64(sign_digest(from_b64(asked["Message"]))),
            "SigningAlgorithm": "ECDSA_SHA_256"}


# ---- Google ----

def gcp(request, body):
    want(request.headers.get("Authorization") == "Bearer " + GCP_TOKEN, "unauthenticated", 401)
    if request.command == "GET" and request.path == f"/gcp/v1/{GCP_NAME}/publicKey":
        return {"pem": public_pem("p256"), "algorithm": "EC_SIGN_P256_SHA256", "name": GCP_NAME}
    want(request.command == "POST" and request.path == f"/gcp/v1/{GCP_NAME}:asymmetricSign", "not found", 404)
    asked = members(body, digest=dict)["digest"]
    want(set(asked) == {"sha256"}, "other digest")
    return {"signature": b64(sign_digest(from_b64(asked["sha256"]))), "name": GCP_NAME}


# ---- Azure ----

def azure(request, body):
    want(request.headers.get("Authorization") == "Bearer " + AZURE_TOKEN, "Unauthorized", 401)
    where, _, query = request.path.partition("?")
    want(query == "api-version=7.4", "api-version")
    kid = f"https://{request.headers['Host']}/keys/seal/{AZURE_VERSION}"
    if request.command == "GET" and where in ("/keys/seal", "/keys/seal/" + AZURE_VERSION):
        point = public_der("p256")[-64:]
        return {"key": {"kid": kid, "kty": "EC-HSM", "crv": "P-256", "x": b64url(point[:32]), "y": b64url(point[32:]),
                        "key_ops": ["sign", "verify"]}}
    want(request.command == "POST" and where == f"/keys/seal/{AZURE_VERSION}/sign", "KeyNotFound", 404)
    asked = members(body, alg=str, value=str)
    want(asked["alg"] == "ES256" and "=" not in asked["value"], "BadParameter")
    digest = base64.urlsafe_b64decode(asked["value"] + "=")
    return {"kid": kid, "value": b64url(raw_of(sign_digest(digest)))}


def azure_login(request, body):
    want(request.command == "POST" and request.path == "/tenant-1/oauth2/v2.0/token", "not found", 404)
    asked = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
    want(asked == {"grant_type": "client_credentials", "scope": "https://vault.azure.net/.default",
                   "client_id": "client-1", "client_assertion": "federated.token+/=x",
                   "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
         "invalid_client", 401)
    return {"token_type": "Bearer", "expires_in": 3599, "access_token": AZURE_TOKEN}


# ---- machines ----

def metadata(request, _body):
    if request.path.startswith("/metadata/identity/"):
        want(request.headers.get("Metadata") == "true", "no Metadata header")
        asked = dict(urllib.parse.parse_qsl(request.path.partition("?")[2]))
        want(asked == {"api-version": "2018-02-01", "resource": "https://vault.azure.net"}, "not so")
        return {"access_token": AZURE_TOKEN, "token_type": "Bearer", "expires_in": "3599"}
    want(request.path == "/computeMetadata/v1/instance/service-accounts/default/token", "not found", 404)
    want(request.headers.get("Metadata-Flavor") == "Google", "no Metadata-Flavor", 403)
    return {"access_token": GCP_TOKEN, "expires_in": 3599, "token_type": "Bearer"}


def serve(request, body):
    if "X-Amz-Target" in request.headers:
        return aws(request, body)
    for prefix, service in (("/v1/transit/", vault), ("/gcp/", gcp), ("/keys/", azure), ("/tenant-1/", azure_login)):
        if request.path.startswith(prefix):
            return service(request, body)
    return metadata(request, body)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        with open(path("log"), "a", encoding="ascii") as file:
            file.write(f"{status} {self.command} {self.path}\n")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_question(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        wrong = fault()
        if wrong.isdigit():
            return self.answer(int(wrong), json.dumps({"errors": ["told to"], "message": "told to"}).encode())
        if wrong == "garbage":
            return self.answer(200, b"<html>it works</html>")
        if wrong == "huge":
            return self.answer(200, b"{\"a\":\"" + b"a" * (2 << 20) + b"\"}")
        try:
            status, answer = 200, serve(self, body)
        except Refused as refused:
            status, answer = refused.status, {"errors": [refused.reason], "message": refused.reason}
        except (ValueError, KeyError, subprocess.CalledProcessError) as error:
            status, answer = 400, {"message": repr(error)}
        return self.answer(status, json.dumps(answer).encode())

    do_GET = do_POST = handle_question

    def log_message(self, *args):
        pass


def main():
    make_keys()
    tls = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path("ca.pem"), path("tls.key"))
    tls.socket = context.wrap_socket(tls.socket, server_side=True)
    plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with open(path("env.new"), "w", encoding="ascii") as file:
        file.write(f"KMS_PORT={tls.server_port}\nMETADATA_PORT={plain.server_port}\n")
    os.rename(path("env.new"), path("env"))
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    tls.serve_forever()


main()
