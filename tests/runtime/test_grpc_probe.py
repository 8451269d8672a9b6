"""The gRPC probe against a real gRPC server, which another library wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from tarmac.run.local.process.grpc_probe import check

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"


class Health(grpc.GenericRpcHandler):
    """grpc.health.v1, with bytes for messages; `catalog` does not serve."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """Answer the one method of the protocol."""
        if details.method != "/grpc.health.v1.Health/Check":
            return None

        def check(request: bytes, context: grpc.ServicerContext) -> bytes:
            name = request[2:].decode()
            if name == "nobody":
                context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
            return NOT_SERVING if name == "catalog" else SERVING

        return grpc.unary_unary_rpc_method_handler(check)


@pytest.fixture(params=[True])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """A server with or without the health service."""
    pool = ThreadPoolExecutor(2)
    server = grpc.server(pool, handlers=[Health()] if request.param else [])
    number = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield number
    server.stop(None).wait()
    pool.shutdown()


async def ask(port: int, service: str = "") -> str | None:
    return await check("127.0.0.1", port, service)


async def test_a_server_that_serves_passes(port):
    assert await ask(port) is None
    assert await ask(port, "orders") is None


async def test_a_service_that_does_not_serve_is_named(port):
    assert await ask(port, "catalog") == "'catalog' is NOT_SERVING"


async def test_an_error_of_the_server_is_shown(port):
    assert "unknown service" in str(await ask(port, "nobody"))


@pytest.mark.parametrize("port", [False], indirect=True)
async def test_a_server_without_the_health_service_is_told_what_to_do(port):
    assert await ask(port) == "has no grpc.health.v1 service; add it, or probe with `tcp: true`"


async def test_what_speaks_something_else_says_so():
    async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(b"220 mail.example.com ESMTP ready for you, and for others\r\n" * 4)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(smtp, "127.0.0.1", 0) as server:
        number = server.sockets[0].getsockname()[1]
        assert await ask(number) == f"port {number} does not speak gRPC"
