"""The pricing SQL, all of it. Called by the service inside its transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import TypeAdapter

from tarmac_pricing.domain import Kind, PricedLine, Quote, QuoteState, Rule, state_at

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

_FIELDS = (
    "id",
    "kind",
    "product_id",
    "name",
    "tier",
    "min_quantity",
    "valid_from",
    "valid_to",
    "price_minor",
    "currency",
    "percent_off_bp",
)
_COLUMNS = ", ".join(_FIELDS)

# The fragments are constants of this file: none of these statements holds what a caller sent.
_BEARING = f"""
SELECT {_COLUMNS} FROM price_rules WHERE product_id = ANY($1::uuid[])
UNION ALL
SELECT {_COLUMNS} FROM price_rules WHERE product_id IS NULL
"""  # noqa: S608

_OF_PRODUCT = f"""
SELECT {_COLUMNS} FROM price_rules WHERE product_id IS NOT DISTINCT FROM $1 ORDER BY kind, id
"""  # noqa: S608

_LISTED = """
SELECT DISTINCT product_id FROM price_rules
 WHERE kind = 'list' AND ($1::uuid IS NULL OR product_id > $1)
   AND (valid_from IS NULL OR valid_from <= $2) AND (valid_to IS NULL OR valid_to > $2)
 ORDER BY product_id LIMIT $3
"""

_PUT = f"""
INSERT INTO price_rules ({_COLUMNS})
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::int[],
                     $7::timestamptz[], $8::timestamptz[], $9::bigint[], $10::text[], $11::int[])
ON CONFLICT ON CONSTRAINT one_rule_per_condition DO UPDATE SET
    name = excluded.name, valid_to = excluded.valid_to, price_minor = excluded.price_minor,
    currency = excluded.currency, percent_off_bp = excluded.percent_off_bp, changed_at = now()
