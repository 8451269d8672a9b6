"""Price lists: accepted at once, taken over by a job, all of their rules or none.

Called by the endpoints (`accept`) and by the kit's jobs (`run`). A list is kept as it was sent, so
that a job that died begins again with the same rules; to take them over twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from pydantic import TypeAdapter

from tarmac_kit import Job, Jobs
from tarmac_pricing.domain import Kind, Rule
from tarmac_pricing.schemas import RuleIn
from tarmac_pricing.service import Pricing

KIND = "price-list"

_RULES = TypeAdapter(list[RuleIn])


class NotListedYetError(Exception):
    """Rules are about products that have no list price; another price list may bring it."""


@dataclass(frozen=True)
class Imports:
    """Takes price lists over, one at a time."""

    pricing: Pricing
    jobs: Jobs

    async def accept(self, name: str, rules: Sequence[RuleIn], *, sent_by: str) -> UUID:
        """Keep a price list and the job that takes it over; answer their id."""
        list_id = uuid4()
        written = _RULES.dump_python([*rules], mode="json")
        async with self.pricing.database.transaction() as connection:
            await self.pricing.prices.add_list(
                connection, list_id, name=name, rules=written, sent_by=sent_by
            )
            # One key: of two lists with the same rule the later one counts, not a mix of both.
            await self.jobs.add(
                connection, kind=KIND, payload={"price_list_id": list_id}, key=KIND, id=list_id
            )
        return list_id

    async def run(self, job: Job) -> dict[str, Any]:
        """Take over the rules of a list and drop what is cached of their products."""
        list_id = UUID(job.payload["price_list_id"])
        async with self.pricing.database.transaction() as connection:
            sent = _RULES.validate_python(await self.pricing.prices.list_rules(connection, list_id))
            rules = [Rule(id=uuid4(), **rule.model_dump()) for rule in sent]
            kept = await self.pricing.prices.put(connection, rules)
            about = {rule.product_id for rule in rules if rule.kind is not Kind.LIST}
            products = sorted(product for product in about if product is not None)
            listed = await self.pricing.prices.with_list_price(connection, products)
            missing = [str(product) for product in products if product not in listed]
            if missing:
                shown = ", ".join(missing[:5])
                raise NotListedYetError(
                    f"price list {list_id}: {len(missing)} product(s) have no list price "
                    f"({shown}); send one with it"
                )
            await self.pricing.prices.imported(connection, list_id)
        await self.pricing.forget(kept)
        return {"rules": len(kept)}
