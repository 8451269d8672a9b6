"""The pages of what is sold: the first one, lists, and one product.

Built by endpoints.py. They show the same to all visitors, logged in or not.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tarmac_kit import Problem
from tarmac_web.api import RefusedError
from tarmac_web.visit import Site, Visit

PAGE = 24
SORTS = {
    "name": "Name",
    "price": "Price, lowest first",
    "-price": "Price, highest first",
    "newest": "Newest first",
}
Text = Annotated[str, Query(max_length=200)]
CursorText = Annotated[str, Query(max_length=1000)]


def build_router(site: Site) -> APIRouter:
    """Build the routes over `site`."""
    router = APIRouter(include_in_schema=False)

    if "trading" not in site.settings.pages:

        @router.get("/")
        async def first_page(request: Request) -> Response:
            visit = site.visit(request)
            new = {"sort": "newest", "limit": 8}
            listed, categories = await asyncio.gather(
                visit.shown_to_all("/products", new), _categories(visit)
            )
            return visit.page("home.html", products=listed["items"], categories=categories)

    @router.get("/products")
    async def list_products(
        request: Request,
        q: Text = "",
        category: Text = "",
        sort: Text = "name",
        cursor: CursorText = "",
    ) -> Response:
        visit = site.visit(request)
        asked = {"q": q.strip(), "category": category, "sort": sort if sort in SORTS else "name"}
        params: dict[str, Any] = {name: value for name, value in asked.items() if value}
        refused = False
        try:
            listed = await visit.shown_to_all(
                "/products",
                {**params, "limit": PAGE} | ({"cursor": cursor} if cursor else {}),
            )
        except RefusedError:  # a category or cursor that a visitor typed: nothing is found there
            listed, refused = {"items": [], "next_cursor": None}, True
        following = listed["next_cursor"]
        more = f"/products?{urlencode({**params, 'cursor': following})}" if following else ""
        return visit.page(
            "products.html",
            products=listed["items"],
            categories=await _categories(visit),
            asked=asked,
            sorts=SORTS,
            more=more,
            later=bool(cursor),
            status=404 if refused else 200,
        )

    @router.get("/products/{product_id}")
    async def show_product(request: Request, product_id: str) -> Response:
        return await product_page(site.visit(request), product_id)

    return router


async def product_page(
    visit: Visit, product_id: str, *, error: str = "", quantity: int = 1, status: int = 200
) -> Response:
    """Return the page of one product, with what was wrong when it was put into the cart."""
    path = f"/products/{quote(product_id, safe='')}"
    try:
        product = await visit.shown_to_all(path)
    except RefusedError as refused:
        if refused.status in (404, 422):
            return visit.page("missing.html", status=404, what="product")
        raise
    alike_as = {"category": product["category"], "sort": "newest", "limit": 5}
    available, alike = await asyncio.gather(
        _available(visit, path), _or_nothing(visit, "/products", alike_as)
    )
    return visit.page(
        "product.html",
        product=product,
        available=available,
        alike=[other for other in alike if other["id"] != product["id"]][:4],
        error=error,
        quantity=quantity,
        status=status,
    )


async def _available(visit: Visit, path: str) -> int | None:
    """Return how many can be bought; None when unknown: the page is worth more than that."""
    try:
        level = await visit.shown_to_all(f"{path}/stock")
    except (RefusedError, Problem):
        return None
    available: int = level["available"]
    return available


async def _or_nothing(visit: Visit, path: str, params: dict[str, Any]) -> list[Any]:
    try:
        found: list[Any] = (await visit.shown_to_all(path, params))["items"]
    except (RefusedError, Problem):
        return []
    return found


async def _categories(visit: Visit) -> list[Any]:
    try:
        found: list[Any] = (await visit.shown_to_all("/products/categories"))["categories"]
    except (RefusedError, Problem):
        return []
    return found
