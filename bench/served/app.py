"""The handler that bench_kit.py measures, as a part of the kit: a parameter in, a model out."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from tarmac_kit import Chassis, Part


class Thing(BaseModel):
    """What it answers."""

    id: int
    name: str
    price_minor: int
    tags: list[str]


def build_router() -> APIRouter:
    """Return the one route, for either side."""
    router = APIRouter()

    @router.get("/things/{thing_id}")
    async def thing(thing_id: int) -> Thing:
        return Thing(id=thing_id, name="A thing", price_minor=1250, tags=["a", "b"])

    return router


def mount(chassis: Chassis) -> None:
    """Serve the route."""
    chassis.include(build_router())


PART = Part(name="served", mount=mount)
