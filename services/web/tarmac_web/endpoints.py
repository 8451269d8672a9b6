"""All routes of the pages: those that are bound, the files, and what browsers ask for by itself.

Called by app.py. Each group of pages is a module of its own.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from tarmac_kit.error_reporter import ErrorReporter
from tarmac_web import account, browse, buying, desk, live, reports
from tarmac_web.visit import Site


def build_router(site: Site, streams: live.Streams, sent: ErrorReporter | None) -> APIRouter:
    """Build the routes of the pages that the settings name."""
    router = APIRouter()
    if "shop" in site.settings.pages:
        router.include_router(browse.build_router(site))
        router.include_router(buying.build_router(site))
    if "trading" in site.settings.pages:
        router.include_router(desk.build_router(site))
        router.include_router(live.build_router(streams))
    router.include_router(account.build_router(site))
    router.include_router(reports.build_router(site, sent))
    router.include_router(_files(site))
    return router


def _files(site: Site) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name}")
    async def static_file(request: Request, name: str) -> Response:
        found = site.pages.assets.answer(request, name)
        if found is None:
            raise HTTPException(404)
        return found

    @router.get("/favicon.ico")
    async def favicon() -> Response:
        path = site.pages.assets.path(f"icon-{site.settings.theme}.svg")
        return RedirectResponse(path, 302, headers={"Cache-Control": "max-age=3600"})

    @router.get("/robots.txt")
    async def robots() -> Response:
        private = ("/account", "/cart", "/checkout", "/login", "/orders", "/portfolio", "/signup")
        lines = ["User-agent: *", *(f"Disallow: {path}" for path in private)]
        return PlainTextResponse("\n".join(lines) + "\n")

    return router
