"""Which requests reach a service: with a caller's token, from its own pages, of a known type."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import APIRouter
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tarmac_kit import Chassis, Part, create_app
from tarmac_kit.callers import CallerCheck, CallerSettings, CallerTokens
from tarmac_kit.client import Client, Request, Response
from tarmac_kit.metrics import Metrics
from tarmac_kit.settings import load
from tarmac_kit_testing import InProcess, running

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
HEADER = "X-Caller-Token"
STOCK = "/reservations/1"


def jwks(*keys: tuple[str, Any]) -> str:
    """Write keys by their ids as a JWK set, as their signer does."""
    of = {True: ECAlgorithm, False: RSAAlgorithm}
    found = [
        {
            **of[isinstance(key, ec.EllipticCurvePrivateKey)].to_jwk(
                key.public_key(), as_dict=True
            ),
            "kid": kid,
        }
        for kid, key in keys
    ]
    return json.dumps({"keys": found})


def token(kid: str | None = "one", key: Any = KEY, algorithm: str = "ES256", **claims: Any) -> str:
    """Sign a token that `stock` takes from `orders`, but for what is given."""
    content = {
        "iss": "shop/default",
        "sub": "orders",
        "aud": "stock",
        "exp": int(time.time()) + 600,
        **claims,
    }
    content = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(content, key, algorithm=algorithm, headers={"kid": kid} if kid else None)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "jwks.json"
    file.write_text(jwks(("one", KEY), ("rsa", RSA)))
    return file


@pytest.fixture
def environ(keys: Path) -> dict[str, str]:
    return {
        "SERVICE_NAME": "stock",
        "TARMAC_CALLER_JWKS_FILE": str(keys),
        "TARMAC_CALLER_ISSUER": "shop/default",
        "TARMAC_CALLERS": "orders,@developer",
        "TARMAC_PUBLIC_PATHS": "/products",
    }


def mount(chassis: Chassis) -> None:
    router = APIRouter()

    @router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def answer(path: str) -> dict[str, str]:
        return {"path": path}

    chassis.include(router)


def app(environ: Mapping[str, str], *wires: Any) -> Any:
    def mounted(chassis: Chassis) -> None:
        mount(chassis)
        for wire in wires:
            wire(chassis)

    return create_app([Part("stock", mounted)], environ)


async def refused(service: InProcess) -> dict[tuple[str, str], float]:
    """Read the counter of refusals, by caller and reason."""
    text = (await service.get("/metrics")).body.decode()
    lines = [line for line in text.splitlines() if line.startswith("caller_refusals_total{")]
    found = {}
    for line in lines:
        labels, _, value = line.partition("} ")
        parts = dict(pair.split("=") for pair in labels.partition("{")[2].split(","))
        assert parts["service"] == '"stock"'
        if float(value):
            found[parts["caller"].strip('"'), parts["reason"].strip('"')] = float(value)
    return found


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_what_changes_something_needs_the_token_of_a_declared_caller(
    environ: dict[str, str], method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(app(environ)) as stock:
        none = await stock.request(method, STOCK)
        assert (none.status, none.problem()["code"]) == (401, "caller_unauthorized")
        assert none.headers["content-type"] == "application/problem+json"
        assert (await stock.request(method, STOCK, headers={HEADER: token()})).status == 200
        by_hand = token(sub="@developer")
        assert (await stock.request(method, STOCK, headers={HEADER: by_hand})).status == 200
        other = await stock.request(method, STOCK, headers={HEADER: token(sub="mails")})
        assert (other.status, other.problem()["code"]) == (403, "undeclared_caller")
        assert await refused(stock) == {("", "missing"): 1, ("mails", "undeclared"): 1}
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (undeclared,) = (line for line in logged if line["event"] == "undeclared caller")
    named = (undeclared["level"], undeclared["caller"], undeclared["callee"])
    assert named == ("warning", "mails", "stock")


@pytest.mark.parametrize(
    "wrong",
    [
        "junk",
        "a.b.c",
        token(aud="payments"),
        token(iss="shop/other"),
        token(exp=int(time.time()) - 120),
        token(exp=None),
        token(sub=None),
        token(kid="two"),
        token(kid=None),
        token(key=OTHER),
        token(kid="rsa"),
        token(key="0" * 64, algorithm="HS256"),
        token(key="", algorithm="none"),
    ],
)
async def test_a_token_that_proves_nothing_is_refused_wherever_it_is_presented(
    environ: dict[str, str], wrong: str
) -> None:
    async with running(app(environ)) as stock:
        for method, path in (("PUT", STOCK), ("GET", STOCK), ("POST", "/products")):
            answer = await stock.request(method, path, headers={HEADER: wrong})
            assert (answer.status, answer.problem()["code"]) == (401, "caller_unauthorized")
        assert await refused(stock) == {("", "invalid"): 3}


async def test_reads_public_paths_and_the_kits_own_paths_need_no_token(
    environ: dict[str, str],
) -> None:
    async with running(app(environ)) as stock:
        for path in (STOCK, "/products", "/health", "/health/ready", "/metrics"):
            assert (await stock.get(path)).status == 200
        assert (await stock.post("/products")).status == 200
        assert (await stock.post("/products/1/reviews")).status == 200
        assert (await stock.post("/products-of-others")).status == 401
        undeclared = {HEADER: token(sub="mails")}
        assert (await stock.get(STOCK, headers=undeclared)).status == 200
        assert await refused(stock) == {("", "missing"): 1, ("mails", "undeclared"): 1}


async def test_a_front_page_makes_every_path_public(environ: dict[str, str]) -> None:
    async with running(app({**environ, "TARMAC_PUBLIC_PATHS": "/"})) as stock:
        assert (await stock.post("/")).status == 200
        assert (await stock.delete("/anything")).status == 200


async def test_tokens_of_a_clusters_kind_are_checked_too(environ: dict[str, str]) -> None:
    subject = "system:serviceaccount:shop:orders"
    async with running(app({**environ, "TARMAC_CALLERS": subject})) as stock:
        projected = token(kid="rsa", key=RSA, algorithm="RS256", sub=subject, aud=["stock"])
        assert (await stock.put(STOCK, headers={HEADER: projected})).status == 200
        assert (await stock.put(STOCK, headers={HEADER: token()})).status == 403


async def test_without_a_plan_nothing_is_checked_and_the_log_says_so_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with running(app({"SERVICE_NAME": "stock"})) as stock:
        assert (await stock.put(STOCK)).status == 200
        assert (await stock.put(STOCK, headers={HEADER: "junk"})).status == 200
    assert capsys.readouterr().out.count("caller tokens are not checked") == 1


def check(environ: Mapping[str, str], now: Any = time.time) -> CallerCheck:
    said = load(CallerSettings, environ, service="stock")
    return CallerCheck(said, service="stock", metrics=Metrics("stock"), now=now)


PUT = {"method": "PUT", "path": STOCK}


def test_a_known_token_is_looked_up_until_it_expires(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = time.time()
    checks = check(environ, now=lambda: now_s)
    known = token(exp=int(now_s) + 600).encode()
    assert checks.refusal(PUT, known) is None
    with monkeypatch.context() as patched:
        patched.setattr(jwt, "decode", lambda *_args, **_options: pytest.fail("verified again"))
        now_s += 599
        assert checks.refusal(PUT, known) is None
    now_s += 120
    monkeypatch.setattr(jwt, "decode", _expired)
    refused = checks.refusal(PUT, known)
    assert refused is not None
    assert refused.status == 401


def _expired(*_args: Any, **_options: Any) -> None:
    raise jwt.ExpiredSignatureError


def test_keys_are_read_again_once_their_file_was_replaced(
    environ: dict[str, str], keys: Path
) -> None:
    checks = check(environ)
    new = token(kid="two", key=OTHER).encode()
    assert checks.refusal(PUT, new) is not None
    assert checks.refusal(PUT, token().encode()) is None
    replaced(keys, jwks(("two", OTHER), ("one", KEY)))
    assert checks.refusal(PUT, new) is None
    replaced(keys, "{")  # not what was asked for: what was read before still holds
    assert checks.refusal(PUT, token(jti="another").encode()) is None
    replaced(keys, jwks(("two", OTHER)))
    assert checks.refusal(PUT, token(jti="withdrawn").encode()) is not None


def replaced(file: Path, content: str) -> None:
    """Replace a file atomically, as the supervisor does."""
    new = file.with_suffix(".new")
    new.write_text(content)
    new.replace(file)


async def test_a_client_presents_the_token_that_its_file_holds_now_to_its_callee_alone(
    tmp_path: Path,
) -> None:
    environ = {
        "TARMAC_CALLER_TOKEN_FILE": f"{tmp_path}/{{callee}}",
        "TARMAC_CALLEES": "stock=http://127.0.0.1:1,mails=http://127.0.0.1:2",
    }
    tokens = CallerTokens(load(CallerSettings, environ, service="orders"))
    sent: list[str | None] = []

    async def transport(request: Request) -> Response:
        sent.append(request.headers.get(HEADER))
        return Response(200)

    async def call(url: str) -> None:
        client = Client("role", url, transport, caller_token=tokens.for_url(url))
        await client.get("/")
        await client.post("/", json={})

    await call("http://127.0.0.1:1")
    (tmp_path / "stock").write_text("first\n")
    client = Client(
        *("role", "http://127.0.0.1:1/v1", transport),
        caller_token=tokens.for_url("http://127.0.0.1:1/v1"),
    )
    await client.get("/")
    replaced(tmp_path / "stock", "second\n")
    await client.get("/")
    (tmp_path / "stock").unlink()  # for the moment it takes to write the next one
    await client.get("/")
    await call("http://127.0.0.1:2")
    await call("http://example.com")
    assert sent == [None, None, "first", "second", "second", None, None, None, None]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("https://stock.example:8443", 403),
        ("https://stock.example.evil.example", 403),
        ("null", 403),
        ("", 403),
        ("https://stock.example", 200),
        ("HTTPS://Stock.Example", 200),
        ("http://stock.example", 200),
        ("https://pages.example", 200),
    ],
)
async def test_a_page_of_another_origin_changes_nothing(origin: str, status: int) -> None:
    environ = {"SERVICE_NAME": "stock", "ALLOWED_ORIGINS": "https://pages.example"}
    headers = {"Host": "stock.example", "Origin": origin}
    async with running(app(environ)) as stock:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = await stock.request(method, STOCK, headers=headers)
            assert answer.status == status
            assert answer.ok or answer.problem()["code"] == "foreign_origin"
        assert (await stock.get(STOCK, headers=headers)).status == 200


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
        ("application/jsonp", 415),
        ("text/plain; application/json", 415),
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/merge-patch+json", 200),
    ],
)
async def test_a_body_has_a_type_that_no_form_can_send(kind: str, status: int) -> None:
    async with running(app({"SERVICE_NAME": "stock"})) as stock:
        answer = await stock.post(STOCK, content=b"{}", headers={"Content-Type": kind})
        assert answer.status == status
        assert answer.ok or answer.problem()["code"] == "unsupported_media_type"
        chunked = {"Content-Type": kind, "Transfer-Encoding": "chunked"}
        assert (await stock.post(STOCK, headers=chunked)).status == status
        assert (await stock.post(STOCK, headers={"Content-Type": kind})).status == 200  # no body


@pytest.mark.parametrize("accepted", ["text/csv", "*/*"])
async def test_a_part_declares_what_else_its_bodies_may_be(accepted: str) -> None:
    csv = {"Content-Type": "text/csv; header=present"}
    with_it = app({"SERVICE_NAME": "stock"}, lambda chassis: chassis.accept(accepted))
    async with running(with_it) as stock:
        assert (await stock.post(STOCK, content=b"a,b", headers=csv)).status == 200
        plain = await stock.post(STOCK, content=b"a", headers={"Content-Type": "text/plain"})
        assert plain.status == (200 if accepted == "*/*" else 415)
