"""What the gateway presents to its backends, and which pages it lets change anything."""

from __future__ import annotations

from aiohttp import web


async def test_the_gateway_presents_its_own_caller_token_and_passes_none_on(
    world, bearer, tmp_path
):
    async def handler(request: web.Request) -> web.Response:
        return web.json_response([request.headers.getall("X-Caller-Token", []), *request.headers])

    url = await world.backend("order-service", handler)
    (tmp_path / "order-service").write_text("ours\n")
    own = {
        "TARMAC_CALLER_TOKEN_FILE": f"{tmp_path}/{{callee}}",
        "TARMAC_CALLEES": f"order-service={url}",
    }
    claimed = {**bearer, "X-Caller-Token": "theirs", "Origin": "http://shop.example"}
    for environ, presented in ((own, ["ours"]), ({}, [])):
        gateway = await world.gateway(CORS_ORIGINS="http://shop.example", **environ)
        async with world.client.post(f"{gateway}/api/orders", json={}, headers=claimed) as answer:
            received, *names = await answer.json()
        assert received == presented
        assert "Origin" not in names, "whose pages may ask is decided by the gateway"


async def test_pages_of_unlisted_origins_change_nothing_through_the_gateway(world, bearer):
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(text="done")

    await world.backend("order-service", handler)
    gateway = await world.gateway(CORS_ORIGINS="http://shop.example")
    own = gateway.removeprefix("http://")
    for origin, status in (
        ("http://shop.example", 200),
        (f"http://{own}", 200),
        ("https://evil.example", 403),
    ):
        headers = {**bearer, "Origin": origin}
        async with world.client.post(f"{gateway}/api/orders", json={}, headers=headers) as answer:
            assert answer.status == status
        async with world.client.get(f"{gateway}/api/orders", headers=headers) as answer:
            assert answer.status == 200
