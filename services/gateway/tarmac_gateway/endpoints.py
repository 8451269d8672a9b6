"""The gateway's own pages: the API page and the merged document.

Answered by edge.py before the kit's app, which has a page and a document of its own service.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tarmac_gateway import page
from tarmac_gateway.openapi import ApiDocument


def make_pages(documents: ApiDocument, *, public_url: str) -> Mapping[str, ASGIApp]:
    """Make the pages by path; `public_url` is shown as base, or else what the reader asked for."""

    def base(request: Request) -> str:
        return public_url.rstrip("/") or str(request.base_url).rstrip("/")

    async def root(_request: Request) -> Response:
        return RedirectResponse("/docs", status_code=307)

    async def docs(request: Request) -> Response:
        return HTMLResponse(
            page.render(await documents.at(base(request))),
            headers={"Content-Security-Policy": page.POLICY, "Cache-Control": "no-cache"},
        )

    async def openapi(request: Request) -> Response:
        return JSONResponse(
            await documents.at(base(request)), headers={"Cache-Control": "no-cache"}
        )

    endpoints = {"/": root, "/docs": docs, "/openapi.json": openapi}
    return {path: Route(path, endpoint).handle for path, endpoint in endpoints.items()}
