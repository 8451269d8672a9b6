"""The clock of a service is wrong: tokens are not valid yet or any more, leases end too early.

Its instances are replaced by ones that see another time of day, as on a machine whose clock drifts;
what they measure with (the monotonic clock) goes on as it should.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

from pydantic import Field

from tarmac.base.errors import MissingTool
from tarmac.base.target import Instances, Versions
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness, url_of
from tarmac.model.value import SignedDuration

#: Debian's and Red Hat's.
LIBRARIES = (
    "usr/lib/*/faketime/libfaketime.so.1",
    "usr/lib64/faketime/libfaketime.so.1",
)
#: A service that is well answers within this time.
ANSWER_S = 5.0
#: `Date` has whole seconds, and may be that of the second before.
NEAR_S = 2.0


class _Target(Instances, Versions, Protocol):
    """Instances that can be run otherwise."""


class ClockSkew(Step):
    """What a service takes for the time of day."""

    fault: Literal["clock-skew"]
    skew: SignedDuration = Field(
        description="How far its clock is ahead, as `90s`, or behind, as `-10m`."
    )


@contextlib.contextmanager
def inject(target: _Target, step: ClockSkew) -> Iterator[Witness]:
    """Run the service with another time until the end. Raises MissingTool."""
    url = url_of(target, step.on)
    libraries = [str(path) for place in LIBRARIES for path in Path("/").glob(place)]
    if not libraries:
        raise MissingTool("libfaketime: not found; `apt install faketime` (Linux only)")
    env = {
        "LD_PRELOAD": libraries[0],
        "FAKETIME": f"{step.skew:+g}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",
    }
    try:
        target.set_environment(step.on, env)
        yield lambda: _seen(url, step)
    finally:
        target.set_environment(step.on, {})


def _seen(url: str, step: ClockSkew) -> Sighting:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_S)
    try:
        connection.request("GET", "/")
        said = connection.getresponse().headers["Date"]
    except (OSError, http.client.HTTPException) as error:
        return Sighting(False, f"{step.on} did not report its time: {error}")
    finally:
        connection.close()
    found = email.utils.parsedate_to_datetime(said) if said else None
    if found is None:
        return Sighting(False, f"{step.on} answers without a `Date`, so its clock was not seen")
    skew_s = found.timestamp() - time.time()
    way = "ahead" if skew_s > 0 else "behind"
    return Sighting(
        abs(skew_s - step.skew) <= NEAR_S, f"the clock of {step.on} was {abs(skew_s):.0f} s {way}"
    )


FAULT = Fault(
    id="clock-skew",
    title="Let a service see another time of day",
    step=ClockSkew,
    inject=inject,
    proof="The `Date` of one of its answers is compared with this machine's clock.",
    needs=(Instances, Versions),
)
