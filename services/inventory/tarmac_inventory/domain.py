"""Stock, reservations and the decisions about them.

Used by the service and the repository. Pure: given what is in the database, it says what may
happen; it never reads or writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ReservationState(StrEnum):
    """Where a reservation is in its life."""

    #: Stock is reserved until `expires_at`.
    HELD = "held"
    #: The stock has left the shelf.
    COMMITTED = "committed"
    #: Given back by its caller, or closed before it was ever made.
    RELEASED = "released"
    #: Given back because its time was over.
    EXPIRED = "expired"


class Movement(StrEnum):
    """Why a row stands in the ledger."""

    #: The first count of a product that had none.
    OPENING = "opening"
    #: Staff counted the shelf.
    COUNT = "count"
    #: An order set stock aside.
    RESERVE = "reserve"
    #: An order took what it had reserved.
    COMMIT = "commit"
    #: An order took stock after its reservation had run out.
    RETAKE = "retake"
    #: An order gave back what it had reserved.
    RELEASE = "release"
    #: The time of a reservation was over.
    EXPIRE = "expire"
    #: An order that had taken its stock was undone.
    RETURN = "return"


@dataclass(frozen=True)
class Level:
    """What of a product is on the shelf, and how much of that is reserved."""

    product_id: UUID
    on_hand: int
    reserved: int

    @property
    def available(self) -> int:
        """Return how many can still be reserved."""
        return self.on_hand - self.reserved


@dataclass(frozen=True, order=True)
class Line:
    """How many of a product an order wants."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class Shortage:
    """A line that the shelf cannot serve."""

    product_id: UUID
    wanted: int
    available: int


@dataclass(frozen=True)
class Reservation:
    """The stock that one order holds, held or took; the order's id is its key."""

    order_id: UUID
    state: ReservationState
    expires_at: datetime
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Change:
    """By how much one product's level moves."""

    product_id: UUID
    on_hand: int
    reserved: int


class Answer(StrEnum):
    """What a request to reserve or commit comes to."""

    #: Nothing is to be done: it was done before.
    ALREADY = "already"
    #: Stock must be taken, if there is enough.
    TAKE = "take"
    #: The reservation is held: turn it into a sale.
    SELL = "sell"
    #: The same order asked for other lines before.
    OTHER_LINES = "other_lines"
    #: It was released; the order is over.
    CLOSED = "closed"


def in_lock_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Sort lines by product id: all locks are taken in this order, so there is no deadlock."""
    return tuple(sorted(lines))


def shortages(lines: Sequence[Line], levels: Mapping[UUID, Level]) -> list[Shortage]:
    """List the lines that cannot be served; a product without a level has nothing."""
    short = []
    for line in lines:
        level = levels.get(line.product_id)
        available = level.available if level else 0
        if available < line.quantity:
            short.append(Shortage(line.product_id, wanted=line.quantity, available=available))
    return short


def on_reserve(existing: Reservation, lines: Sequence[Line]) -> Answer:
    """Decide what a repeated request to reserve comes to."""
    if existing.state is ReservationState.RELEASED:
        return Answer.CLOSED
    if existing.lines != tuple(lines):
        return Answer.OTHER_LINES
    if existing.state is ReservationState.EXPIRED:
        return Answer.TAKE
    return Answer.ALREADY


def on_commit(existing: Reservation) -> Answer:
    """Decide what a request to commit comes to.

    A held reservation whose time is over, but which the sweep has not reached, still has its
    stock: it is sold as if it were in time.
    """
    return {
        ReservationState.HELD: Answer.SELL,
        ReservationState.COMMITTED: Answer.ALREADY,
        ReservationState.EXPIRED: Answer.TAKE,
        ReservationState.RELEASED: Answer.CLOSED,
    }[existing.state]


def changes(movement: Movement, lines: Sequence[Line]) -> list[Change]:
    """Say by how much a movement of `lines` changes each level."""
    on_hand, reserved = {
        Movement.RESERVE: (0, 1),
        Movement.COMMIT: (-1, -1),
        Movement.RETAKE: (-1, 0),
        Movement.RELEASE: (0, -1),
        Movement.EXPIRE: (0, -1),
        Movement.RETURN: (1, 0),
    }[movement]
    return [
        Change(line.product_id, on_hand * line.quantity, reserved * line.quantity) for line in lines
    ]
