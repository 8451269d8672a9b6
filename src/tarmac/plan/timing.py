"""How long a service waits and how often it tries: read once, as numbers, from its variables.

`resolve` and `deploy` ask it; gates read what `deploy` keeps of it. The variables are text, and
`env` of the system, of a service or of an environment may override each: what is not a number there
is a problem at its place, in every environment. The size of a pool is checked with them; sizes.py
reads it, before there is an environment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarmac.base.errors import Problem
from tarmac.base.launch import redact
from tarmac.base.written import shown
from tarmac.model import conventions
from tarmac.plan.settings import EnvVariable, client_names

if TYPE_CHECKING:
    from tarmac.model.system import System


@dataclass(frozen=True)
class NumberForm:
    """What a variable has to be: said in words, with an example."""

    text: str
    example: str
    whole: bool = False
    zero: bool = True

    def accepts(self, number: float) -> bool:
        """Tell whether a number has this form."""
        least = number >= 0 if self.zero else number > 0
        return math.isfinite(number) and least and (number.is_integer() or not self.whole)


SECONDS = NumberForm("a number of seconds above 0", "2.5", zero=False)
PAUSE = NumberForm("a number of seconds, 0 or more", "5")
COUNT = NumberForm("a whole number, 0 or more", "1", whole=True)
SIZE = NumberForm("a whole number, 1 or more", "10", whole=True, zero=False)


@dataclass(frozen=True)
class PlannedCall:
    """A call of one service by another, with the values that its client is given."""

    caller: str
    callee: str
    #: The longest, where the caller knows the callee by several roles.
    timeout_s: float
    #: Where the timeout is written.
    origin: str
    #: Requests that one call may become: the first one and its retries.
    attempts: int


@dataclass(frozen=True)
class Timing:
    """What one service waits for."""

    calls: tuple[PlannedCall, ...] = ()
    #: How long a service of the kit accepts requests after SIGTERM; 0 for others.
    drain_s: float = 0.0
    #: How long it then lets requests in flight finish; 0 for others.
    finish_s: float = 0.0


def timing(
    system: System, service: str, env: Mapping[str, EnvVariable]
) -> tuple[Timing, tuple[Problem, ...]]:
    """Read the numbers of a service from its environment, and list what is not a number there."""
    problems: list[Problem] = []

    def read(name: str, form: NumberForm, default: float = 0.0) -> float:
        if name not in env:
            return default
        number, text = _number(env[name], form)
        if number is None:
            what = (
                f"{name} of {service} is not {form.text} ({shown(text)}); write e.g. {form.example}"
            )
            problems.append(Problem(env[name].origin, what))
        return default if number is None else number

    calls: list[PlannedCall] = []
    for callee in system.file.services[service].calls:
        timeouts, retries = {}, []
        for prefix in client_names(system, service, callee):
            variable = prefix + conventions.TIMEOUT_SUFFIX
            timeouts[variable] = read(variable, SECONDS, conventions.TIMEOUT_DEFAULT_S)
            retries.append(read(prefix + conventions.RETRIES_SUFFIX, COUNT))
        longest = max(timeouts, key=timeouts.__getitem__)
        origin, attempts = env[longest].origin, round(max(retries)) + 1
        calls.append(PlannedCall(service, callee, timeouts[longest], origin, attempts))
    if not system.is_kit(service):
        return Timing(tuple(calls)), tuple(problems)
    drain_s = read(conventions.DRAIN_DELAY_S, PAUSE)
    finish_s = read(conventions.SHUTDOWN_GRACE_S, PAUSE, conventions.SHUTDOWN_GRACE_DEFAULT_S)
    read(conventions.POOL_MAX, SIZE)
    return Timing(tuple(calls), drain_s, finish_s), tuple(problems)


def _number(variable: EnvVariable, form: NumberForm) -> tuple[float | None, str]:
    """Read a variable as a number of that form, None where it is none; and what is written."""
    text = redact(variable.value)
    try:
        number = float(text)
    except ValueError:
        return None, text
    return (number if form.accepts(number) else None), text
