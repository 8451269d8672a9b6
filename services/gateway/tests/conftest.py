"""A gateway in process on a free port, in front of backends that a test describes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, field

import aiohttp
import pytest
import uvicorn
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from free_ports import free_port

from tarmac_gateway.app import PART
from tarmac_kit import Application, TokenIssuer, create_app

ROUTES = (
    "/api/users=user-service/users /api/products=product-service/products "
    "/api/orders=order-service/orders"
)
PUBLIC = "POST /api/users/login, GET /api/products, GET /api/products/*"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(scope="session")
def issuer() -> TokenIssuer:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return TokenIssuer(key, kid="test-key", issuer="shop", audience="shop-api")


@pytest.fixture
def bearer(issuer: TokenIssuer) -> dict[str, str]:
    token = issuer.issue("user-1", email="ada@example.com")
    return {"Authorization": f"Bearer {token}"}


class InProcess(uvicorn.Server):
    """uvicorn beside the test, which keeps its own signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self.down = asyncio.Event()

    def capture_signals(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    async def main_loop(self) -> None:
        # uvicorn's own looks for the end ten times a second, which a test would wait for.
        await self.on_tick(0)
        await self.down.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # As uvicorn's own, without its tenth of a second of grace.
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.lifespan.shutdown()


@dataclass
class World:
    """The backends' and the gateway's addresses, and a client."""

    issuer: TokenIssuer
    stack: AsyncExitStack
    client: aiohttp.ClientSession
    environ: dict[str, str] = field(default_factory=dict)
    app: Application | None = None

    async def backend(self, service: str, handler: Handler, **options: object) -> str:
        """Serve `handler` for every path of `service`; returns its base URL."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{tail:.*}", handler)
        runner = web.AppRunner(app, auto_decompress=False, shutdown_timeout=0.1, **options)
        await runner.setup()
        self.stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.environ[f"{service.upper().replace('-', '_')}_URL"] = url
        return url

    async def gateway(self, **environ: str) -> str:
        """Start the gateway; returns its base URL."""
        jwks = self.issuer.jwks()

        async def keys(_request: web.Request) -> web.Response:
            return web.json_response(jwks)

        identity = await self.backend("keys", keys)
        nowhere = f"http://127.0.0.1:{free_port()}"
        self.app = create_app(
            [PART],
            {
                "SERVICE_NAME": "api-gateway",
                "ROUTES": ROUTES,
                "PUBLIC_ROUTES": PUBLIC,
                "USER_SERVICE_URL": nowhere,
                "PRODUCT_SERVICE_URL": nowhere,
                "ORDER_SERVICE_URL": nowhere,
                "JWKS_URL": f"{identity}/jwks.json",
                "JWT_ISSUER": "shop",
                "JWT_AUDIENCE": "shop-api",
                "API_TITLE": "Shop API",
                **self.environ,
                **environ,
            },
        )
        return await self.serve(self.app)

    async def serve(self, app: object) -> str:
        """Serve an ASGI app as the kit does; returns its base URL."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,  # type: ignore[arg-type]
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            http="httptools",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        server = InProcess(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))

        async def stop() -> None:
            server.down.set()
            await running
            listener.close()

        self.stack.push_async_callback(stop)
        await server.up.wait()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
async def world(issuer: TokenIssuer) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=20))
        )
        yield World(issuer, stack, client)
