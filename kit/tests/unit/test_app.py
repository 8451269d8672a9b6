"""An app built from the kit alone, called in process."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends
from pydantic import BaseModel
from pydantic_settings import BaseSettings

from tarmac_kit import (
    Chassis,
    Claims,
    CurrentUser,
    Message,
    Part,
    Problem,
    SettingsError,
    create_app,
    require_role,
    set_route,
)
from tarmac_kit.health import Health, HealthCheck
from tarmac_kit_testing import FakeBus, issue_token, running, static_verifier

ENV = {"SERVICE_NAME": "things-service"}


class Thing(BaseModel):
    name: str
    size: int


def things(chassis: Chassis) -> None:
    router = APIRouter(prefix="/things")
    deep = APIRouter()

    @router.post("", status_code=201)
    async def make(thing: Thing) -> Thing:
        return thing

    @router.get("/{thing_id}")
    async def one(thing_id: int) -> dict[str, int]:
        if thing_id == 404:
            raise Problem(404, "no_such_thing", "There is no such thing", asked=thing_id)
        if thing_id == 500:
            raise RuntimeError("the password is hunter2")
        return {"id": thing_id}

    @router.get("/mine/me")
    async def me(user: CurrentUser) -> dict[str, str]:
        return {"subject": user.subject}

    @router.get("/mine/staff")
    async def staff(user: Annotated[Claims, Depends(require_role("staff"))]) -> dict[str, str]:
        return {"subject": user.subject}

    @deep.get("/{leaf}")
    async def leaf(leaf: str) -> str:
        return leaf

    outer = APIRouter()
    outer.include_router(deep, prefix="/deep")
    chassis.include(router)
    chassis.include(outer)


def app_of(*mounts, env: dict[str, str] | None = None, **fakes):
    parts = [Part(f"part{number}", mount) for number, mount in enumerate(mounts)]
    return create_app(parts, ENV if env is None else env, **fakes)


async def test_the_kit_works_without_tarmac_from_env_variables_alone() -> None:
    async with running(app_of(things)) as http:
        made = await http.post("/things", json={"name": "a", "size": 1})
        assert (made.status, made.json()) == (201, {"name": "a", "size": 1})
        assert (await http.get("/health")).json() == {"status": "ok"}
        assert (await http.get("/health/live")).status == 200
        ready = await http.get("/health/ready")
        assert (ready.status, ready.json()) == (
            200,
            {"status": "ready", "checks": {"started": "ok"}},
        )


async def test_an_answer_names_some_wrong_values_however_many_there_are() -> None:
    def numbers(chassis: Chassis) -> None:
        router = APIRouter()

        @router.post("/numbers")
        async def take(values: dict[str, int]) -> int:
            return len(values)

        chassis.include(router)

    async with running(app_of(numbers)) as http:
        wrong = await http.post("/numbers", json={"k" * 500 + str(n): "x" for n in range(1000)})
    assert wrong.status == 422
    assert len(wrong.json()["errors"]) == 20
    assert wrong.json()["detail"] == "1000 value(s) are wrong; see errors (the first 20)"
    assert len(wrong.body) < 10_000


async def test_a_body_that_is_no_json_is_400_and_one_that_breaks_the_schema_is_422() -> None:
    async with running(app_of(things)) as http:
        headers = {"Content-Type": "application/json"}
        malformed = await http.post("/things", content=b"{", headers=headers)
        assert (malformed.status, malformed.json()["code"]) == (400, "malformed_body")
        wrong = await http.post("/things", json={"name": "a", "size": "hunter2"})
        assert wrong.status == 422
        assert wrong.headers["content-type"] == "application/problem+json"
        document = wrong.json()
        assert document["errors"] == [
            {
                "loc": ["body", "size"],
                "msg": "Input should be a valid integer, unable to parse string as an integer",
            }
        ]
        assert "hunter2" not in wrong.body.decode()
        empty = await http.post("/things", content=b"", headers=headers)
        assert empty.status == 422


async def test_a_problem_is_a_document_with_its_extra_members_and_the_trace() -> None:
    async with running(app_of(things)) as http:
        trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
        answer = await http.get(
            "/things/404", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
        )
        assert answer.json() == {
            "type": "urn:problem:no_such_thing",
            "title": "There is no such thing",
            "status": 404,
            "code": "no_such_thing",
            "instance": "/things/404",
            "trace_id": trace_id,
            "asked": 404,
        }


async def test_an_exception_is_500_without_its_text_and_is_logged_once(capsys) -> None:
    async with running(app_of(things)) as http:
        capsys.readouterr()
        answer = await http.get("/things/500")
        assert (answer.status, answer.json()["code"]) == (500, "internal_error")
        assert "hunter2" not in answer.body.decode()
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["event"] for line in lines] == ["unhandled exception", "request"]
        assert "RuntimeError" in lines[0]["exception"]
        assert lines[0]["trace_id"] == lines[1]["trace_id"] == answer.json()["trace_id"]


async def test_what_no_route_matches_is_a_404_document() -> None:
    async with running(app_of(things)) as http:
        answer = await http.get("/nothing")
        assert (answer.status, answer.json()["code"]) == (404, "not_found")
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await http.delete("/things/1")).status == 405


async def test_head_is_answered_where_get_is_and_nowhere_else() -> None:
    async with running(app_of(things)) as http:
        got, head = await http.get("/things/1"), await http.request("HEAD", "/things/1")
        assert (head.status, head.body) == (got.status, b"")
        assert head.headers["content-length"] == str(len(got.body))
        assert (await http.request("HEAD", "/nothing")).status == 404
        metrics = (await http.get("/metrics")).body.decode()
        assert 'method="HEAD",route="/things/{thing_id}"' in metrics


async def test_the_metrics_label_is_the_template_and_unknown_paths_are_one_value() -> None:
    async with running(app_of(things)) as http:
        for path in ("/things/1", "/things/2", "/deep/3", "/no/1", "/no/2"):
            await http.get(path)
        await http.request("BREW", "/things/1")
        text = (await http.get("/metrics")).body.decode()
        routes = {
            line.split('route="')[1].split('"')[0]
            for line in text.splitlines()
            if line.startswith("http_requests_total{")
        }
        assert routes == {"/things/{thing_id}", "/deep/{leaf}", "unmatched"}
        assert (
            'http_requests_total{method="GET",route="/things/{thing_id}",'
            'service="things-service",status="200"} 2.0' in text
        )
        assert 'method="OTHER"' in text
        assert 'le="0.2"' in text


async def test_a_mounted_proxy_names_its_routes_itself() -> None:
    def mount(chassis: Chassis) -> None:
        def proxy(app):
            async def call(scope, receive, send) -> None:
                if not scope["path"].startswith("/api"):
                    await app(scope, receive, send)
                    return
                set_route(scope, "/api/users/*")
                await send({"type": "http.response.start", "status": 204, "headers": []})
                await send({"type": "http.response.body", "body": b""})

            return call

        chassis.wrap(proxy)

    async with running(app_of(mount)) as http:
        assert (await http.get("/api/users/7")).status == 204
        assert (await http.get("/health")).status == 200
        assert 'route="/api/users/*"' in (await http.get("/metrics")).body.decode()


async def test_the_current_user_comes_from_the_token_and_roles_are_required() -> None:
    async with running(app_of(things, verifier=static_verifier())) as http:
        without = await http.get("/things/mine/me")
        assert (without.status, without.headers["www-authenticate"]) == (401, "Bearer")
        mine = await http.get("/things/mine/me", token=issue_token("u1"))
        assert mine.json() == {"subject": "u1"}
        refused = await http.get("/things/mine/staff", token=issue_token("u1"))
        assert (refused.status, refused.json()["code"]) == (403, "forbidden")
        allowed = await http.get("/things/mine/staff", token=issue_token("u1", roles=["staff"]))
        assert allowed.status == 200


class Needs(BaseSettings):
    currency: str
    ttl_s: int = 900


def test_everything_that_is_missing_is_said_together_one_line_each() -> None:
    def orders(chassis: Chassis) -> None:
        chassis.read(Needs)
        chassis.database()
        chassis.client("inventory")
        chassis.client("catalog")
        chassis.verifier()

    def payments(chassis: Chassis) -> None:
        chassis.client("bank")

    env = {
        "SERVICE_NAME": "order-service",
        "CATALOG_URL": "http://127.0.0.1:1",
        "TTL_S": "soon",
        "JWKS_URL": "http://127.0.0.1:1",
        "JWT_ISSUER": "i",
        "JWT_AUDIENCE": "a",
    }
    with pytest.raises(SettingsError) as raised:
        create_app([Part("orders", orders), Part("payments", payments)], env)
    assert raised.value.lines == [
        (
            "order-service: CURRENCY is not set; set it in the system file's env, or a default "
            "under settings in service.yaml"
        ),
        (
            "order-service: TTL_S is wrong (soon): Input should be a valid integer, unable to "
            "parse string as an integer; correct it"
        ),
        (
            "order-service: DATABASE_URL is not set; the system file must bind a postgres store "
            "to the slot with env DATABASE_URL"
        ),
        (
            "order-service: INVENTORY_URL is not set; the system file must let order-service "
            "call a service that has the part inventory"
        ),
        (
            "order-service: BANK_URL is not set; the system file must let order-service call a "
            "service that has the part bank"
        ),
    ]


def test_a_part_that_trips_over_its_missing_setting_still_gets_the_clear_line() -> None:
    def mount(chassis: Chassis) -> None:
        chassis.read(Needs).currency.upper()

    with pytest.raises(SettingsError, match="CURRENCY is not set"):
        app_of(mount)


def test_another_error_of_a_part_is_not_hidden() -> None:
    def mount(chassis: Chassis) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        app_of(mount)


async def test_two_parts_share_one_process_and_its_stores() -> None:
    seen = []

    def mount(chassis: Chassis) -> None:
        seen.append(chassis.database())

    app_of(mount, mount, env={"DATABASE_URL": "postgresql://u:p@127.0.0.1:1/db"})
    assert seen[0] is seen[1]


async def test_a_check_that_fails_is_503_with_the_reason_unless_it_is_not_required() -> None:
    wrong: list[str] = []

    def mount(chassis: Chassis) -> None:
        async def probe() -> None:
            if "must" in wrong:
                raise ConnectionError("nobody at redis://u:pw@h:1")

        async def may() -> None:
            raise ConnectionError

        chassis.check("must", probe)
        chassis.check("may", may, required=False)

    async with running(app_of(mount)) as http:
        assert (await http.get("/health/ready")).status == 200
        wrong.append("must")
        checks = http.app.chassis.health._checks
        for check in checks:
            check._asked_at = -1000  # as after the half second for which answers are kept
        answer = await http.get("/health/ready")
        assert (answer.status, answer.json()["failed"]) == (503, ["must"])
        assert answer.json()["checks"]["must"] == "failed: nobody at redis://u:***@h:1"
        assert answer.json()["checks"]["may"] == "failed: ConnectionError"


async def test_metrics_tell_which_checks_failed_when_readiness_was_last_asked() -> None:
    gone: list[str] = []

    def mount(chassis: Chassis) -> None:
        async def probe() -> None:
            if gone:
                raise ConnectionError("nobody there")

        chassis.check("database", probe)

    def shown(text: str) -> str:
        return next(line for line in text.splitlines() if 'check="database"' in line)

    async with running(app_of(mount)) as http:
        series = 'health_check_passing{check="database",service="things-service"}'
        assert shown((await http.get("/metrics")).body.decode()) == f"{series} 1.0"
        gone.append("it")
        for told, value in ((["it"], "0.0"), ([], "1.0")):
            gone[:] = told
            for check in http.app.chassis.health._checks:
                check._asked_at = -1000  # as after the time for which answers are kept
            await http.get("/health/ready")
            assert shown((await http.get("/metrics")).body.decode()) == f"{series} {value}"


@pytest.mark.parametrize(
    ("env", "status"),
    [({}, 200), ({"PUBLISHES": "order.placed"}, 503), ({"CONSUMES": "order.placed"}, 503)],
)
async def test_ready_asks_for_the_broker_where_topics_are_bound(
    env: dict[str, str], status: int
) -> None:
    bus = FakeBus()
    async with running(app_of(things, env=env, bus=bus)) as http:
        bus.connected = False
        ready = await http.get("/health/ready")
        assert (ready.status, ready.json()["checks"]["broker"]) == (status, "failed: not connected")
        assert (await http.get("/health/live")).status == 200


async def test_a_check_is_asked_once_however_often_readiness_is() -> None:
    asked = []

    def mount(chassis: Chassis) -> None:
        async def probe() -> None:
            asked.append(1)

        chassis.check("c", probe)

    async with running(app_of(mount)) as http:
        for _ in range(20):
            await http.get("/health/ready")
        assert len(asked) == 1


async def test_the_end_of_the_start_is_seen_at_once() -> None:
    health = Health()
    open_stores: list[str] = []

    async def probe() -> None:
        if not open_stores:
            raise ConnectionError

    health.add("db", probe)
    assert (await health.ready())[0] == 503
    open_stores.append("db")
    assert (await health.ready())[0] == 503  # the answer is kept for a moment
    health.forget_failures()
    assert (await health.ready())[0] == 200
    open_stores.clear()
    health.forget_failures()
    assert (await health.ready())[0] == 200  # what passed is kept


async def test_a_check_that_fails_is_asked_again_sooner_than_one_that_passes() -> None:
    asked: Counter[str] = Counter()

    async def fails() -> None:
        asked["fails"] += 1
        raise ConnectionError

    async def passes() -> None:
        asked["passes"] += 1

    checks = [HealthCheck("fails", fails), HealthCheck("passes", passes)]
    for _ in range(2):
        for check in checks:
            await check.error()
            check._asked_at -= 0.1
    assert asked == {"fails": 2, "passes": 1}


async def test_draining_turns_ready_503_and_closes_connections_but_still_answers() -> None:
    async with running(app_of(things)) as http:
        assert "connection" not in (await http.get("/things/1")).headers
        http.app.chassis.drain()
        assert (await http.get("/health/ready")).json()["status"] == "draining"
        answer = await http.get("/things/1")
        assert (answer.status, answer.headers["connection"]) == (200, "close")


async def test_only_topics_that_are_bound_are_consumed() -> None:
    bus = FakeBus()
    got: list[str] = []

    def mount(chassis: Chassis) -> None:
        async def handle(message: Message) -> None:
            got.append(message.topic)

        chassis.consume("a.one", handle, group="g")
        chassis.consume("a.two", handle, group="g")

    async with running(app_of(mount, env={"CONSUMES": "a.one, b.one"}, bus=bus)) as http:
        for topic in ("a.one", "a.two", "b.one"):
            await bus.publish(Message("1", topic, "k", {}))
        assert got == ["a.one"]
        text = (await http.get("/metrics")).body.decode()
        assert 'messages_consumed_total{group="g",result="ok"' in text


async def test_hooks_and_background_tasks_run_from_start_to_stop() -> None:
    import asyncio  # noqa: PLC0415

    events: list[str] = []
    running_now = asyncio.Event()

    def mount(chassis: Chassis) -> None:
        async def started() -> None:
            events.append("start")

        async def stopped() -> None:
            events.append("stop")

        async def beside() -> None:
            running_now.set()
            try:
                await asyncio.Event().wait()
            finally:
                events.append("cancelled")

        chassis.on_start(started)
        chassis.on_stop(stopped)
        chassis.background("beside", beside)

    async with running(app_of(mount)):
        await running_now.wait()
        assert events == ["start"]
    assert events == ["start", "cancelled", "stop"]


def test_a_broker_without_an_adapter_is_said() -> None:
    with pytest.raises(SettingsError, match="no adapter for 'stomp'"):
        app_of(things, env={"BROKER_URL": "stomp://u:p@h"})
