"""What a part does when its process starts, before it is ready: once, or again, or in vain."""

from __future__ import annotations

import pytest

from tarmac_kit import Chassis, Part, create_app
from tarmac_kit.chassis import Hook
from tarmac_kit.database import DatabaseFull, DatabaseUnavailable
from tarmac_kit_testing import running


def app_of(hook: Hook):
    """Make an app with a start hook; returns it and a list that gets a 1 when it cannot start."""

    def mount(chassis: Chassis) -> None:
        chassis.on_start(hook)

    app = create_app([Part("thing", mount)], {"SERVICE_NAME": "things-service"})
    failures: list[int] = []
    app.chassis.on_failure = lambda: failures.append(1)
    return app, failures


async def test_a_database_that_is_away_for_a_moment_is_asked_again() -> None:
    answers = [DatabaseUnavailable("busy"), DatabaseFull("full"), None]

    async def ask() -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    app, failures = app_of(ask)
    async with running(app) as http:
        assert (await http.get("/health/ready")).status == 200
    assert (answers, failures) == ([], [])


async def test_a_hook_that_fails_stops_the_process_and_says_why() -> None:
    async def fail() -> None:
        raise RuntimeError("no seed data")

    app, failures = app_of(fail)
    with pytest.raises(RuntimeError, match="cannot start: no seed data"):
        async with running(app):
            pass
    assert failures == [1]
