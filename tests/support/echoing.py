"""A backend that answers with the request that it received, for tests of what a gateway sends."""

from __future__ import annotations

from aiohttp import web


async def echo(request: web.Request) -> web.Response:
    """Answer with the method, target, headers and body that came."""
    body = await request.read()
    return web.json_response(
        {
            "method": request.method,
            "target": request.raw_path,
            "headers": [[key, value] for key, value in request.headers.items()],
            "body": body.decode("latin-1"),
        }
    )


def seen(answer: dict, name: str) -> list[str]:
    """List the values of a header, as the backend received it."""
    return [value for key, value in answer["headers"] if key.lower() == name]
