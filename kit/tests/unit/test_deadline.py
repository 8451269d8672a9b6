"""The deadline: it travels, shrinks and ends in 504."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import fastapi
import pytest
from fastapi import APIRouter

from tarmac_kit import Chassis, Part, Response, create_app, deadline
from tarmac_kit.client import Request
from tarmac_kit_testing import InProcess, running


class Hop:
    """A transport that calls the next app in process."""

    def __init__(self) -> None:
        self.next: InProcess | None = None
        self.sent: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        assert self.next is not None
        self.sent.append(request)
        path = "/" + request.url.split("/", 3)[3]
        return await self.next.request(request.method, path, headers=request.headers)


def chain(name: str, next_role: str | None, hop: Hop, timeout_s: str = "2"):
    def mount(chassis: Chassis) -> None:
        router = APIRouter()
        if next_role:
            client = chassis.client(next_role)

            @router.get("/left")
            async def pass_on() -> list[float]:
                mine = deadline.remaining_s()
                answer = await client.get("/left")
                return [mine or -1.0, *answer.json()]
        else:

            @router.get("/left")
            async def last() -> list[float]:
                return [deadline.remaining_s() or -1.0]

            @router.get("/hang")
            async def hang() -> None:
                await asyncio.Event().wait()

        chassis.include(router)

    env = {"SERVICE_NAME": name}
    if next_role:
        env |= {f"{next_role.upper()}_URL": f"http://{next_role}"}
        env |= {f"{next_role.upper()}_TIMEOUT_S": timeout_s}
    return create_app([Part(name, mount)], env, transport=hop)


async def test_the_deadline_travels_and_shrinks_over_two_hops() -> None:
    first, second = Hop(), Hop()
    async with (
        running(chain("a", "b", first)) as a,
        running(chain("b", "c", second)) as b,
        running(chain("c", None, Hop())) as c,
    ):
        first.next, second.next = b, c
        answer = await a.get("/left", headers={"X-Request-Timeout-Ms": "1500"})
        at_a, at_b, at_c = answer.json()
        assert 1.5 > at_a > at_b > at_c > 1.0
        sent = [int(hop.sent[0].headers["X-Request-Timeout-Ms"]) for hop in (first, second)]
        assert 1500 >= sent[0] >= sent[1] > 1000
        assert first.sent[0].timeout_s < 1.5


async def test_ones_own_timeout_is_the_limit_when_it_is_shorter() -> None:
    hop = Hop()
    async with running(chain("a", "b", hop, "0.5")) as a, running(chain("b", None, Hop())) as b:
        hop.next = b
        at_a, at_b = (await a.get("/left", headers={"X-Request-Timeout-Ms": "9000"})).json()
        assert at_a > 8
        assert at_b <= 0.5


async def test_an_expired_deadline_is_504() -> None:
    async with running(chain("c", None, Hop())) as c:
        for value in ("0", "-5"):
            answer = await c.get("/hang", headers={"X-Request-Timeout-Ms": value})
            assert (answer.status, answer.json()["code"]) == (504, "deadline_exceeded")


async def test_a_public_service_takes_no_deadline_from_its_clients() -> None:
    app = chain("c", None, Hop())
    app.chassis.is_public = True
    async with running(app) as c:
        for value in ("0", "-5", "1500"):
            answer = await c.get("/left", headers={"X-Request-Timeout-Ms": value})
            assert (answer.status, answer.json()) == (200, [-1.0])


async def test_a_client_that_leaves_while_its_body_is_read_is_no_failure_of_ours() -> None:
    def mount(chassis: Chassis) -> None:
        router = APIRouter()

        @router.post("/read")
        async def read(request: fastapi.Request) -> None:
            async for _ in request.stream():
                pass

        chassis.include(router)

    app = create_app([Part("p", mount)], {"SERVICE_NAME": "p"})
    async with running(app) as http:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.disconnect"}

        async def send(event: MutableMapping[str, Any]) -> None:
            sent.append(event)

        scope = {"type": "http", "method": "POST", "path": "/read", "raw_path": b"/read"}
        scope |= {"headers": [], "query_string": b"", "client": ("127.0.0.1", 1)}
        await app(scope, receive, send)
        text = (await http.get("/metrics")).body.decode()
    assert 'route="/read",service="p",status="499"' in text
    assert 'status="5' not in text
    assert sent[0]["status"] == 499


async def test_a_handler_that_outlives_the_deadline_is_cancelled_and_answers_504() -> None:
    async with running(chain("c", None, Hop())) as c:
        answer = await c.get("/hang", headers={"X-Request-Timeout-Ms": "20"})
        assert answer.status == 504


@pytest.mark.parametrize("value", ["soon", "inf", "nan", ""])
async def test_a_header_that_is_no_number_is_as_good_as_none(value: str) -> None:
    async with running(chain("c", None, Hop())) as c:
        answer = await c.get("/left", headers={"X-Request-Timeout-Ms": value})
        assert answer.json() == [-1.0]


async def test_a_number_beyond_all_measure_is_a_day() -> None:
    async with running(chain("c", None, Hop())) as c:
        answer = await c.get("/left", headers={"X-Request-Timeout-Ms": "9" * 40})
        assert answer.json() == [pytest.approx(86_400, abs=5)]


def test_a_deadline_is_never_lengthened() -> None:
    assert deadline.remaining_s() is None
    with deadline.within(1.0), deadline.within(60.0):
        left = deadline.remaining_s()
        assert left == pytest.approx(1.0, abs=0.1)
        assert deadline.limit_s(0.5) == 0.5
    assert deadline.remaining_s() is None
    assert deadline.limit_s(7.0) == 7.0
