"""A part that has a database and reads nothing from it."""

from __future__ import annotations

from importlib import resources

from pydantic_settings import BaseSettings

from tarmac_kit import Chassis, Part


class StoresSettings(BaseSettings):
    """What this part reads."""

    changed: str = ""


def mount(chassis: Chassis) -> None:
    """Wire the part."""
    folder = "changed" if chassis.read(StoresSettings).changed else "migrations"
    chassis.database(migrations=resources.files("tarmac_stores") / folder)


PART = Part(name="stores", mount=mount)
