"""Browse, show and edit products; owns the cached item page.

Called by the endpoints. Knows nothing of HTTP except the problems it raises, and no SQL.

The item page is cached for `ITEM_TTL_S` and dropped after each write. A reader that fetched the
old row just before a write may still put it back; it is then shown for at most `ITEM_TTL_S`. Only
what is shown can be old: edits are checked against the version in the database, and prices of
orders never come from the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from tarmac_catalog.domain import (
    BadCursorError,
    Category,
    Page,
    Product,
    Sort,
    cut_page,
    decode_cursor,
    search_words,
)
from tarmac_catalog.repository import Changes, NewProduct, ProductRepository
from tarmac_catalog.schemas import ProductEdit, ProductIn, ProductOut
from tarmac_kit import Cache, Database, Problem

ITEM_TTL_S = 60.0


@dataclass(frozen=True)
class ItemPage:
    """An item page and whether the cache had it."""

    product: ProductOut
    from_cache: bool


@dataclass(frozen=True)
class Catalog:
    """The shop's products over one database and, where there is one, a cache."""

    database: Database
    cache: Cache | None
    currency: str
    products: ProductRepository

    async def browse(
        self,
        *,
        query: str | None,
        category: str | None,
        sort: Sort,
        limit: int,
        cursor: str | None,
    ) -> Page:
        """Read one page of the products that can be bought."""
        try:
            after = decode_cursor(cursor, sort=sort) if cursor else None
        except BadCursorError as error:
            raise Problem(400, "bad_cursor", "The cursor is not valid", str(error)) from error
        words = search_words(query) if query is not None else None
        if words == []:
            return Page(items=[], next=None)
        async with self.database.connection() as connection:
            rows = await self.products.browse(
                connection,
                category=category,
                words=words,
                sort=sort,
                after=after,
                limit=limit + 1,
            )
        return cut_page(rows, sort=sort, limit=limit)

    async def categories(self) -> list[Category]:
        """List the categories that have something to buy."""
        async with self.database.connection() as connection:
            return await self.products.categories(connection)

    async def show(self, product_id: UUID) -> ItemPage:
        """Read one product for its page, from the cache if it is there."""
        loaded = False

        async def load() -> dict[str, Any]:
            nonlocal loaded
            loaded = True
            async with self.database.connection() as connection:
                product = await self.products.find(connection, product_id)
            if product is None or not product.active:
                raise _unknown(product_id)
            return ProductOut.model_validate(product).model_dump(mode="json")

        if self.cache is None:
            page = await load()
        else:
            page = await self.cache.remember(_key(product_id), load, ttl_s=ITEM_TTL_S)
        return ItemPage(product=ProductOut.model_validate(page), from_cache=not loaded)

    async def prices(self, ids: Sequence[UUID]) -> list[Product]:
        """Read the products among `ids` that exist, archived ones too; never from the cache."""
        async with self.database.connection() as connection:
            return await self.products.find_many(connection, ids)

    async def add(self, new: ProductIn) -> Product:
        """Put a new product into the shop."""
        async with self.database.transaction() as connection:
            return await self.products.add(
                connection,
                NewProduct(
                    id=uuid4(),
                    name=new.name,
                    description=new.description,
                    category=new.category,
                    price_minor=new.price_minor,
                    currency=new.currency or self.currency,
                ),
            )

    async def edit(self, product_id: UUID, edit: ProductEdit) -> Product:
        """Change a product that has not changed since the editor read it; else problem 409."""
        changes = Changes(
            name=edit.name,
            description=edit.description,
            category=edit.category,
            price_minor=edit.price_minor,
            active=edit.active,
        )
        async with self.database.transaction() as connection:
            edited = await self.products.edit(connection, product_id, edit.version, changes)
            now = edited or await self.products.find(connection, product_id)
        if now is None:
            raise _unknown(product_id)
        if edited is None:
            raise Problem(
                409,
                "version_conflict",
                "Another user changed this product",
                f"version {edit.version} was edited, {now.version} is current; read it again",
                current_version=now.version,
            )
        await self._forget(product_id)
        return edited

    async def archive(self, product_id: UUID) -> None:
        """Take a product out of the shop; again is fine, an unknown one is a problem 404."""
        async with self.database.transaction() as connection:
            archived = await self.products.archive(connection, product_id)
            if not archived and await self.products.find(connection, product_id) is None:
                raise _unknown(product_id)
        await self._forget(product_id)

    async def _forget(self, product_id: UUID) -> None:
        if self.cache:
            await self.cache.delete(_key(product_id))


def _key(product_id: UUID) -> str:
    return f"product:{product_id}"


def _unknown(product_id: UUID) -> Problem:
    return Problem(404, "product_unknown", "There is no such product", str(product_id))
