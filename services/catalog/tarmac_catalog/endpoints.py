"""The catalog's routes. Built by `app.mount` around a Catalog; decides nothing itself."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from tarmac_catalog.domain import Sort, encode_cursor
from tarmac_catalog.schemas import (
    CategoryList,
    CategoryOut,
    Price,
    PricesIn,
    PricesOut,
    ProductEdit,
    ProductIn,
    ProductOut,
    ProductPage,
    Slug,
)
from tarmac_catalog.service import Catalog
from tarmac_kit import require_role

_STAFF = [Depends(require_role("staff"))]

Search = Annotated[str | None, Query(min_length=1, max_length=200, description="Search words.")]
CategorySlug = Annotated[Slug | None, Query()]
Limit = Annotated[int, Query(ge=1, le=100)]
CursorText = Annotated[str | None, Query(max_length=1000)]


def build_router(catalog: Catalog) -> APIRouter:
    """Build the routes over `catalog`."""
    router = APIRouter(tags=["catalog"])

    @router.get("/products")
    async def browse_products(
        q: Search = None,
        category: CategorySlug = None,
        sort: Sort = Sort.NAME,
        limit: Limit = 20,
        cursor: CursorText = None,
    ) -> ProductPage:
        """Browse and search the products that can be bought."""
        page = await catalog.browse(
            query=q, category=category, sort=sort, limit=limit, cursor=cursor
        )
        return ProductPage(
            items=[ProductOut.model_validate(product) for product in page.items],
            next_cursor=encode_cursor(page.next) if page.next else None,
        )

    # Before /products/{product_id}: the first route that matches wins.
    @router.get("/products/categories")
    async def list_categories() -> CategoryList:
        """List the categories that have something to buy."""
        found = await catalog.categories()
        return CategoryList(categories=[CategoryOut.model_validate(category) for category in found])

    @router.get("/products/{product_id}")
    async def show_product(product_id: UUID, response: Response) -> ProductOut:
        """Show one product; the header X-Cache says hit or miss."""
        shown = await catalog.show(product_id)
        response.headers["X-Cache"] = "hit" if shown.from_cache else "miss"
        return shown.product

    @router.post("/products", status_code=201, dependencies=_STAFF)
    async def add_product(body: ProductIn, response: Response) -> ProductOut:
        """Add a product (staff)."""
        product = await catalog.add(body)
        response.headers["Location"] = f"/products/{product.id}"
        return ProductOut.model_validate(product)

    @router.patch("/products/{product_id}", dependencies=_STAFF)
    async def edit_product(product_id: UUID, body: ProductEdit) -> ProductOut:
        """Change a product that is still at the version given (staff)."""
        return ProductOut.model_validate(await catalog.edit(product_id, body))

    @router.delete("/products/{product_id}", status_code=204, dependencies=_STAFF)
    async def archive_product(product_id: UUID) -> None:
        """Take a product out of the shop; what was ordered keeps its name and price (staff)."""
        await catalog.archive(product_id)

    @router.post("/prices")
    async def look_up_prices(body: PricesIn) -> PricesOut:
        """Look up what products cost now (for other services; no gateway routes it)."""
        found = await catalog.prices(body.product_ids)
        return PricesOut(
            prices=[
                Price(
                    product_id=product.id,
                    name=product.name,
                    price_minor=product.price_minor,
                    currency=product.currency,
                    active=product.active,
                )
                for product in found
            ]
        )

    return router
