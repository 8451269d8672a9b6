"""The drill `restore`: stores lose their data under load and come back from their backups.

Marks that are written all the while say how much is lost for good, and the users' rows are compared
with what they were: a backup that ended without an error has shown nothing yet.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from tarmac.base.errors import TarmacError
from tarmac.base.target import (
    EdgeRule,
    Edges,
    Instances,
    ProcessId,
    RowComparison,
    StoreData,
    StoreRecovery,
)
from tarmac.catalog.faults.fault import Sighting
from tarmac.drill.drill import Check, Drill, DrillContext, DrillResult
from tarmac.drill.explain import time_text
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.file.sections import Restore
from tarmac.drill.running import under_load
from tarmac.drill.running.abort import AbortWatch
from tarmac.drill.running.marks import Loss, MarkWriter
from tarmac.drill.running.method import NOT_BEGUN, MethodResult

POLL_S = 0.05
RULE = (
    "A base backup is made first, and a mark is written ten times a second. Then the stores are "
    "killed, all their data is deleted, and they are restored from backup and archive; "
    "user traffic resumes once the rows were compared. PASS if the "
    "marks that are lost span `restore.rpo` at most, visits go as before within `restore.rto` of "
    "the loss, rows that had not changed for `restore.at` are all back, and the invariants hold."
)
INVALID_RULE = (
    "INVALID: a store still had a process or data after it was lost, or took no mark before."
)


class _Target(Instances, Edges, StoreData, Protocol):
    """Stores that can be lost, while their users are kept out."""


@dataclass
class _Store:
    """One store that is lost, and what came of it."""

    name: str
    recovery: StoreRecovery
    marks: MarkWriter
    sighting: Sighting = NOT_BEGUN
    lost_at: float = 0.0
    #: When it last took a mark before.
    down_at: float = 0.0
    #: Why it cannot be restored.
    error: str = ""
    #: None: it never took a mark again.
    back_at: float | None = None
    loss: Loss | None = None
    rows: RowComparison | None = None


@dataclass
class _Drill:
    """One run: carried out in the midst of the load."""

    context: DrillContext[_Target]
    wanted: Restore
    stores: list[_Store] = field(default_factory=list)
    #: When users were let in again.
    ended_at: float = 0.0

    def back_up(self) -> None:
        """Make the backups, before the load begins."""
        for name in self.wanted.stores:
            recovery = self.context.target.recovery(name)
            self.context.say(f"backs {name} up")
            recovery.back_up(self.wanted.every, synchronous=self.wanted.synchronous)
            self.stores.append(_Store(name, recovery, MarkWriter(recovery)))

    def disturb(self, say: Callable[[str], None], watch: AbortWatch) -> MethodResult:
        """Lose the data and restore it; returns once all stores take what is written."""
        began = time.monotonic()
        with contextlib.ExitStack() as marks:
            for store in self.stores:
                marks.enter_context(store.marks.writing())
                store.recovery.take_down_rows()
            watch.sleep_until(began + self.wanted.at)
            if watch():
                return MethodResult((), began, time.monotonic(), aborted=True)
            first_at = time.monotonic()
            for store in self.stores:
                self._lose(store)
                say(f"the data of {store.name} is lost: {store.sighting.detail}")
            # No user may change a row before it was compared; nor would an operator let any in.
            with self._users_kept_out():
                for store in self.stores:
                    self._restore(store)
                    say(f"{store.name}: {store.error or 'its data is put back, and it starts'}")
                for store in self.stores:
                    self._await(store, first_at + self.wanted.rto)
                    said = "takes marks again" if store.back_at else "does not start in time"
                    say(f"{store.name} {said}")
                    self._compare(store)
            self.ended_at = time.monotonic()
            say("users are let in")
        return MethodResult((), first_at, self.ended_at, aborted=False)

    @contextlib.contextmanager
    def _users_kept_out(self) -> Iterator[None]:
        target = self.context.target
        edges = [edge.id for edge in target.edges() if edge.target in self.wanted.stores]
        target.disturb(edges, EdgeRule(stall="both"))
        try:
            yield
        finally:
            target.disturb(edges, None)

    def _lose(self, store: _Store) -> None:
        before, began = store.recovery.data_mb(), time.monotonic()
        pids = self._pids(store.name)
        store.recovery.lose_data()
        store.lost_at = time.monotonic()
        store.down_at = store.marks.confirmed_before(store.lost_at) or began
        after, left = store.recovery.data_mb(), self._pids(store.name)
        detail = f"{before:.1f} MB before, {after:.1f} MB after; {len(left)} processes left"
        store.sighting = Sighting(before > 0 and bool(pids) and not after and not left, detail)

    def _restore(self, store: _Store) -> None:
        try:
            store.recovery.restore_data()
        except TarmacError as error:  # a backup that cannot be restored is what a drill looks for
            store.error = f"its data cannot be put back: {error}"

    def _pids(self, store: str) -> list[ProcessId]:
        names = self.context.target.find(store)
        found = (one.pid for one in self.context.target.instances() if one.name in names)
        return [pid for pid in found if pid is not None]

    def _compare(self, store: _Store) -> None:
        if store.back_at is not None:
            store.loss = store.marks.loss(store.lost_at, frozenset(store.recovery.marks()))
            store.rows = store.recovery.compare_rows()

    def _await(self, store: _Store, end: float) -> None:
        while not store.error and store.back_at is None and time.monotonic() < end:
            store.back_at = store.marks.confirmed_after(store.lost_at)
            time.sleep(POLL_S)

    def checks(self, recovered_s: float | None) -> Iterator[Check]:
        """Yield what of the stores is back, and when."""
        for store in self.stores:
            yield Check("fault", f"the data of {store.name} was lost", *store.sighting)
            if store.back_at is None or store.loss is None:
                limit = f"within {time_text(self.wanted.rto)}"
                yield Check(
                    "hypothesis", f"{store.name} serves again", False, store.error or "never", limit
                )
                continue
            lost, confirmed, seconds = store.loss
            yield Check(
                "setup", f"{store.name} took marks before", confirmed > 0, f"{confirmed}", "some"
            )
            yield Check(
                "hypothesis",
                f"RPO of {store.name}",
                seconds <= self.wanted.rpo,
                f"{lost} of {confirmed} marks are lost, over {1000 * seconds:.0f} ms",
                time_text(self.wanted.rpo),
            )
            yield from _of_rows(store)
        if self.stores and all(store.back_at for store in self.stores):
            yield self._of_time(recovered_s)

    def _of_time(self, recovered_s: float | None) -> Check:
        first_at = min(store.down_at for store in self.stores)
        serves_s = self.ended_at - first_at
        all_s = None if recovered_s is None else serves_s + recovered_s
        when = "not in time" if all_s is None else f"after {all_s:.1f} s"
        return Check(
            "hypothesis",
            "RTO",
            all_s is not None and all_s <= self.wanted.rto,
            f"served again after {serves_s:.1f} s, visits as before {when}",
            time_text(self.wanted.rto),
        )


def _of_rows(store: _Store) -> Iterator[Check]:
    rows = store.rows
    if rows is None:
        return
    missing = ", ".join(f"{many} of {table}" for table, many in rows.settled.items())
    measured = f"{rows.rows} rows of {rows.tables} tables; of the newest, {rows.changed} are lost"
    if missing:
        measured = f"not back: {missing}; {measured}"
    yield Check(
        "hypothesis", f"settled rows of {store.name} are back", not missing, measured, "all"
    )


def run(context: DrillContext[_Target]) -> DrillResult:
    """Run the drill. Raises TarmacError where a backup cannot be made or the load cannot begin."""
    wanted = context.file.restore
    assert wanted is not None  # noqa: S101 - the file was checked
    drill = _Drill(context, wanted)
    drill.back_up()
    result = under_load.run(context, drill.disturb)
    return replace(result, checks=(*result.checks, *drill.checks(result.recovered_s)))


def _pace(file: DrillFile) -> str:
    wanted = file.restore
    assert wanted is not None  # noqa: S101 - the file was checked
    lost = ", ".join(wanted.stores)
    when = time_text(file.baseline + wanted.at)
    return f"and after {when} the data of {lost} is lost and restored"


DRILL = Drill(
    id="restore",
    title="Stores lose their data and come back from their backups",
    rules=(RULE, INVALID_RULE, under_load.INVALID_RULE, under_load.FAIL_RULE),
    run=run,
    needs=(Instances, Edges, StoreData),
    pace=_pace,
    destroys=True,
)
