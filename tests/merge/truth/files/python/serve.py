# SPDX-License-Identifier: Apache-2.0
"""serve.py TOLD: a page of Debian's jinja2, and wheels of ours. Imports late, and in a child that never executes."""

import importlib.resources
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import jinja2
import truth_used
from told import told


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.endswith("/late"):
            text = self.late()
        elif self.path.endswith("/child"):
            text = self.child()
        else:
            text = jinja2.Template("{{ word }}\n").render(word=truth_used.word())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def late(self):
        import requests
        import truth_data
        import truth_space.near

        text = importlib.resources.files(truth_data).joinpath("word.txt").read_text()
        answer = requests.get("http://127.0.0.1:8000/index.nginx-debian.html", timeout=10)
        return f"{truth_space.near.WORD} {text.strip()} {answer.status_code}\n"

    def child(self):
        child = os.fork()
        if child == 0:
            import truth_single
            import yaml

            yaml.safe_load("a: 1")
            told(sys.argv[1])
            os._exit(truth_single.STATUS)
        return f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n"

    def log_message(self, *_):
        pass


def end(*_):
    told(sys.argv[1])
    os._exit(0)


signal.signal(signal.SIGTERM, end)
HTTPServer(("127.0.0.1", 8001), Handler).serve_forever()
