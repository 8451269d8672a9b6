"""Providers, which take the money: the Protocol that every provider fulfils, and the sandbox.

Called by the service, never inside one of its transactions. A provider is asked with a key of the
caller's; asked again with the same key it answers what it did the first time. It hands results
over by a callback, because real ones do (by webhook), late, and sometimes twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from tarmac_kit import Database
from tarmac_payments.domain import Charge
from tarmac_payments.repository import SandboxBooks

Deliver = Callable[[Charge], Awaitable[None]]


class ProviderError(Exception):
    """The provider gave no usable answer; whether it took the money is not known."""


@dataclass(frozen=True)
class ChargeRequest:
    """What to take, and the key that makes asking again harmless."""

    key: str
    token: str
    amount_minor: int
    currency: str


@dataclass(frozen=True)
class RefundRequest:
    """What to give back, of which charge, and the key that makes asking again harmless."""

    key: str
    reference: str
    amount_minor: int


class Provider(Protocol):
    """A company that takes money."""

    async def charge(self, request: ChargeRequest, deliver: Deliver) -> None:
        """Take the money and deliver the result at least once; ProviderError when in doubt."""
        ...

    async def refund(self, request: RefundRequest) -> None:
        """Give the money back; ProviderError when in doubt."""
        ...


#: Tokens that decline, with the reason given. Any other takes the money.
DECLINING = {
    "tok_declined": "card_declined",
    "tok_insufficient_funds": "insufficient_funds",
}


@dataclass(frozen=True)
class Sandbox:
    """A provider that behaves as the token says, and keeps books of its own.

    tok_timeout: it takes the money, and its first answer is lost. tok_error_once: the first call
    fails and nothing is taken. tok_twice: it delivers its result twice.
    """

    database: Database
    books: SandboxBooks

    async def charge(self, request: ChargeRequest, deliver: Deliver) -> None:
        """Behave as the token says; deterministic, over restarts too."""
        fails = request.token == "tok_error_once"  # noqa: S105 - a sandbox's token
        async with self.database.connection() as connection:  # one statement, so one transaction
            calls, charge, booked_minor = await self.books.charge(
                connection,
                request.key,
                token=request.token,
                amount_minor=request.amount_minor,
                currency=request.currency,
                reference=f"sbx_{uuid4().hex}",
                declined=DECLINING.get(request.token),
                fails_first=fails,
            )
        if charge is None:
            raise ProviderError("sandbox: internal error (500); ask again with the same key")
        if booked_minor != request.amount_minor:
            raise ProviderError(
                f"sandbox: key {request.key} was used for {booked_minor}; use another key"
            )
        if request.token == "tok_timeout" and calls == 1:  # noqa: S105 - a sandbox's token
            raise ProviderError("sandbox: no answer in time; ask again with the same key")
        await deliver(charge)
        if request.token == "tok_twice":  # noqa: S105 - a sandbox's token
            await deliver(charge)

    async def refund(self, request: RefundRequest) -> None:
        """Give the money back once per key."""
        async with self.database.transaction() as connection:
            await self.books.book_refund(
                connection,
                request.key,
                reference=request.reference,
                amount_minor=request.amount_minor,
            )
