"""Takes jobs off a list in Redis, one at a time."""

from __future__ import annotations

import os
import signal
import sys

import redis

queue = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
assert queue.get("prepared"), "report.py prepare has to run before the worker"
print("waiting for jobs", flush=True)
while True:
    job = queue.blpop("jobs", timeout=1)
    if job is not None:
        print("done", job[1], flush=True)
        queue.incr("done")
