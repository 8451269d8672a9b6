"""How one region takes over from another, and how the old one comes back; used by `failover`.

Services of the region that does not serve are down (pilot light): they write as soon as they start,
and would end on a database that takes no writes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from tarmac.base.errors import TarmacError
from tarmac.base.target import Instances
from tarmac.catalog.faults.fault import Sighting
from tarmac.drill.drill import DrillContext
from tarmac.drill.file.sections import Failover
from tarmac.drill.running.abort import AbortWatch
from tarmac.drill.running.failover_entry import FailoverEntry
from tarmac.drill.running.handover import FIRST, NAMES, SECOND, Handover
from tarmac.drill.running.health_check import is_well
from tarmac.drill.running.method import NOT_BEGUN, MethodResult

POLL_S = 0.1
#: What visitors ask, and all that can be lost.
SERVICES = frozenset({"service", "entry"})
ROLES = SERVICES | {"store", "broker"}


@dataclass
class Takeover:
    """One run: carried out in the midst of the load."""

    context: DrillContext[Instances]
    wanted: Failover
    targets: tuple[Instances, Instances]
    entry: FailoverEntry
    #: One for each store, to the second region, and back.
    over: tuple[Handover, ...]
    back: tuple[Handover, ...]
    #: The processes of the first region, and what serves visitors in each.
    names: list[str] = field(default_factory=list)
    services: tuple[list[str], ...] = ()
    #: Where visitors were led right before.
    region_before: int = FIRST
    lost: Sighting = NOT_BEGUN
    lost_at: float = 0.0
    #: When the last mark was confirmed before.
    down_at: float = 0.0
    #: When the second region served; None: not in time.
    served_at: float | None = None
    #: Whether the first region served again.
    served_again: Sighting = NOT_BEGUN

    def replicate(self) -> None:
        """Start replication to the second region's stores, and stop its services."""
        self.services = tuple(_running(target, SERVICES) for target in self.targets)
        self.targets[SECOND].hold_down(self.services[SECOND])
        for one in self.over:
            self.context.say(f"has {one.store.name} of the second region follow the first")
            one.replicate(synchronous=self.wanted.synchronous)

    def url(self, region: int) -> str:
        """Return what the health check of a region asks."""
        return f"{self.targets[region].urls()[self.wanted.service]}{self.wanted.path}"

    def lose(self, say: Callable[[str], None], watch: AbortWatch) -> MethodResult:
        """Lose the first region and take over in the second; returns once that serves."""
        began, target = time.monotonic(), self.targets[FIRST]
        watch.sleep_until(began + self.wanted.at)
        if watch():
            return MethodResult((), began, time.monotonic(), aborted=True)
        for one in self.over:
            one.see_streams()
        self.region_before = self.entry.region
        first_at, self.names = time.monotonic(), _running(target)
        target.hold_down(self.names)
        self.lost_at = time.monotonic()
        left = _running(target)
        detail = f"{len(self.names)} processes before, {len(left)} after"
        self.lost = Sighting(bool(self.names) and not left, detail)
        say(f"the first region is lost: {detail}")
        confirmed = [one.store.marks[FIRST].confirmed_before(self.lost_at) for one in self.over]
        self.down_at = min((at for at in confirmed if at is not None), default=first_at)
        self._take_over(say, self.down_at + self.wanted.rto)
        return MethodResult((), first_at, self.served_at or time.monotonic(), aborted=False)

    def _take_over(self, say: Callable[[str], None], end: float) -> None:
        while self.entry.region == FIRST:
            if time.monotonic() > end:
                say("the entry did not switch in time")
                return
            time.sleep(POLL_S)
        say("the entry gives the first region up")
        if self._hand_over(self.over, say) and self._serve(SECOND, self.services[SECOND], end):
            self.served_at = time.monotonic()
        say("the second region serves" if self.served_at else "the second region does not serve")
        for one in self.over:
            one.see_loss(self.lost_at, end)

    def _hand_over(self, stores: Collection[Handover], say: Callable[[str], None]) -> bool:
        for one in stores:
            one.take_over(self.wanted.once_promoted.get(one.store.name, ""))
            say(f"{one.store.name}: {one.error or f'{NAMES[one.to]} takes its writes'}")
        return not any(one.error for one in stores)

    def _serve(self, region: int, names: Collection[str], end: float) -> bool:
        """Start these in a region, and wait until its services and its health check are well."""
        target, url = self.targets[region], self.url(region)
        target.let_up(names)
        while time.monotonic() < end:
            serving = {one.name for one in target.instances() if one.serves}
            if serving.issuperset(self.services[region]) and is_well(url):
                return True
            time.sleep(POLL_S)
        return False

    def come_back(self, say: Callable[[str], None], watch: AbortWatch) -> MethodResult:
        """Start the old stores again, and fail back to them where that is asked for."""
        began, what = time.monotonic(), "after the old stores came back"
        if self.entry.region == FIRST:  # nothing took over from them
            return MethodResult((), began, began, aborted=watch(), what="without a takeover")
        self.targets[FIRST].let_up([one.store.name for one in self.over])
        for one in self.over:
            one.see_return()
            say(f"the old {one.store.name}: {one.returned.detail}")
        if self.wanted.failback and self.served_at is not None and not watch():
            what = "after the failback"
            try:
                self._fail_back(say)
            except TarmacError as error:  # visitors go on where they are
                self.served_again = Sighting(False, str(error))
        return MethodResult((), began, time.monotonic(), aborted=watch(), what=what)

    def _fail_back(self, say: Callable[[str], None]) -> None:
        end = time.monotonic() + self.wanted.rto
        for one in self.back:
            one.replicate(synchronous=self.wanted.synchronous)
            say(f"{one.store.name} of the first region is rebuilt: {one.streams.detail}")
        down = set(self.names) - {one.store.name for one in self.back}
        self.entry.hold()
        say("visitors wait")
        self.targets[SECOND].hold_down(self.services[SECOND])
        served = self._hand_over(self.back, say) and self._serve(FIRST, down, end)
        self.entry.turn_to(FIRST)
        said = "the first region serves again" if served else "the first region does not serve"
        self.served_again = Sighting(served, said)
        say(said)
        for one in self.back:
            one.see_loss(one.ended_at, end)
            one.see_return()


def _running(target: Instances, roles: Collection[str] = ROLES) -> list[str]:
    found = target.instances()
    return [one.name for one in found if one.pid is not None and one.role in roles]
