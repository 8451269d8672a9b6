"""Counts the stars of each review."""

from __future__ import annotations

import os
import signal
import sys

import redis

host, port = os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"])
store = redis.Redis(host, port, decode_responses=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("counting", flush=True)
while True:
    job = store.blpop("todo", timeout=1)
    if job is not None:
        store.incrby("stars", job[1].count("*"))
