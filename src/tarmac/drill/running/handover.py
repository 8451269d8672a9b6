"""One store that goes over from its server in one region to its standby in the other.

Used by the drill `failover`, in both directions. Marks that are written into both servers all the
while say what is lost on the way, and whether ever both took one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.base.errors import TarmacError
from tarmac.base.target import StoreData, StoreRecovery, StoreReplica
from tarmac.catalog.faults.fault import Sighting
from tarmac.drill.drill import Check
from tarmac.drill.explain import time_text
from tarmac.drill.running.marks import EVERY_S, Loss, MarkWriter
from tarmac.drill.running.method import NOT_BEGUN

FIRST, SECOND = 0, 1
NAMES = ("the first region", "the second region")
#: A standby streams, and a server that was started again answers, within this time.
START_S, POLL_S = 60.0, 0.1
#: So many marks must be refused until it is believed that none is taken.
REFUSED = 5
#: Marks of the second region have numbers that none of the first has.
MARKS_FROM = (0, 1_000_000)


@dataclass(frozen=True)
class RegionalStore:
    """One store in both regions."""

    name: str
    replicas: tuple[StoreReplica, StoreReplica]
    recoveries: tuple[StoreRecovery, StoreRecovery]
    marks: tuple[MarkWriter, MarkWriter]


def regional_store(name: str, regions: tuple[StoreData, StoreData]) -> RegionalStore:
    """Find a store in both regions. Raises TarmacError."""
    first, second = (target.recovery(name) for target in regions)
    return RegionalStore(
        name,
        (regions[FIRST].replica(name), regions[SECOND].replica(name)),
        (first, second),
        (MarkWriter(first, MARKS_FROM[FIRST]), MarkWriter(second, MARKS_FROM[SECOND])),
    )


@dataclass
class Handover:
    """One store on its way to a region."""

    store: RegionalStore
    to: int
    #: Whether changes reached the standby, when that was looked at last.
    streams: Sighting = NOT_BEGUN
    #: Since then the old server may take no mark.
    ended_at: float = 0.0
    #: Why the standby does not take its place.
    error: str = ""
    loss: Loss | None = None
    #: Whether the old server answers again, is open to writes, and how many marks it took then.
    returned: Sighting = NOT_BEGUN
    is_open: bool = False
    taken: int = 0

    @property
    def old(self) -> int:
        """The region that it comes from."""
        return 1 - self.to

    def replicate(self, *, synchronous: bool) -> None:
        """Start replication to the standby. Raises TarmacError if it fails."""
        self.store.replicas[self.to].follow(self.store.replicas[self.old].address)
        end = time.monotonic() + START_S
        self.see_streams()
        while not self.streams.present and time.monotonic() < end:
            time.sleep(POLL_S)
            self.see_streams()
        if synchronous and self.streams.present:
            self.store.replicas[self.old].confirm_together()
            self.see_streams()

    def see_streams(self) -> None:
        """See whether changes reach the standby now."""
        try:
            found = self.store.replicas[self.old].standbys()
        except TarmacError as error:
            self.streams = Sighting(False, str(error))
            return
        detail = "; ".join(one.detail for one in found) or "no standby"
        self.streams = Sighting(any(one.streams for one in found), detail)

    def take_over(self, statement: str) -> None:
        """Fence the old server, then have the standby take writes."""
        self.ended_at = time.monotonic()
        try:
            # In this order: a server that comes back in between must not take writes either.
            self.store.replicas[self.old].fence()
            self.ended_at = time.monotonic()
            self.store.replicas[self.to].promote([statement] if statement else [])
        except TarmacError as error:  # what a drill looks for
            self.error = str(error)

    def see_loss(self, lost_at: float, end: float) -> None:
        """See which marks that were confirmed before some time are there, once any is taken."""
        taken = None
        while not self.error and taken is None and time.monotonic() < end:
            taken = self.store.marks[self.to].confirmed_after(self.ended_at)
            time.sleep(EVERY_S)
        if taken is not None:
            with contextlib.suppress(TarmacError):  # it is gone again: nothing of it is known
                there = frozenset(self.store.recoveries[self.to].marks())
                self.loss = self.store.marks[self.old].loss(lost_at, there)

    def see_return(self) -> None:
        """See whether the old server answers again, and takes no mark."""
        end, why = time.monotonic() + START_S, "it does not answer"
        writer, answers_at = self.store.marks[self.old], None
        refused: list[str] = []
        while time.monotonic() < end and not self.is_open and len(refused) < REFUSED:
            try:
                # One that waits for a standby that is gone confirms nothing, and yet is open.
                self.is_open = self.store.replicas[self.old].takes_writes()
                there = frozenset(self.store.recoveries[self.old].marks())
            except TarmacError as error:
                why = str(error)
            else:
                answers_at = answers_at or time.monotonic()
                self.taken = len(there & writer.tried_after(self.ended_at))
                refused = writer.refused_after(answers_at)
                why = f"its {len(there)} marks can be read"
                why += f", {len(refused)} more were refused: {refused[-1]}" if refused else ""
            time.sleep(POLL_S)
        self.returned = Sighting(answers_at is not None, why)

    def checks(self, rpo_s: float) -> Iterator[Check]:
        """Yield whether the store was there, what was lost, and whether one server takes marks."""
        name, old, to = self.store.name, NAMES[self.old], NAMES[self.to]
        yield Check("setup", f"{name} of {to} follows {old}", *self.streams)
        if self.loss is None:
            yield Check("hypothesis", f"{name} of {to} takes writes", False, self.error or "never")
            return
        lost, confirmed, seconds = self.loss
        yield Check("setup", f"{name} of {old} took marks", confirmed > 0, f"{confirmed}", "some")
        yield Check(
            "hypothesis",
            f"RPO of {name}, from {old} to the other",
            seconds <= rpo_s,
            f"{lost} of {confirmed} marks are lost, over {1000 * seconds:.0f} ms",
            time_text(rpo_s),
        )
        yield Check("fault", f"{name} of {old} came back", *self.returned)
        yield Check(
            "hypothesis",
            f"{name} of {old} is fenced",
            not self.is_open and not self.taken,
            f"it is {'open' if self.is_open else 'closed'} to writes, and took {self.taken} marks",
            "closed, none",
        )
