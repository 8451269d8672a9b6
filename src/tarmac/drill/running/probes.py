"""Asks services again and again while a drill lasts, as the probes of chaos tools do.

Used by `under_load`; the experiments of the tools are given the same probes.
"""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tarmac.catalog.faults.repeating import repeating
from tarmac.drill.drill import Check
from tarmac.drill.file.sections import Probe

#: The only status that will do.
OK = 200


@dataclass
class ProbeLog:
    """One probe under way, and what it was answered."""

    probe: Probe
    #: Where its service answers.
    url: str
    well: int = 0
    #: What else came, in its order.
    wrong: list[str] = field(default_factory=list)

    def ask(self) -> None:
        """Ask once."""
        try:
            status = self._status()
        except (OSError, http.client.HTTPException) as error:
            self.wrong.append(str(error) or type(error).__name__)
            return
        if status == OK:
            self.well += 1
        else:
            self.wrong.append(str(status))

    def check(self) -> Check:
        """Return whether each answer was the one that will do."""
        many = self.well + len(self.wrong)
        measured = f"{self.well} of {many}"
        if self.wrong:
            measured += f"; the first unexpected answer: {self.wrong[0]}"
        what = f"{self.probe.service} answers {self.probe.path}"
        limit = f"{OK} every {self.probe.every:g} s"
        return Check("hypothesis", what, 0 < self.well == many, measured, limit)

    def _status(self) -> int:
        parts = urlsplit(self.url)
        wait_s = self.probe.timeout
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=wait_s)
        with contextlib.closing(connection):
            connection.request("GET", self.probe.path)
            return connection.getresponse().status


@contextlib.contextmanager
def probing(probes: Sequence[Probe], urls: Mapping[str, str]) -> Iterator[Sequence[ProbeLog]]:
    """Ask each of them at once, and again after each of its periods, as long as the block lasts.

    Args:
        urls: where services answer, by name.
    """
    probed = [ProbeLog(probe, urls[probe.service]) for probe in probes]
    with contextlib.ExitStack() as stack:
        for one in probed:
            one.ask()
            stack.enter_context(repeating(one.ask, one.probe.every))
        yield probed
