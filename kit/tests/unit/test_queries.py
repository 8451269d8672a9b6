"""A parameter in the query that a route does not have is refused, and pages take any."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from tarmac_kit import Chassis, Part, create_app
from tarmac_kit_testing import running


class Filter(BaseModel):
    colour: str = ""


class Anything(BaseModel, extra="allow"):
    colour: str = ""


def page(cursor: str | None = None) -> str | None:
    return cursor


def mount(chassis: Chassis) -> None:
    router, pages = APIRouter(), APIRouter(include_in_schema=False)

    @router.get("/things")
    async def things(
        after: Annotated[str | None, Depends(page)],
        most: Annotated[int, Query(alias="limit", ge=1)] = 10,
    ) -> dict[str, Any]:
        return {"limit": most, "cursor": after}

    @router.get("/things/{number}")
    async def thing(number: int) -> int:
        return number

    @router.get("/filtered")
    async def filtered(by: Annotated[Filter, Query()]) -> str:
        return by.colour

    @router.get("/any")
    async def anything(by: Annotated[Anything, Query()]) -> str:
        return by.colour

    @pages.get("/page")
    async def shown(number: int = 1) -> int:
        return number

    chassis.include(router)
    chassis.include(pages)


async def answer(path: str) -> tuple[int, Any]:
    app = create_app([Part("things", mount)], {"SERVICE_NAME": "things"})
    async with running(app) as client:
        response = await client.get(path)
        return response.status, response.json()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/things", 200),
        ("/things?limit=2&cursor=x", 200),
        ("/things?limit=2&limit=3", 200),
        ("/things?offset=-1", 422),
        ("/things?limit=2&Limit=3", 422),
        ("/things?most=2", 422),
        ("/things?%6cimit=2", 200),
        ("/things?=", 422),
        ("/things/1?utm_source=x", 200),
        ("/filtered?colour=red", 200),
        ("/filtered?color=red", 422),
        ("/any?color=red", 200),
        ("/page?number=2&utm_source=x", 200),
    ],
)
async def test_only_a_route_with_parameters_refuses_others(path: str, status: int) -> None:
    assert (await answer(path))[0] == status


async def test_the_answer_names_the_unknown_parameter_and_the_known_ones() -> None:
    status, body = await answer("/things?offset=-1&limit=2")
    assert (status, body["code"]) == (422, "invalid_request")
    assert body["errors"] == [
        {"loc": ["query", "offset"], "msg": "unknown parameter; known: cursor, limit"}
    ]


async def test_many_and_long_unknown_parameters_make_a_short_answer() -> None:
    query = "&".join(f"{number}{'x' * 300}=1" for number in range(100))
    status, body = await answer(f"/things?{query}")
    assert (status, len(body["errors"])) == (422, 20)
    assert max(len(error["loc"][1]) for error in body["errors"]) < 110
