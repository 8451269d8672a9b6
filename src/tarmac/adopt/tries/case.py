"""A failure that a try has seen, what it is about, and what it teaches; the lessons share it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from tarmac.adopt.survey.found import Service, Survey

#: What the notes of a try begin with.
TRIED = "tried: "


@dataclass(frozen=True)
class Failure:
    """What did not become healthy, and why."""

    #: The service that it is or belongs to.
    service: str
    #: Its task; "" for the service itself.
    task: str
    #: The likely cause, as `up` says it.
    cause: str
    last_lines: tuple[str, ...] = ()
    #: Files of its folder that have the name of one that it looks for, at another place.
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lesson:
    """What a failure taught."""

    found: Survey
    #: For the file and the user.
    note: str
    #: Another try may go better.
    is_corrected: bool = False
    #: It cannot run on this machine: the rest is tried without it.
    is_absent: bool = False


@dataclass(frozen=True)
class Case:
    """A failure, and what is known where it happened."""

    found: Survey
    service: Service
    failure: Failure
    #: The store kinds that there are.
    kinds: frozenset[str]

    def corrected(self, service: Service, note: str, found: Survey | None = None) -> Lesson:
        """Return the lesson that a service has to be another one than it was.

        Args:
            found: what is known besides; None for what was known before.
        """
        changed = changed_in(found or self.found, service)
        return Lesson(changed, f"{TRIED}{note}", is_corrected=True)


#: Corrects what a cause says, where its words match a pattern; None where it cannot.
Correction: TypeAlias = "Callable[[Case, re.Match[str]], Lesson | None]"


def changed_in(found: Survey, service: Service) -> Survey:
    """Put a service in the place of the one with its name."""
    services = (service if s.name == service.name else s for s in found.services)
    return replace(found, services=tuple(services))
