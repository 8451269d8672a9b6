"""Identity: wires accounts, tokens and their stores."""

from __future__ import annotations

import asyncio
from importlib.resources import files

from tarmac_identity import events
from tarmac_identity.endpoints import router
from tarmac_identity.logins import LoginLimits
from tarmac_identity.passwords import Passwords
from tarmac_identity.service import Identity
from tarmac_identity.settings import IdentitySettings
from tarmac_kit import Chassis, Part

PRUNE_EVERY_S = 600.0


def mount(chassis: Chassis) -> None:
    settings = chassis.read(IdentitySettings)
    database = chassis.database(migrations=files("tarmac_identity") / "migrations")
    passwords = Passwords(cost=settings.bcrypt_cost)
    cache = chassis.redis()
    limits = LoginLimits(cache, settings)
    told = events.REGISTERED in chassis.settings.publishes
    outbox = chassis.outbox(database) if told else None
    identity = Identity(database, cache, passwords, limits, settings, outbox=outbox)

    async def keep_pruned() -> None:
        while True:
            await identity.prune()
            await asyncio.sleep(PRUNE_EVERY_S)

    async def close() -> None:
        passwords.close()

    chassis.app.state.identity = identity
    chassis.include(router)
    chassis.on_start(identity.prepare)
    chassis.background("prune", keep_pruned)
    chassis.background("signing-keys", identity.ring.keep_turning)
    chassis.on_stop(close)


PART = Part(name="identity", mount=mount)
