"""A part with one quick route, one slow one, and one that needs more than it gets."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from pydantic_settings import BaseSettings

from tarmac_kit import Chassis, Part

router = APIRouter(prefix="/hello")


class HelloSettings(BaseSettings):
    """What this part reads."""

    greeting: str
    slow_s: float = 0.05


def mount(chassis: Chassis) -> None:
    """Wire the part."""
    settings = chassis.read(HelloSettings)

    @router.get("/{name}")
    async def hello(name: str) -> dict[str, str]:
        return {"text": f"{settings.greeting}, {name}"}

    @router.post("/{name}/slowly")
    async def slowly(name: str) -> dict[str, str]:
        await asyncio.sleep(settings.slow_s)
        return {"text": f"{settings.greeting}, {name}"}

    @router.put("/{name}/words")
    async def words(name: str, body: dict[str, str]) -> dict[str, int]:
        return {name: len(body)}

    chassis.include(router)


PART = Part(name="hello", mount=mount)
