"""A small system whose every request needs a password, and a signature of the other service."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import PORT, Sandbox, web

#: Each request logs in anew, so that none is served by what logged in before.
APP = """
from __future__ import annotations

import hashlib
import hmac
import os

import asyncpg
from fastapi import APIRouter, HTTPException
from redis.asyncio import Redis

from tarmac_kit import Chassis, Part

router = APIRouter()


def signature(secret: str) -> str:
    return hmac.digest(secret.encode(), b"word", "sha256").hex()


def mount(chassis: Chassis) -> None:
    @router.get("/rows")
    async def rows() -> dict[str, str]:
        connection = await asyncpg.connect(os.environ["DATABASE_URL"])
        await connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        await connection.execute("INSERT INTO words VALUES ('a')")
        of = "SELECT tableowner FROM pg_tables WHERE tablename = 'words'"
        owner = await connection.fetchval(of)
        await connection.close()
        return {"owner": owner}

    @router.get("/keys")
    async def keys() -> dict[str, str]:
        async with Redis.from_url(os.environ["REDIS_URL"]) as redis:
            await redis.set(os.environ["SERVICE_NAME"] + ":a", "1")
        return {}

    @router.get("/sign")
    async def sign() -> dict[str, str]:
        return {"signature": signature(os.environ["SIGNING"])}

    @router.get("/check/{given}")
    async def check(given: str) -> dict[str, str]:
        accepted = [os.environ["SIGNING"], os.environ["SIGNING_ALSO"]]
        if not any(hmac.compare_digest(given, signature(secret)) for secret in accepted):
            raise HTTPException(401)
        return {}

    @router.post("/change")
    async def change() -> dict[str, str]:
        return {}

    @router.get("/key")
    async def key() -> dict[str, str]:
        return {"digest": hashlib.sha256(os.environ["API_KEY"].encode()).hexdigest()}

    chassis.include(router)


PART = Part(name="hi", mount=mount)
"""
SECRETS = "secrets: [API_KEY, LONE, {SIGNING: {also: SIGNING_ALSO, rotate: 30d}}]"
SERVICE = f"""source: services/hi, stores: {{db: db, cache: cache}}, {SECRETS},
        env: {{RATE_LIMIT_PER_MINUTE: "0"}}"""
SYSTEM = f"""
    tarmac: 1
    system: small
    secrets: [SIGNING, API_KEY]
    services:
      one: {{port: {PORT}, calls: [two], {SERVICE}}}
      two: {{port: {PORT + 1}, {SERVICE}}}
      {web("queued", PORT + 2, ", env: {QUEUE: '${broker.url}'}")}
    broker: nats
    stores:
      db: postgres
      cache: redis
    """
PART = """
part: hi
package: tarmac_hi
slots:
  db: {kind: postgres, env: DATABASE_URL}
  cache: {kind: redis, env: REDIS_URL}
"""
ONE, TWO = f"http://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT + 1}"


def laid_out(box: Sandbox) -> Sandbox:
    """Write the system, with a key that a person gave, and start it."""
    code = box.folder / "services/hi/tarmac_hi"
    code.mkdir(parents=True)
    (code.parent / "service.yaml").write_text(PART)
    (code / "__init__.py").write_text("")
    (code / "app.py").write_text(APP)
    (box.folder / ".env").write_text("# of the issuer\nexport API_KEY='the first key' # old\nA=b\n")
    box.write(SYSTEM)
    box.up()
    _one_round()  # the table is made by one alone
    return box


def ask(url: str) -> dict[str, str]:
    """Ask a service. Raises OSError."""
    return _answer(urllib.request.Request(url))


def change(token: str) -> dict[str, str]:
    """Change something of `two`, as `one` does. Raises OSError."""
    headers = {"X-Caller-Token": token, "Content-Type": "application/json"}
    return _answer(urllib.request.Request(f"{TWO}/change", b"{}", headers, method="POST"))


def _answer(request: urllib.request.Request) -> dict[str, str]:
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: dict[str, str] = json.loads(answer.read())
    return found


def _one_round() -> None:
    ask(f"{ONE}/rows")
    ask(f"{ONE}/keys")
    ask(f"{TWO}/check/{ask(f'{ONE}/sign')['signature']}")
    ask(f"{ONE}/check/{ask(f'{TWO}/sign')['signature']}")


@contextmanager
def used_all_the_time(token: Path | None = None) -> Iterator[list[str]]:
    """Use every secret without a pause, a caller's token as well; what fails is in the list."""
    failed: list[str] = []
    rounds = [0]
    over = threading.Event()

    def use() -> None:
        while not over.is_set():
            try:
                _one_round()
                if token is not None:
                    change(token.read_text().strip())
                rounds[0] += 1
            except (OSError, ValueError) as error:
                failed.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield failed
        wanted = rounds[0] + 10
        while rounds[0] < wanted and not failed:
            time.sleep(0.01)
    finally:
        over.set()
        for thread in threads:
            thread.join()
