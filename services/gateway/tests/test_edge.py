"""Who may pass, how often and from where; and what every answer carries."""

from __future__ import annotations

import asyncio
import json
import socket

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from tarmac_gateway.app import PART
from tarmac_kit import SettingsError, TokenIssuer, create_app

SHOP = "https://shop.example.com"


async def ok(_request: web.Request) -> web.Response:
    return web.json_response({"ok": True})


def variants(issuer: TokenIssuer) -> dict[str, str]:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = issuer._key
    good = issuer.issue("user-1")
    head, body, _signature = good.split(".")

    def made(**changes: str) -> str:
        settings = {"kid": issuer.kid, "issuer": "shop", "audience": "shop-api", **changes}
        return TokenIssuer(key, **settings).issue("user-1")

    return {
        "nothing": "",
        "no bearer": f"Basic {good}",
        "garbage": "Bearer garbage",
        "empty": "Bearer ",
        "forged": "Bearer "
        + TokenIssuer(other, kid=issuer.kid, issuer="shop", audience="shop-api").issue("user-1"),
        "unsigned": f"Bearer {head}.{body}.",
        "alg none": "Bearer "
        + jwt.encode(
            jwt.decode(good, options={"verify_signature": False}),
            None,
            algorithm="none",
            headers={"kid": issuer.kid},
        ),
        "expired": f"Bearer {issuer.issue('user-1', ttl_s=-60)}",
        "wrong audience": f"Bearer {made(audience='other')}",
        "wrong issuer": f"Bearer {made(issuer='other')}",
        "unknown key": f"Bearer {made(kid='other')}",
    }


async def test_a_protected_route_wants_a_valid_token(world, bearer, issuer):
    await world.backend("order-service", ok)
    url = await world.gateway()
    for name, value in variants(issuer).items():
        headers = {"Authorization": value} if value else {}
        async with world.client.get(f"{url}/api/orders", headers=headers) as response:
            assert response.status == 401, name
            assert response.headers["WWW-Authenticate"].startswith("Bearer"), name
            assert (await response.json(content_type=None))["code"] == "unauthorized"
    async with world.client.get(f"{url}/api/orders", headers=bearer) as response:
        assert response.status == 200


async def test_a_public_route_needs_no_token_and_minds_no_bad_one(world):
    await world.backend("product-service", ok)
    url = await world.gateway()
    for headers in ({}, {"Authorization": "Bearer garbage"}):
        async with world.client.get(f"{url}/api/products/7/stock", headers=headers) as response:
            assert response.status == 200
    async with world.client.post(f"{url}/api/products", json={}) as response:
        assert response.status == 401


async def test_no_trick_with_the_path_turns_a_protected_route_into_a_public_one(world):
    async def leak(request: web.Request) -> web.Response:
        raise AssertionError(f"reached {request.raw_path}")

    await world.backend("product-service", leak)
    await world.backend("order-service", leak)
    url = await world.gateway()
    host, port = url.removeprefix("http://").split(":")
    for target in (
        "/api/products/../orders",
        "/api/products/%2e%2e/orders",
        "/api/products/..%2forders",
        "/api/products/..;/orders",
        "/api/products%2f..%2forders",
        "/api/products//../orders",
        "/api/products/%252e%252e/reservations",
        "/api/products\\..\\orders",
    ):
        with socket.create_connection((host, int(port))) as raw:
            raw.setblocking(False)
            status = await _ask(raw, target, host)
        assert status in {400, 401, 404}, target


async def _ask(raw: socket.socket, target: str, host: str) -> int:
    loop = asyncio.get_running_loop()
    head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    await loop.sock_sendall(raw, head.encode())
    answer = await loop.sock_recv(raw, 65536)
    return int(answer.split(b" ", 2)[1])


