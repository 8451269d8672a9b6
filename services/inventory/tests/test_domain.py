"""The pure part of inventory: shortages, lock order and what repeated requests come to."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from tarmac_inventory.domain import (
    Answer,
    Change,
    Level,
    Line,
    Movement,
    Reservation,
    ReservationState,
    Shortage,
    changes,
    in_lock_order,
    on_commit,
    on_reserve,
    shortages,
)

CUP, POT = UUID(int=1), UUID(int=2)
LINES = (Line(CUP, 2), Line(POT, 1))


def reservation(state: ReservationState) -> Reservation:
    return Reservation(UUID(int=9), state, datetime(2026, 1, 1, tzinfo=UTC), LINES)


def test_lines_are_locked_by_product_id_however_they_were_named() -> None:
    assert in_lock_order(reversed(LINES)) == LINES


def test_only_what_is_not_set_aside_already_can_be_had() -> None:
    levels = {CUP: Level(CUP, on_hand=5, reserved=4), POT: Level(POT, on_hand=5, reserved=4)}
    assert shortages(LINES, levels) == [Shortage(CUP, wanted=2, available=1)]


def test_a_product_that_was_never_counted_has_nothing() -> None:
    assert shortages([Line(CUP, 1)], {}) == [Shortage(CUP, wanted=1, available=0)]


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        (ReservationState.HELD, Answer.ALREADY),
        (ReservationState.COMMITTED, Answer.ALREADY),
        (ReservationState.EXPIRED, Answer.TAKE),
        (ReservationState.RELEASED, Answer.CLOSED),
    ],
)
def test_reserving_again_depends_on_what_became_of_it(state, answer) -> None:
    assert on_reserve(reservation(state), LINES) is answer


def test_reserving_other_lines_under_the_same_order_is_told_apart() -> None:
    assert on_reserve(reservation(ReservationState.HELD), LINES[:1]) is Answer.OTHER_LINES


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        (ReservationState.HELD, Answer.SELL),
        (ReservationState.COMMITTED, Answer.ALREADY),
        (ReservationState.EXPIRED, Answer.TAKE),
        (ReservationState.RELEASED, Answer.CLOSED),
    ],
)
def test_committing_depends_on_what_became_of_it(state, answer) -> None:
    assert on_commit(reservation(state)) is answer


@pytest.mark.parametrize(
    ("movement", "on_hand", "reserved"),
    [
        (Movement.RESERVE, 0, 2),
        (Movement.COMMIT, -2, -2),
        (Movement.RETAKE, -2, 0),
        (Movement.RELEASE, 0, -2),
        (Movement.EXPIRE, 0, -2),
    ],
)
def test_a_movement_changes_the_levels_by_its_quantity(movement, on_hand, reserved) -> None:
    assert changes(movement, LINES[:1]) == [Change(CUP, on_hand, reserved)]
