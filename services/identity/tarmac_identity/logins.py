"""What a login or registration has to pass: a rate for each address, and delays after failures.

Used by service.py. It counts alike for accounts that exist and for those that do not, and nothing
that another source does keeps a known device out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tarmac_identity import repository
from tarmac_identity.devices import Devices
from tarmac_identity.settings import IdentitySettings
from tarmac_identity.throttle import NONE, Failures, Throttle
from tarmac_kit import Cache, Problem, SharedRateLimiter

#: The source of all unknown devices together.
ALL_UNKNOWN = ""
#: Over all unknown devices of an account: the longest delay, and one failure is forgotten in it.
#: One address fails slower than this once its own delays are longer, so it never gets here alone.
ACCOUNT_LONGEST_S = 60.0


@dataclass(frozen=True)
class Source:
    """Where a login comes from: a network address, or a device that the account knows."""

    address: str
    device: str | None = None

    @property
    def turn(self) -> str:
        """Name the queue before the threads: known devices do not stand behind unknown ones."""
        return f"{'known' if self.device else 'unknown'}:{self.address}"

    @property
    def counted(self) -> str:
        """Name the source by which failures are counted."""
        return f"device:{self.device}" if self.device else f"address:{self.address}"


class LoginLimits:
    """Rates and delays, as the settings have them."""

    def __init__(
        self,
        cache: Cache | None,
        settings: IdentitySettings,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.devices = Devices(
            settings.key_encryption_secret, ttl_s=settings.login_device_ttl_s, clock=clock
        )
        self._of_address = SharedRateLimiter(
            cache,
            name="password-address",
            per_minute=settings.login_rate_per_minute,
            burst=settings.login_rate_burst,
            clock=ticks,
        )
        # For what comes from a known device when others use up the rate of its address.
        self._of_account = SharedRateLimiter(
            cache,
            name="password-account",
            per_minute=settings.login_max_failures,
            burst=settings.login_max_failures,
            clock=ticks,
        )
        self._of_source = Throttle(
            free=settings.login_max_failures,
            first_s=settings.login_delay_s,
            longest_s=settings.login_delay_max_s,
            forget_s=settings.login_forget_s,
        )
        self._of_all_unknown = Throttle(
            free=settings.login_account_max_failures,
            first_s=settings.login_delay_s,
            longest_s=min(ACCOUNT_LONGEST_S, settings.login_delay_max_s),
            forget_s=ACCOUNT_LONGEST_S,
        )

    @property
    def forgotten_s(self) -> float:
        """Return the age at which a row of failures says nothing any more."""
        return max(self._of_source.forgotten_s, self._of_all_unknown.forgotten_s)

    async def count(self, source: Source, email: str) -> None:
        """Count one password that is to be hashed. Raises 429 `rate_limited`."""
        decision = await self._of_address.take(source.address)
        if not decision.allowed and source.device is not None:
            decision = await self._of_account.take(email)
        if not decision.allowed:
            raise decision.problem()

    async def check(self, conn: Any, email: str, source: Source, *, lock: bool = False) -> None:
        """Raise 429 `login_delayed` when the source has to wait; `lock` holds it to the commit."""
        throttles = self._throttles(source)
        found = await repository.failures(conn, email, list(throttles), lock=lock)
        self._refuse(throttles, found)

    async def failed(self, conn: Any, email: str, source: Source) -> None:
        """Count a wrong password, or raise 429 when the source had to wait meanwhile."""
        throttles = self._throttles(source)
        await repository.begin_failures(conn, email, list(throttles))
        found = await repository.failures(conn, email, list(throttles), lock=True)
        self._refuse(throttles, found)
        for name, throttle in throttles.items():
            level = throttle.after_failure(found.get(name, NONE))
            await repository.set_failures(conn, email, name, level)

    async def succeeded(self, conn: Any, email: str, source: Source) -> None:
        """Forget the failures of the source alone: others may be guessing."""
        await repository.forget_failures(conn, email, source.counted)

    def _throttles(self, source: Source) -> dict[str, Throttle]:
        found = {source.counted: self._of_source}
        if source.device is None:
            found[ALL_UNKNOWN] = self._of_all_unknown
        return found

    def _refuse(self, throttles: dict[str, Throttle], found: dict[str, Failures]) -> None:
        waits_s = [throttle.wait_s(found.get(name, NONE)) for name, throttle in throttles.items()]
        if max(waits_s) <= 0:
            return
        wait_s = max(1, math.ceil(max(waits_s)))
        raise Problem(
            429,
            "login_delayed",
            "Too many failed logins",
            f"try again in {wait_s} s",
            headers={"Retry-After": str(wait_s)},
        )
