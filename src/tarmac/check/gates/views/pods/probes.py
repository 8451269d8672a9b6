"""Questions of the kubelet to a container: probes, and the hook before its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.foreign.reading import Fields, dig, items, port, text
from tarmac.base.launch import HttpProbe
from tarmac.model import conventions

if TYPE_CHECKING:
    from tarmac.model.system import System
    from tarmac.plan.cluster import Workload

#: How a probe may ask a port.
_WAYS = ("httpGet", "tcpSocket", "grpc")
#: What every kit service answers before its own API; services/test_every_service.py asks each.
KIT_PATHS = (conventions.HEALTH_PATH, conventions.LIVE_PATH, conventions.READY_PATH)
_SLEEP = re.compile(r"\bsleep (\d+(?:\.\d+)?)")


class Probe:
    """One probe of a container."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def path(self) -> str | None:
        """The path that it requests."""
        return text(self.data, "httpGet", "path")

    @property
    def ports(self) -> Iterator[int | str]:
        """The ports that it asks: one, where it is valid."""
        for way in _WAYS:
            if (asked := port(self.data, way, "port")) is not None:
                yield asked

    def _number(self, key: str, usual: int) -> int:
        found = self.data.get(key, usual)
        return found if isinstance(found, int) else usual

    @property
    def timeout_s(self) -> float:
        """How long it waits for an answer, in seconds."""
        return self._number("timeoutSeconds", 1)

    @property
    def period_s(self) -> float:
        """How often it asks, in seconds."""
        return self._number("periodSeconds", 10)

    @property
    def delay_s(self) -> float:
        """How long after a container's start it asks first, in seconds."""
        return self._number("initialDelaySeconds", 0)

    @property
    def failures(self) -> int:
        """After how many failures in a row it has failed."""
        return self._number("failureThreshold", 3)

    @property
    def ends_s(self) -> float:
        """How long after a container's start it has failed, where nothing ever answers."""
        return self.delay_s + self.period_s * (self.failures - 1) + self.timeout_s

    @property
    def asked(self) -> Fields:
        """What it asks: a command, or a port and path."""
        return {way: self.data[way] for way in (*_WAYS, "exec") if way in self.data}


def stop_delay_s(hook: Fields) -> float:
    """Read how long a preStop hook pauses, in seconds: by `sleep`, or by a command of that name."""
    if (slept := dig(hook, "sleep", "seconds")) is not None:
        return float(slept)
    found = _SLEEP.search(" ".join(map(str, items(hook, "exec", "command"))))
    return float(found[1]) if found else 0.0


def served_paths(system: System, workload: Workload) -> set[str]:
    """List the paths of health that a workload is known to serve; empty: none is known."""
    known = {p.path for p in (workload.live, workload.ready) if isinstance(p, HttpProbe)}
    return known | set(KIT_PATHS if system.is_kit(workload.name) else ())
