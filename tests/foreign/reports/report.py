"""What runs beside the worker: the preparation, and a report at fixed times."""

from __future__ import annotations

import os
import sys

import redis

queue = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
if sys.argv[1] == "prepare":
    queue.set("prepared", "1")
    queue.rpush("jobs", "first", "second")
else:
    print("report:", queue.get("done") or 0, "jobs done", flush=True)
    queue.incr("reports")
