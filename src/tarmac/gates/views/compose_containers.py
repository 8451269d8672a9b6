"""What is wrong with one service of a Compose file by itself: its health, ports and data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.gates.views.compose import ComposeService
from tarmac.gates.views.compose_files import mounted
from tarmac.gates.views.durations import duration_s
from tarmac.gates.views.published import published
from tarmac.gates.views.reading import Fields, Path, dig, fields

Fault = tuple[Path, str]
#: Files of which no data is to last.
_SHORT_LIVED = re.compile(r"(?i)(?<![a-z])(test|tests|ci|e2e)(?![a-z])")
_PORT = re.compile(r"([\d.]+:|\[[\da-f:]+\]:|[\w.-]+:)?(\d+(-\d+)?:)?\d+(-\d+)?(/(tcp|udp))?")


def own_faults(service: ComposeService) -> Iterator[Fault]:
    """Yield where a service is wrong, whatever is beside it."""
    yield from _health(fields(service.data, "healthcheck"))
    yield from _ports(service)
    yield from _kept(service)


def _health(check: Fields) -> Iterator[Fault]:
    if not check or check.get("disable"):
        return
    test: Any = check.get("test")
    if not test or (isinstance(test, list) and test[0] not in ("CMD", "CMD-SHELL", "NONE")):
        yield ("healthcheck",), "has a healthcheck without a test that begins with CMD; write one"
    spans = {key: check[key] for key in ("interval", "timeout", "start_period") if key in check}
    for key, value in spans.items():
        if duration_s(value) is None and "$" not in str(value):
            yield ("healthcheck", key), f"has a {key} of {value}, which is no duration; write 5s"
    retries = check.get("retries")
    if isinstance(retries, int) and retries < 1:
        yield ("healthcheck", "retries"), f"is unhealthy after {retries} failures; write 3"


def _ports(service: ComposeService) -> Iterator[Fault]:
    given = dig(service.data, "ports")
    for number, entry in enumerate(given if isinstance(given, list) else ()):
        if isinstance(entry, str) and "$" not in entry and not _PORT.fullmatch(entry):
            yield ("ports", number), f"has the port {entry!r}, which is none; write HOST:CONTAINER"


def _kept(service: ComposeService) -> Iterator[Fault]:
    image = str(service.image or "").rpartition("/")[2].partition(":")[0]
    path = published("compose")["data"].get(image)
    moved = {"PGDATA"} & service.variables or dig(service.data, "tmpfs")
    moved = moved or _SHORT_LIVED.search(service.artifact.path)
    if path and not moved and not any(_holds(one, path) for one in mounted(service)):
        yield ("image",), f"keeps its data in its container, at {path}; mount a volume there"


def _holds(mount: str, path: str) -> bool:
    """Tell whether a path is on a volume that is mounted at it or above."""
    above = f"{mount.rstrip('/')}/"
    return f"{path}/".startswith(above) or "$" in mount