RETURNING {_COLUMNS}
"""  # noqa: S608

_REMOVE = f"DELETE FROM price_rules WHERE id = $1 RETURNING {_COLUMNS}"  # noqa: S608

_WITH_LIST_PRICE = """
SELECT DISTINCT product_id FROM price_rules WHERE kind = 'list' AND product_id = ANY($1::uuid[])
"""

_ADD_LIST = "INSERT INTO price_lists (id, name, rules, sent_by) VALUES ($1, $2, $3, $4)"

_FIND_LIST = "SELECT rules FROM price_lists WHERE id = $1 FOR UPDATE"

_IMPORTED = "UPDATE price_lists SET imported_at = now() WHERE id = $1"

_QUOTE = """
id, state, tier, currency, total_minor, lines, reference, expires_at, created_at
"""

_ADD_QUOTE = f"""
INSERT INTO quotes (id, tier, currency, total_minor, lines, expires_at)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6)) RETURNING {_QUOTE}, now() AS at
"""  # noqa: S608

_FIND_QUOTE = f"SELECT {_QUOTE}, now() AS at FROM quotes WHERE id = $1"  # noqa: S608

_FIND_QUOTE_LOCKED = _FIND_QUOTE + " FOR UPDATE"

_SET_QUOTE = """
UPDATE quotes SET state = $2, reference = coalesce($3, reference), updated_at = now() WHERE id = $1
"""

_PRUNE_QUOTES = """
DELETE FROM quotes WHERE id = ANY(ARRAY(
    SELECT id FROM quotes
     WHERE state = 'open' AND expires_at < now() - make_interval(secs => $1) LIMIT $2
))
"""

_LINES = TypeAdapter(tuple[PricedLine, ...])


class PriceRepository:
    """Reads and writes rules, price lists and quotes."""

    async def bearing(self, connection: Connection, product_ids: Sequence[UUID]) -> list[Rule]:
        """Read the rules of these products and those for every product."""
        return _rules(await connection.fetch(_BEARING, list(product_ids)))

    async def of_product(self, connection: Connection, product_id: UUID | None) -> list[Rule]:
        """Read the rules of one product alone; None: those for every product."""
        return _rules(await connection.fetch(_OF_PRODUCT, product_id))

    async def listed(
        self, connection: Connection, *, after: UUID | None, at: datetime, limit: int
    ) -> list[UUID]:
        """Read up to `limit` products with a list price at a time, in the order of their ids."""
        rows = await connection.fetch(_LISTED, after, at, limit)
        return [row["product_id"] for row in rows]

    async def put(self, connection: Connection, rules: Sequence[Rule]) -> list[Rule]:
        """Write rules, each instead of the one with its conditions, whose id it keeps."""
        columns = [[getattr(rule, field) for rule in rules] for field in _FIELDS]
        return _rules(await connection.fetch(_PUT, *columns))

    async def remove(self, connection: Connection, rule_id: UUID) -> Rule | None:
        """Delete a rule; None when there is none."""
        return next(iter(_rules(await connection.fetch(_REMOVE, rule_id))), None)

    async def with_list_price(
        self, connection: Connection, product_ids: Sequence[UUID]
    ) -> frozenset[UUID]:
        """Tell which of these products have a list price at any time."""
        rows = await connection.fetch(_WITH_LIST_PRICE, list(product_ids))
        return frozenset(row["product_id"] for row in rows)

    async def add_list(
        self,
        connection: Connection,
        list_id: UUID,
        *,
        name: str,
        rules: Sequence[Mapping[str, Any]],
        sent_by: str,
    ) -> None:
        """Keep a price list as it was sent."""
        await connection.execute(_ADD_LIST, list_id, name, list(rules), sent_by)

    async def list_rules(self, connection: Connection, list_id: UUID) -> list[dict[str, Any]]:
        """Lock a price list and read its rules as they were sent."""
        rules: list[dict[str, Any]] | None = await connection.fetchval(_FIND_LIST, list_id)
        if rules is None:
            raise LookupError(f"price_lists: {list_id} is gone; were rows deleted by hand?")
        return rules

    async def imported(self, connection: Connection, list_id: UUID) -> None:
        """Note that the rules of a price list are taken over."""
        await connection.execute(_IMPORTED, list_id)

    async def add_quote(
        self,
        connection: Connection,
        quote_id: UUID,
        *,
        tier: str | None,
        currency: str,
        lines: Sequence[PricedLine],
        ttl_s: float,
    ) -> Quote:
        """Insert an open quote that ends `ttl_s` from now."""
        total_minor = sum(line.total_minor for line in lines)
        written = [asdict(line) for line in lines]
        row = await connection.fetchrow(
            _ADD_QUOTE, quote_id, tier, currency, total_minor, written, ttl_s
        )
        if row is None:
            raise RuntimeError(f"quotes: insert of {quote_id} returned no row; is a trigger there?")
        return _quote(row)

    async def quote(
        self, connection: Connection, quote_id: UUID, *, lock: bool = False
    ) -> Quote | None:
        """Read a quote as it stands now, locked if asked."""
        row = await connection.fetchrow(_FIND_QUOTE_LOCKED if lock else _FIND_QUOTE, quote_id)
        return None if row is None else _quote(row)

    async def set_quote(
        self, connection: Connection, quote: Quote, state: QuoteState, reference: UUID | None = None
    ) -> Quote:
        """Move a locked quote on."""
        await connection.execute(_SET_QUOTE, quote.id, state.value, reference)
        return replace(quote, state=state, reference=reference or quote.reference)

    async def prune_quotes(self, connection: Connection, *, keep_s: float, batch: int) -> int:
        """Delete up to `batch` quotes that ended longer than `keep_s` ago without a buyer."""
        status = await connection.execute(_PRUNE_QUOTES, keep_s, batch)
        return int(status.rsplit(" ", 1)[1])


def _rules(rows: Sequence[Any]) -> list[Rule]:
    return [Rule(**{**dict(row.items()), "kind": Kind(row["kind"])}) for row in rows]


def _quote(row: Any) -> Quote:
    values = dict(row.items())
    at = values.pop("at")
    values["lines"] = _LINES.validate_python(values["lines"])
    values["state"] = state_at(QuoteState(values["state"]), values["expires_at"], at)
    return Quote(**values)
