"""The health routes: alive, ready, and why not.

Installed by `create_app`; filled through `Chassis.check`. However often it is asked for, a check
runs at most once in half a second (while it fails, in 50 ms) and never longer than one second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tarmac_kit.logs import get_logger, without_credentials

#: Raises when something is wrong; what it returns is shown beside `ok`.
Probe = Callable[[], Awaitable[str | None]]

CACHE_S = 0.5
#: While a check fails it is repeated sooner, so that a starting service is ready without delay.
FAILED_CACHE_S = 0.05
LIMIT_S = 1.0


@dataclass
class HealthCheck:
    """One thing that readiness depends on (`required`) or only reports."""

    name: str
    probe: Probe
    required: bool = True
    _asked_at: float = field(default=-CACHE_S, init=False)
    _error: str | None = field(default=None, init=False)
    _said: str | None = field(default=None, init=False)
    _passed: bool = field(default=False, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def error(self) -> str | None:
        """Return why the check fails now, or None; the answer is kept for a moment."""
        async with self._lock:
            kept_s = CACHE_S if self._error is None else FAILED_CACHE_S
            if time.monotonic() - self._asked_at < kept_s:
                return self._error
            before, self._error = self._error, await self._ask()
            self._asked_at = time.monotonic()
            if self._passed and (before is None) != (self._error is None):
                log = get_logger("health")
                if self._error is None:
                    log.info("check passes again", check=self.name)
                else:
                    log.warning("check fails", check=self.name, error=self._error)
            # Before it has ever passed, failing is what a start looks like.
            self._passed = self._passed or self._error is None
            return self._error

    @property
    def failing(self) -> bool:
        """Whether it failed when it was last asked; one that never was has not failed."""
        return self._error is not None

    def passing(self) -> str:
        """Return what is shown of a check that passes."""
        return f"ok: {self._said}" if self._said else "ok"

    def forget_failure(self) -> None:
        """Ask again at the next request: the awaited event has happened."""
        if self._error is not None:
            self._asked_at = -CACHE_S

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(LIMIT_S):
                self._said = await self.probe()
        except TimeoutError:
            return f"no answer within {LIMIT_S:g} s"
        except Exception as error:  # noqa: BLE001 - whatever it raises is the reason
            return without_credentials(str(error)) or type(error).__name__
        return None


class Health:
    """The checks of one process, and whether it drains."""

    def __init__(self) -> None:
        self._checks: list[HealthCheck] = []
        self.draining = False

    def add(self, name: str, probe: Probe, *, required: bool = True) -> HealthCheck:
        """Add a check; names tell them apart in the answer."""
        added = HealthCheck(name, probe, required)
        self._checks.append(added)
        return added

    def forget_failures(self) -> None:
        """Let no answer from before the start's end delay readiness."""
        for check in self._checks:
            check.forget_failure()

    async def ready(self) -> tuple[int, dict[str, Any]]:
        """Return status and body of `/health/ready`."""
        errors = await asyncio.gather(*(check.error() for check in self._checks))
        results = {}
        failed = []
        for check, error in zip(self._checks, errors, strict=True):
            results[check.name] = check.passing() if error is None else f"failed: {error}"
            if error is not None and check.required:
                failed.append(check.name)
        if self.draining:
            return 503, {"status": "draining", "failed": failed, "checks": results}
        if failed:
            return 503, {"status": "unready", "failed": failed, "checks": results}
        return 200, {"status": "ready", "checks": results}
