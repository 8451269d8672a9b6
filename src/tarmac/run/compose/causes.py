"""Why a service does not run: pure, over its containers and over what Compose has said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tarmac.run.compose.containers import Container

#: Bits of an exit status above which it is the number of a signal (POSIX shells).
_SIGNALLED = 128
_MEGABYTE = 1 << 20
_TAKEN = re.compile(
    r"(?:Bind for \S*?:(\d+) failed: port is already allocated"
    r"|listen tcp\d? \S*?:(\d+): bind: address already in use)"
)
_NO_IMAGE = re.compile(r"No such image: (\S+)|pull access denied for (\S+),")
_HOOK = re.compile(r"(\S+) hook exited with status (\d+)")
_MISSING = re.compile(r"required variable (\w+) is missing a value")


@dataclass(frozen=True)
class Cause:
    """One reason, for a person."""

    text: str
    #: The container whose log says more.
    log_of: str = ""


def said_by_compose(text: str) -> Cause:
    """Read why Compose has given up, in words that say what to do."""
    if taken := _TAKEN.search(text):
        port = taken[1] or taken[2]
        return Cause(f"port {port} of the machine is taken; end what listens there: ss -ltnp")
    if no_image := _NO_IMAGE.search(text):
        name = (no_image[1] or no_image[2]).rstrip(",")
        return Cause(f"image {name} is not there; push it, or let `tarmac deploy` build it")
    if missing := _MISSING.search(text):
        return Cause(f"{missing[1]} has no value; give it in the environment")
    if hook := _HOOK.search(text):
        what = f"after_start of {hook[1]} ended with exit status {hook[2]}"
        return Cause(f"{what}; its program and what it reads have to be in the image")
    return Cause(text)


def causes(containers: Iterable[Container]) -> list[Cause]:
    """Return why containers of a service do not serve, each reason once."""
    found = [cause for one in containers for cause in _of(one)]
    return list({cause.text: cause for cause in reversed(found)}.values())[::-1]


def _of(one: Container) -> Iterator[Cause]:
    if one.serves or one.is_done:
        return
    if one.error:
        yield said_by_compose(f"{one.name} cannot start: {one.error}")
        return
    again = f", started {one.restarts + 1} times" if one.restarts else ""
    # One that is started again is asked how it ended the time before.
    ended = one.state in ("exited", "dead", "restarting") or (one.restarts and one.exit_code)
    if one.killed_for_memory:
        limit = f" ({one.memory // _MEGABYTE} MB)" if one.memory else ""
        yield Cause(f"{one.name} used more memory than its limit{limit} and was killed", one.id)
    elif ended and one.exit_code > _SIGNALLED:
        signal = one.exit_code - _SIGNALLED
        yield Cause(f"{one.name} was ended by signal {signal}{again}", one.id)
    elif ended:
        yield Cause(f"{one.name} ended with exit status {one.exit_code}{again}", one.id)
    elif one.state == "running" and one.restarts and one.health != "unhealthy":
        yield Cause(f"{one.name} ends again and again{again}", one.id)
    elif one.health == "unhealthy":
        said = f": {one.said}" if one.said else ""
        yield Cause(f"{one.name} does not pass its check{said}", one.id)
    elif one.state == "paused":
        yield Cause(f"{one.name} is paused; `docker unpause {one.name}` lets it go on")
