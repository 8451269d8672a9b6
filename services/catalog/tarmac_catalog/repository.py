"""The catalog's SQL, all of it. Called by the service with a connection; opens none itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tarmac_catalog.domain import Category, Cursor, Product, Sort, prefix_query
from tarmac_kit.repository import fetch_all, fetch_one

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

_COLUMNS = """
    id, name, description, category, price_minor, currency, active, version, created_at, updated_at
"""

_BROWSE = f"""
SELECT {_COLUMNS} FROM products
 WHERE active
   AND ($1::text IS NULL OR category = $1)
   AND ($2::text IS NULL
        OR search @@ (to_tsquery('simple', $2) || plainto_tsquery('english', $3)))
"""  # noqa: S608 - made of constants of this file; values are always parameters

#: Keyset pagination: the next page begins after the last row's (value, id), so that a page costs
#: the same however deep it is, and a new product never shifts the ones already seen.
_SORTED = {
    Sort.NAME: _BROWSE
    + " AND ($4::text IS NULL OR (name, id) > ($4, $5::uuid)) ORDER BY name, id LIMIT $6",
    Sort.PRICE: _BROWSE
    + " AND ($4::bigint IS NULL OR (price_minor, id) > ($4, $5::uuid))"
    + " ORDER BY price_minor, id LIMIT $6",
    Sort.PRICE_DESCENDING: _BROWSE
    + " AND ($4::bigint IS NULL OR (price_minor, id) < ($4, $5::uuid))"
    + " ORDER BY price_minor DESC, id DESC LIMIT $6",
    Sort.NEWEST: _BROWSE
    + " AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid))"
    + " ORDER BY created_at DESC, id DESC LIMIT $6",
}

_CATEGORIES = """
SELECT category AS slug, count(*)::int AS products FROM products
 WHERE active GROUP BY category ORDER BY category
"""

_FIND = f"SELECT {_COLUMNS} FROM products WHERE id = $1"  # noqa: S608

_FIND_MANY = f"SELECT {_COLUMNS} FROM products WHERE id = ANY($1::uuid[]) ORDER BY id"  # noqa: S608

_ADD = f"""
INSERT INTO products (id, name, description, category, price_minor, currency)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING {_COLUMNS}
"""  # noqa: S608

#: The version in the WHERE is the optimistic lock: of two editors of one version, one finds no row.
_EDIT = f"""
UPDATE products
   SET name = coalesce($3, name), description = coalesce($4, description),
       category = coalesce($5, category), price_minor = coalesce($6, price_minor),
       active = coalesce($7, active), version = version + 1, updated_at = now()
 WHERE id = $1 AND version = $2
RETURNING {_COLUMNS}
"""  # noqa: S608

_ARCHIVE = """
UPDATE products SET active = false, version = version + 1, updated_at = now()
 WHERE id = $1 AND active RETURNING id
"""


@dataclass(frozen=True)
class NewProduct:
    """A product before the database has dated it."""

    id: UUID
    name: str
    description: str
    category: str
    price_minor: int
    currency: str


@dataclass(frozen=True)
class Changes:
    """What an edit changes; None leaves a column as it is."""

    name: str | None = None
    description: str | None = None
    category: str | None = None
    price_minor: int | None = None
    active: bool | None = None


class ProductRepository:
    """Reads and writes the products table."""

    async def browse(
        self,
        connection: Connection,
        *,
        category: str | None,
        words: Sequence[str] | None,
        sort: Sort,
        after: Cursor | None,
        limit: int,
    ) -> list[Product]:
        """Read up to `limit` products that can be bought, in the order of `sort`."""
        return await fetch_all(
            connection,
            _SORTED[sort],
            category,
            prefix_query(words) if words is not None else None,
            " ".join(words) if words is not None else None,
            after.value if after else None,
            after.id if after else None,
            limit,
            into=Product,
        )

    async def categories(self, connection: Connection) -> list[Category]:
        """Count the products per category."""
        return await fetch_all(connection, _CATEGORIES, into=Category)

    async def find(self, connection: Connection, product_id: UUID) -> Product | None:
        """Read one product, archived or not."""
        return await fetch_one(connection, _FIND, product_id, into=Product)

    async def find_many(self, connection: Connection, ids: Sequence[UUID]) -> list[Product]:
        """Read the products among `ids` that exist."""
        return await fetch_all(connection, _FIND_MANY, list(ids), into=Product)

    async def add(self, connection: Connection, new: NewProduct) -> Product:
        """Insert a product and answer it with its dates."""
        values: tuple[Any, ...] = (
            new.id,
            new.name,
            new.description,
            new.category,
            new.price_minor,
            new.currency,
        )
        added = await fetch_one(connection, _ADD, *values, into=Product)
        if added is None:
            raise RuntimeError(f"products: insert of {new.id} returned no row; is a trigger there?")
        return added

    async def edit(
        self, connection: Connection, product_id: UUID, version: int, changes: Changes
    ) -> Product | None:
        """Change a product if it still has `version`; None when it has not, or is not there."""
        return await fetch_one(
            connection,
            _EDIT,
            product_id,
            version,
            changes.name,
            changes.description,
            changes.category,
            changes.price_minor,
            changes.active,
            into=Product,
        )

    async def archive(self, connection: Connection, product_id: UUID) -> bool:
        """Take a product out of the shop; False when it already was."""
        return await connection.fetchval(_ARCHIVE, product_id) is not None
