"""The drill `failover`: a region is lost under load, and a second one takes over with its data.

An old database that comes back and takes writes is a split brain: so each is started again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from tarmac.base.target import Instances, StoreData
from tarmac.drill.drill import Check, Drill, DrillContext, DrillResult
from tarmac.drill.explain import time_text
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.running import under_load
from tarmac.drill.running.failover_entry import FailoverEntry
from tarmac.drill.running.handover import FIRST, SECOND, Handover, regional_store
from tarmac.drill.running.health_check import HealthCheck
from tarmac.drill.running.takeover import Takeover
from tarmac.drill.steady_state import BrokenInvariant, SteadyState
from tarmac.model.system import System
from tarmac.plan.ports import BROKER

RULE = (
    "A second copy of the system stands for another region: its stores follow those of the first, "
    "and its services are down (pilot light). Visitors come through an entry that checks "
    "`failover.service` of the first region. All of that region is killed at once and stays down. "
    "When the entry gives it up, the old stores are fenced, the standbys are promoted, and the "
    "services start; at last the old stores are started again. PASS if the entry switches within "
    "`failover.switch` of the first failed check, the marks that are lost span `failover.rpo` at "
    "most, visits go as before within `failover.rto` of the loss, the old stores take no mark, and "
    "the invariants hold in the region that serves. With `failback` the first region is rebuilt "
    "and takes over again, and no mark is lost. Objectives are not judged: what counts them is "
    "lost."
)
INVALID_RULE = (
    "INVALID: changes did not stream to a standby right before, a store took no mark "
    "before, the entry had already failed over from the first region, that region still "
    "had a process, or an old store did not answer when it was started again."
)


class _Target(Instances, StoreData, Protocol):
    """Instances, and data of stores that others follow."""


def run(context: DrillContext[_Target]) -> DrillResult:
    """Run the drill. Raises TarmacError where a store cannot follow or the load cannot begin."""
    wanted, second = context.file.failover, context.second
    assert wanted is not None and second is not None  # noqa: S101,PT018 - the file was checked
    targets = (context.target, second.target)
    stores = [regional_store(name, targets) for name in wanted.stores]
    with contextlib.ExitStack() as stack:
        entry = FailoverEntry([target.urls() for target in targets])
        takeover = Takeover(
            context,
            wanted,
            targets,
            entry,
            tuple(Handover(store, SECOND) for store in stores),
            tuple(Handover(store, FIRST) for store in stores),
        )
        takeover.replicate()
        stack.enter_context(entry)
        check = HealthCheck(
            takeover.url(FIRST),
            interval_s=wanted.interval,
            failures=wanted.failures,
            give_up=lambda: entry.turn_to(SECOND, breaks=True),
        )
        stack.enter_context(check.checking())
        for store in stores:
            for writer in store.marks:
                stack.enter_context(writer.writing())
        broken = (context.steady_state.broken, second.broken)

        def broken_there(names: Iterable[str] | None) -> Sequence[BrokenInvariant]:
            return broken[entry.region](names)

        state = SteadyState(
            broken=broken_there,
            objectives=lambda _names, _since: (),
            requests=lambda _service, _since: {},
        )
        result = under_load.run(
            replace(context, steady_state=state), takeover.lose, takeover.come_back, urls=entry.urls
        )
    return replace(result, checks=(*result.checks, *_checks(takeover, check, result.recovered_s)))


def _checks(done: Takeover, check: HealthCheck, recovered_s: float | None) -> Iterator[Check]:
    """Yield what became of the region, of its visitors and of its data."""
    wanted = done.wanted
    yield Check("fault", "the first region was lost", *done.lost)
    if done.region_before != FIRST:
        what = "the entry leads to the first region before"
        yield Check("setup", what, False, "it had failed over before")
    switched_s = after_s = None
    if check.first_failed_at is not None and check.given_up_at is not None:
        switched_s = check.given_up_at - check.first_failed_at
        after_s = check.given_up_at - done.lost_at
    yield Check(
        "hypothesis",
        "the entry switches",
        switched_s is not None and switched_s <= wanted.switch,
        "never"
        if switched_s is None
        else f"{switched_s:.1f} s after the first failed check, {after_s:.1f} s after the loss",
        time_text(wanted.switch),
    )
    for one in done.over:
        yield from one.checks(wanted.rpo)
    yield _of_time(done, recovered_s)
    if wanted.failback:
        yield Check("hypothesis", "the first region serves again", *done.served_again)
        for one in done.back:
            yield from one.checks(0.0)


def _of_time(done: Takeover, recovered_s: float | None) -> Check:
    measured, all_s = "the second region never served", None
    if done.served_at is not None:
        serves_s = done.served_at - done.down_at
        all_s = None if recovered_s is None else serves_s + recovered_s
        when = "not in time" if all_s is None else f"after {all_s:.1f} s"
        measured = f"the second region served after {serves_s:.1f} s, visits as before {when}"
    holds = all_s is not None and all_s <= done.wanted.rto
    return Check("hypothesis", "RTO", holds, measured, time_text(done.wanted.rto))


def _pace(file: DrillFile) -> str:
    wanted = file.failover
    assert wanted is not None  # noqa: S101 - the file was checked
    when = time_text(file.baseline + wanted.at)
    back = ", and takes over again" if wanted.failback else ""
    return f"and after {when} their region is lost{back}"


def _gaps(file: DrillFile, system: System) -> Sequence[str]:
    wanted = file.failover
    assert wanted is not None  # noqa: S101 - the file was checked
    kinds = {name: store.kind for name, store in system.file.stores.items()}
    if system.file.broker is not None:
        kinds[BROKER] = system.file.broker.kind
    alone = [f"{name} ({kind})" for name, kind in kinds.items() if name not in wanted.stores]
    return (
        *([f"not replicated, so empty in the second region: {', '.join(alone)}"] if alone else ()),
        "two copies on one machine stand for regions: no distance, and one disk",
        "fencing uses the network of the old region; an isolated one needs an outside fence",
        "the lost region fails completely: no partial or slow failures",
    )


DRILL = Drill(
    id="failover",
    title="A region is lost, and another takes over with its data",
    rules=(RULE, INVALID_RULE, under_load.INVALID_RULE, under_load.FAIL_RULE),
    run=run,
    needs=(Instances, StoreData),
    pace=_pace,
    judges_objectives=False,
    destroys=True,
    has_regions=True,
    gaps=_gaps,
)
