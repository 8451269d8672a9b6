"""Profiles as a part of a process: `python -m tarmac_kit.serve tarmac_profiles`."""

from __future__ import annotations

from tarmac_kit import Chassis, Part
from tarmac_profiles.endpoints import router
from tarmac_profiles.repository import UserRepository
from tarmac_profiles.service import Profiles
from tarmac_profiles.settings import ProfilesSettings
from tarmac_profiles.upstream import Orders


def mount(chassis: Chassis) -> None:
    """Wire users, their tokens and their orders into the process; opens nothing yet."""
    settings = chassis.read(ProfilesSettings)
    users = UserRepository(chassis.documents())
    profiles = Profiles(users, Orders(chassis.client("orders")), settings)
    chassis.app.state.profiles = profiles
    chassis.include(router)
    chassis.on_start(profiles.prepare)


PART = Part(name="profiles", mount=mount)
