"""Counts visits in a Redis of whose address it says nothing that a survey could see."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, HTTPServer

import redis


def setting(group: str, name: str) -> str:
    return os.environ[f"{group}_{name}"]


store = redis.Redis.from_url(setting("REDIS", "URL"))
secret = setting("SESSION", "SECRET")
person = setting("SUPPORT", "EMAIL").partition("@")


class Visits(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{store.incr('visits')}\n".encode())


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Visits).serve_forever()
