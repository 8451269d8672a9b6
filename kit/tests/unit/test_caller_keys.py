"""The keys of caller tokens from a server: a real one on loopback, over TLS."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import itertools
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from fastapi import APIRouter
from jwt.algorithms import RSAAlgorithm

from tarmac_kit import Chassis, Part, caller_keys, create_app
from tarmac_kit.caller_keys import KeyServer
from tarmac_kit.settings import SettingsError
from tarmac_kit_testing import InProcess, running

HEADER = "X-Caller-Token"
ORDERS = "system:serviceaccount:shop:orders"
MAILS = "system:serviceaccount:shop:mails"
KEYS = {
    kid: rsa.generate_private_key(public_exponent=65537, key_size=2048) for kid in ("one", "two")
}


@dataclass
class Issuer:
    """A server that publishes keys, and what it was asked."""

    folder: Path
    published: tuple[str, ...] = ("one",)
    status: int = 200
    content: str = ""
    asked: list[str] = field(default_factory=list)
    port: int = 0
    runner: web.AppRunner | None = None
    #: Each answer waits for it.
    open: asyncio.Event = field(default_factory=asyncio.Event)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/openid/v1/jwks"

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers.get("Authorization", ""))
        self.was_asked.set()
        await self.open.wait()
        found = [
            {**RSAAlgorithm.to_jwk(KEYS[kid].public_key(), as_dict=True), "kid": kid}
            for kid in self.published
        ]
        return web.Response(
            status=self.status,
            text=self.content or json.dumps({"keys": found}),
            content_type="application/jwk-set+json",
        )

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/openid/v1/jwks", self.answer)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "it.crt", self.folder / "it.key")
        site = web.TCPSite(self.runner, "127.0.0.1", self.port, ssl_context=context)
        await site.start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None


def certified(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "it.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "it.key").write_bytes(pem)


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[Issuer]:
    certified(tmp_path)
    (tmp_path / "token").write_text("of-stock\n")
    started = Issuer(tmp_path)
    started.open.set()
    await started.start()
    yield started
    await started.stop()


def token(kid: str = "one", key: str = "", **claims: Any) -> str:
    content = {
        "iss": "https://kubernetes.default.svc.cluster.local",
        "sub": ORDERS,
        "aud": ["stock"],
        "exp": int(time.time()) + 3600,
        **claims,
    }
    return jwt.encode(content, KEYS[key or kid], algorithm="RS256", headers={"kid": kid})


def app(issuer: Issuer, **more: str) -> Any:
    def mount(chassis: Chassis) -> None:
        router = APIRouter()

        @router.api_route("/{path:path}", methods=["GET", "PUT"])
        async def answer(path: str) -> dict[str, str]:
            return {"path": path}

        chassis.include(router)

    return create_app(
        [Part("stock", mount)],
        {
            "SERVICE_NAME": "stock",
            "TARMAC_CALLER_JWKS_URL": issuer.url,
            "TARMAC_CALLER_JWKS_CA_FILE": str(issuer.folder / "it.crt"),
            "TARMAC_CALLER_JWKS_TOKEN_FILE": str(issuer.folder / "token"),
            "TARMAC_CALLERS": ORDERS,
            **more,
        },
    )


async def put(stock: InProcess, presented: str) -> tuple[int, str]:
    answer = await stock.put("/stock/1", headers={HEADER: presented})
    return answer.status, answer.problem().get("code", "")


async def test_a_clusters_tokens_are_verified_by_the_keys_of_its_server(issuer: Issuer) -> None:
    async with running(app(issuer)) as stock:
        assert await put(stock, token()) == (200, "")
        assert await put(stock, token(sub=MAILS)) == (403, "undeclared_caller")
        for wrong in (token(aud=["orders"]), token(key="two"), token(exp=1), "junk"):
            assert await put(stock, wrong) == (401, "caller_unauthorized")
        assert (await stock.put("/stock/1")).status == 401
    assert issuer.asked == ["Bearer of-stock"], "once, and by its own token"


async def test_a_configured_issuer_is_compared(issuer: Issuer) -> None:
    async with running(app(issuer, TARMAC_CALLER_ISSUER="https://elsewhere")) as stock:
        assert await put(stock, token()) == (401, "caller_unauthorized")
        assert await put(stock, token(iss="https://elsewhere")) == (200, "")


async def test_a_new_key_is_fetched_for_the_first_token_that_it_signed(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller_keys, "REFETCH_AFTER_S", 0.0)
    async with running(app(issuer)) as stock:
        assert await put(stock, token("one")) == (200, "")
        issuer.published = ("one", "two")
        assert await put(stock, token("two")) == (200, "")
        issuer.published = ("two",)
        assert await put(stock, token("three", key="two")) == (401, "caller_unauthorized")
        assert await put(stock, token("one")) == (401, "caller_unauthorized"), "withdrawn"


async def test_unknown_keys_are_asked_for_seldom(issuer: Issuer) -> None:
    async with running(app(issuer)) as stock:
        assert await put(stock, token()) == (200, "")
        for number in range(20):
            assert await put(stock, token(f"made-up-{number}", key="one")) == (
                401,
                "caller_unauthorized",
            )
    assert len(issuer.asked) == 1


async def test_a_server_that_is_away_at_the_start_keeps_no_service_from_it(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(caller_keys, "RETRY_S", 0.0)
    await issuer.stop()
    async with running(app(issuer)) as stock:
        assert (await stock.get("/health/ready")).status == 200
        answer = await stock.put("/stock/1", headers={HEADER: token()})
        assert (answer.status, answer.problem()["code"]) == (503, "caller_keys_unavailable")
        assert answer.headers["retry-after"] == "1"
        read = await stock.get("/stock/1", headers={HEADER: token()})
        assert read.status == 200, "a read needs no token"
        counted = (await stock.get("/metrics")).body.decode()
        assert (
            'caller_refusals_total{caller="",reason="unverifiable",service="stock"} 1.0' in counted
        )
        await issuer.start()
        assert await put(stock, token()) == (200, "")
    logged = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert sum(event.startswith("the keys of callers cannot") for event in logged) == 1
    assert logged.count("the keys of callers are fetched again") == 1


@pytest.mark.parametrize("fault", ["down", "status", "junk", "no keys", "untrusted", "too large"])
async def test_keys_that_are_known_hold_while_the_server_is_away(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(caller_keys, "RETRY_S", 0.0)
    monkeypatch.setattr(caller_keys, "REFETCH_AFTER_S", 0.0)
    async with running(app(issuer)) as stock:
        assert await put(stock, token()) == (200, "")
        issuer.published = ("two",)
        spoil: dict[str, Callable[[], None]] = {
            "status": lambda: setattr(issuer, "status", 403),
            "junk": lambda: setattr(issuer, "content", "<html>"),
            "no keys": lambda: setattr(issuer, "content", '{"keys": []}'),
            "too large": lambda: setattr(issuer, "content", " " * 300_000 + "{}"),
            "untrusted": lambda: certified(issuer.folder),
        }
        if fault == "down":
            await issuer.stop()
        else:
            spoil[fault]()
        assert await put(stock, token("two")) == (503, "caller_keys_unavailable")
        assert await put(stock, token(jti="another")) == (200, ""), "its key is still known"


async def test_requests_that_come_meanwhile_wait_for_one_answer(issuer: Issuer) -> None:
    issuer.open.clear()
    async with running(app(issuer)) as stock:
        waiting = [asyncio.create_task(put(stock, token(jti=str(n)))) for n in range(5)]
        await asyncio.wait_for(issuer.was_asked.wait(), 60)
        issuer.open.set()
        assert await asyncio.gather(*waiting) == [(200, "")] * 5
    assert len(issuer.asked) == 1


async def test_without_a_declared_caller_no_key_is_asked_for(issuer: Issuer) -> None:
    async with running(app(issuer, TARMAC_CALLERS="", TARMAC_PUBLIC_PATHS="/open")) as stock:
        assert await put(stock, token()) == (403, "undeclared_caller")
        assert (await stock.put("/stock/1")).status == 401
        assert (await stock.put("/open", headers={HEADER: token()})).status == 200
    assert issuer.asked == []


async def test_the_own_token_and_the_authority_are_read_at_each_fetch(issuer: Issuer) -> None:
    server = KeyServer(
        issuer.url,
        ca_file=str(issuer.folder / "it.crt"),
        token_file=str(issuer.folder / "token"),
        clock=itertools.count(0, 60).__next__,
    )
    await server.fetch_for("one")
    (issuer.folder / "token").write_text("renewed")
    await server.fetch_for("unknown")
    assert issuer.asked == ["Bearer of-stock", "Bearer renewed"]


def test_keys_are_not_asked_for_in_the_clear(issuer: Issuer) -> None:
    with pytest.raises(SettingsError, match="TARMAC_CALLER_JWKS_URL"):
        app(issuer, TARMAC_CALLER_JWKS_URL="http://example.com/keys")
