"""What profiles asks of the role `orders`: the orders of the user whose token it passes on.

Used by the service. An answer that is late, absent or strange is one problem: 503, with the name of
what is missing, within the call's own timeout.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from tarmac_kit import Client, DeadlineExceeded, Problem, Unavailable, get_logger
from tarmac_profiles.schemas import OrderPageOut

log = get_logger(__name__)


@dataclass(frozen=True)
class Orders:
    """Asks what a user has ordered."""

    client: Client

    async def page(self, *, limit: int, cursor: str | None) -> OrderPageOut:
        """Read a page of the caller's own orders, the latest first.

        Raises Problem 503 when it cannot be had now, 400 for a cursor that orders do not know.
        """
        params = {"limit": limit, "cursor": cursor}
        try:
            answer = await self.client.get("/orders", params=params, forward=True)
        except (Unavailable, DeadlineExceeded) as error:
            raise _unavailable(error.detail or "no answer") from error
        if answer.status == 400:
            raise Problem(400, "bad_cursor", "The cursor is not valid", "start without a cursor")
        if answer.status != 200:
            raise _unavailable(f"orders answered {answer.status}")
        try:
            return OrderPageOut.model_validate(answer.json())
        except (ValidationError, ValueError) as error:
            raise _unavailable("orders answered something else than a page of orders") from error


def _unavailable(detail: str) -> Problem:
    log.warning("orders are not to be had", reason=detail)
    return Problem(
        503,
        "orders_unavailable",
        "The orders cannot be read now",
        f"{detail}; everything else of the user is there, so try this again",
        headers={"Retry-After": "1"},
        degraded=["orders"],
    )