async def test_beyond_the_burst_a_client_gets_429_and_then_recovers(world, issuer):
    await world.backend("product-service", ok)
    await world.backend("order-service", ok)
    url = await world.gateway(RATE_LIMIT_PER_MINUTE="30", RATE_LIMIT_BURST="3")
    statuses = []
    for _ in range(5):
        async with world.client.get(f"{url}/api/products") as response:
            statuses.append(response.status)
    assert statuses == [200, 200, 200, 429, 429]
    assert response.headers["Retry-After"] in {"1", "2"}
    assert response.headers["RateLimit-Limit"] == "3"
    assert response.headers["Content-Type"] == "application/problem+json"
    # A token's subject has a bucket of its own, whatever address it comes from.
    mine = {"Authorization": f"Bearer {issuer.issue('user-2')}"}
    async with world.client.get(f"{url}/api/orders", headers=mine) as response:
        assert response.status == 200
        assert response.headers["RateLimit-Remaining"] == "2"
    # Guessing tokens counts against the address.
    async with world.client.get(
        f"{url}/api/orders", headers={"Authorization": "Bearer guess"}
    ) as response:
        assert response.status == 429
    while statuses[-1] == 429:  # real time refills the bucket: one in two seconds
        await asyncio.sleep(0.1)
        async with world.client.get(f"{url}/api/products") as response:
            statuses.append(response.status)
    assert statuses[-1] == 200


async def test_a_public_post_is_counted_by_address_whoever_sends_it(world, issuer):
    await world.backend("user-service", ok)
    url = await world.gateway(RATE_LIMIT_PER_MINUTE="60", RATE_LIMIT_BURST="2")
    statuses = []
    for number in range(3):  # accounts of one's own are no further tries at another's password
        mine = {"Authorization": f"Bearer {issuer.issue(f'user-{number}')}"}
        async with world.client.post(f"{url}/api/users/login", headers=mine) as response:
            statuses.append(response.status)
    assert statuses == [200, 200, 429]


async def test_a_rate_of_nought_is_no_limit(world):
    await world.backend("product-service", ok)
    url = await world.gateway(RATE_LIMIT_PER_MINUTE="0", RATE_LIMIT_BURST="1")
    for _ in range(5):
        async with world.client.get(f"{url}/api/products") as response:
            assert response.status == 200
    assert "RateLimit-Limit" not in response.headers


async def test_a_preflight_is_answered_here_by_the_allow_list(world):
    url = await world.gateway(CORS_ORIGINS=f"{SHOP}, http://localhost:8080")
    asked = {"Access-Control-Request-Method": "POST"}
    async with world.client.options(
        f"{url}/api/orders", headers={**asked, "Origin": SHOP}
    ) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == SHOP
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        assert "idempotency-key" in response.headers["Access-Control-Allow-Headers"]
        assert response.headers["Vary"] == "Origin"
    async with world.client.options(
        f"{url}/api/orders", headers={**asked, "Origin": "https://evil.example"}
    ) as response:
        assert response.status == 204
        assert not [name for name in response.headers if name.startswith("Access-Control-Allow")]


async def test_answers_and_errors_can_be_read_by_a_listed_origin(world):
    async def lax(_request: web.Request) -> web.Response:
        return web.Response(headers={"Access-Control-Allow-Origin": "*"})

    await world.backend("product-service", lax)
    url = await world.gateway(CORS_ORIGINS=SHOP)
    for path in ("/api/products", "/api/orders", "/health"):
        async with world.client.get(url + path, headers={"Origin": SHOP}) as response:
            assert response.headers.getall("Access-Control-Allow-Origin") == [SHOP], path
        async with world.client.get(
            url + path, headers={"Origin": "https://evil.example"}
        ) as response:
            assert "Access-Control-Allow-Origin" not in response.headers, path


async def test_an_options_request_that_is_no_preflight_is_like_any_other(world, bearer):
    await world.backend("order-service", ok)
    url = await world.gateway(CORS_ORIGINS=SHOP)
    async with world.client.options(f"{url}/api/orders") as response:
        assert response.status == 401
    async with world.client.options(f"{url}/api/orders", headers=bearer) as response:
        assert response.status == 200


async def test_every_answer_has_the_headers_that_helmet_sends(world):
    await world.backend("product-service", ok)
    url = await world.gateway()
    for path in ("/health", "/api/products", "/api/orders", "/api/users/login", "/nowhere"):
        async with world.client.get(url + path) as response:
            for name in (
                "Content-Security-Policy",
                "Cross-Origin-Opener-Policy",
                "Cross-Origin-Resource-Policy",
                "Origin-Agent-Cluster",
                "Referrer-Policy",
                "Strict-Transport-Security",
                "X-Content-Type-Options",
                "X-DNS-Prefetch-Control",
                "X-Download-Options",
                "X-Frame-Options",
                "X-Permitted-Cross-Domain-Policies",
                "X-XSS-Protection",
                "X-Request-Id",
            ):
                assert len(response.headers.getall(name)) == 1, (path, name)


async def test_one_access_line_and_one_metric_per_request_name_the_route(world, capsys):
    await world.backend("product-service", ok)
    url = await world.gateway()
    capsys.readouterr()
    async with world.client.get(f"{url}/api/products/7?secret=1"):
        pass
    async with world.client.get(f"{url}/metrics") as response:
        text = (await response.read()).decode()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    access = [line for line in lines if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in access] == [("/api/products/*", 200)]
    assert "secret" not in json.dumps(access)
    assert 'route="/api/products/*"' in text
    assert "/api/products/7" not in text


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ({"X-Long": "x" * 17_000}, 431),
        ({f"X-{number}": "1" for number in range(101)}, 431),
        ({"X-Long": "x" * 1_000}, 200),
    ],
)
async def test_a_head_beyond_the_limits_is_431(world, extra, status):
    await world.backend("product-service", ok)
    url = await world.gateway()
    async with world.client.get(f"{url}/api/products", headers=extra) as response:
        assert response.status == status


async def test_an_address_that_is_too_long_is_414(world):
    url = await world.gateway()
    async with world.client.get(f"{url}/api/products?q={'x' * 9000}") as response:
        assert response.status == 414


async def test_an_unknown_method_is_405(world):
    url = await world.gateway()
    async with world.client.request("PROPFIND", f"{url}/api/products") as response:
        assert response.status == 405


async def test_while_the_keys_cannot_be_had_public_routes_go_on(world, bearer):
    await world.backend("product-service", ok)
    url = await world.gateway(JWKS_URL="http://127.0.0.1:9/jwks.json")
    async with world.client.get(f"{url}/api/products", headers=bearer) as response:
        assert response.status == 200
    async with world.client.get(f"{url}/api/orders", headers=bearer) as response:
        assert response.status == 503


async def test_behind_a_trusted_proxy_clients_are_counted_by_their_own_address(world):
    await world.backend("product-service", ok)
    url = await world.gateway(
        TRUSTED_PROXIES="127.0.0.0/8", RATE_LIMIT_PER_MINUTE="1", RATE_LIMIT_BURST="1"
    )
    statuses = []
    for address in ("1.1.1.1", "1.1.1.1", "2.2.2.2"):
        async with world.client.get(
            f"{url}/api/products", headers={"X-Forwarded-For": address}
        ) as response:
            statuses.append(response.status)
    assert statuses == [200, 429, 200]


async def test_health_needs_no_backend_and_no_token(world):
    url = await world.gateway()
    async with world.client.get(f"{url}/health") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})
    async with world.client.get(f"{url}/health/ready") as response:
        assert response.status == 200


async def test_a_websocket_is_refused(world):
    await world.gateway()
    assert world.app is not None
    sent = []

    async def send(message: object) -> None:
        sent.append(message)

    await world.app({"type": "websocket", "path": "/api/orders"}, None, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_everything_that_is_wrong_is_said_at_once_on_a_line_each():
    environ = {"SERVICE_NAME": "api-gateway", "ROUTES": "nonsense /a=B"}
    with pytest.raises(SettingsError) as caught:
        create_app([PART], environ)
    assert [line.partition(" ")[2].partition(" ")[0] for line in caught.value.lines] == [
        "JWKS_URL",
        "JWT_ISSUER",
        "JWT_AUDIENCE",
        "ROUTES:",
        "ROUTES:",
    ]
    assert all(line.startswith("api-gateway: ") for line in caught.value.lines)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "ROUTES is not set"),
        ({"ROUTES": "nonsense"}, "ROUTES: 'nonsense' has no public prefix"),
        ({"ROUTES": "/a=a-service"}, "A_SERVICE_URL is not set"),
        ({"ROUTES": "/a=a-service", "A_SERVICE_URL": "ftp://x"}, "A_SERVICE_URL is wrong"),
        ({"ROUTES": "/a=a-service", "A_SERVICE_TIMEOUT_S": "0"}, "A_SERVICE_TIMEOUT_S is wrong"),
        ({"ROUTES": "/a=a-service"}, "JWKS_URL is not set"),
        ({"ROUTES": "/a=a-service", "CORS_ORIGINS": "*"}, "CORS_ORIGINS is wrong"),
        ({"ROUTES": "/a=a-service", "TRUSTED_PROXIES": "x"}, "TRUSTED_PROXIES is wrong"),
    ],
)
def test_a_missing_or_wrong_variable_is_named(environ, words):
    with pytest.raises(SettingsError) as caught:
        create_app([PART], environ)
    assert words in str(caught.value)
