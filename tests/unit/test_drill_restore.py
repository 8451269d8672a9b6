"""The drill `restore` on a store that stands for one: what it passes, fails and does not accept."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from drilling import broken

from tarmac.base.errors import TarmacError
from tarmac.base.target import Edge, EdgeRule, Instance, RowComparison
from tarmac.drill import explain
from tarmac.drill.drill import Check, DrillContext, DrillResult, Verdict
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.file.sections import Restore
from tarmac.drill.kinds import restore
from tarmac.drill.running import marks, under_load
from tarmac.drill.running.marks import MarkWriter

WAIT_S = 60.0


class Store:
    """A store whose archive keeps all marks but some of the last, and may lie in other ways."""

    def __init__(
        self,
        *,
        archives: bool = True,
        is_lost: bool = True,
        broken: str = "",
        settled: dict[str, int] | None = None,
    ) -> None:
        self.archives, self.is_lost, self.broken = archives, is_lost, broken
        self.settled = settled or {}
        self.held: list[int] = []
        self.system: System | None = None
        self.backed_up: tuple[float, bool] | None = None
        self.down = False
        self.enough = threading.Event()

    def back_up(self, every_s: float, *, synchronous: bool) -> None:
        self.backed_up = (every_s, synchronous)

    def mark(self, number: int) -> None:
        if self.down:
            raise TarmacError("connection refused")
        self.held.append(number)
        if len(self.held) >= 5:
            self.enough.set()

    def marks(self) -> list[int]:
        return self.held

    def take_down_rows(self) -> int:
        return 7

    def lose_data(self) -> None:
        self.down = self.is_lost

    def data_mb(self) -> float:
        return 0.0 if self.down else 40.0

    def restore_data(self) -> None:
        if self.broken:
            raise TarmacError(self.broken)
        self.held = list(self.held) if self.archives else []
        self.down = False

    def compare_rows(self) -> RowComparison:
        # A row that a user changed by then would look like one that was lost.
        assert self.system.kept_out == [f"web->{name}:main" for name in self.system.stores]
        return RowComparison(2, 7, 0, self.settled)


class System:
    """A target with such stores."""

    kind = "fake"

    def __init__(self, **stores: Store) -> None:
        self.stores = stores
        self.kept_out: list[str] = []
        for store in stores.values():
            store.system = self

    def recovery(self, store: str) -> Store:
        return self.stores[store]

    def find(self, name: str) -> tuple[str, ...]:
        return (name,)

    def edges(self) -> tuple[Edge, ...]:
        return tuple(Edge(f"web->{name}:main", "web", name) for name in (*self.stores, "other"))

    def disturb(self, edges: list[str], rule: EdgeRule | None) -> None:
        self.kept_out = edges if rule is not None else []

    def instances(self) -> tuple[Instance, ...]:
        return tuple(
            Instance(name, "store", "", None if store.down else 4711, 0)
            for name, store in self.stores.items()
        )


class Watch:
    """Waits for marks instead of a time; aborts where it is told to."""

    def __init__(self, system: System, *, aborts: bool) -> None:
        self.system, self.aborts = system, aborts

    def __call__(self) -> bool:
        return self.aborts

    def sleep_until(self, _: float) -> None:
        for store in self.system.stores.values():
            assert store.enough.wait(WAIT_S)


@pytest.fixture
def drilled(monkeypatch):
    """Run the drill on some stores, in a load that recovers after some seconds, or never."""
    monkeypatch.setattr(marks, "EVERY_S", 0.001)

    def drill(system: System, recovered_s: float | None = 1.0, **more: object) -> DrillResult:
        aborts = bool(more.pop("aborts", False))

        def under(context: DrillContext, disturb: object) -> DrillResult:
            done = disturb(context.say, Watch(system, aborts=aborts))
            checks = (Check("hypothesis", "the drill need not be aborted", not done.aborted, ""),)
            return DrillResult(checks, recovered_s=recovered_s)

        monkeypatch.setattr(under_load, "run", under)
        wanted = Restore(stores=tuple(system.stores), **{"rpo": "1m", "rto": "5m", **more})
        return restore.DRILL.run(DrillContext(drill_file(wanted), Path(), system, None))

    return drill


def drill_file(wanted: Restore) -> DrillFile:
    load = {"journey": "order", "rate": 10}
    file = DrillFile(drill=1, title="It is lost", kind="restore", load=load)
    return file.model_copy(update={"restore": wanted})


def test_a_store_that_comes_back_with_all_of_it_passes(drilled):
    store = Store()
    system = System(db=store)
    result = drilled(system, every="2s", synchronous=True)
    assert system.kept_out == []
    assert (result.verdict, broken(result)) == (Verdict.PASS, [])
    assert store.backed_up == (2.0, True)
    said = {check.what: check.measured for check in result.checks}
    assert said["the data of db was lost"] == "40.0 MB before, 0.0 MB after; 0 processes left"
    assert said["RPO of db"].startswith("0 of ")


@pytest.mark.parametrize(
    ("store", "recovered_s", "verdict", "what"),
    [
        # Its archive says that all is well, and keeps nothing.
        (Store(archives=False), 1.0, Verdict.FAIL, "RPO of db"),
        (Store(settled={"orders": 3}), 1.0, Verdict.FAIL, "settled rows of db are back"),
        (Store(broken="no such file: base"), 1.0, Verdict.FAIL, "db serves again"),
        (Store(), None, Verdict.FAIL, "RTO"),
        (Store(), 400.0, Verdict.FAIL, "RTO"),
        # Nothing was lost: whether a backup helps, the drill does not know.
        (Store(is_lost=False), 1.0, Verdict.INVALID, "the data of db was lost"),
    ],
)
def test_what_is_not_as_it_is_to_be_decides(drilled, store, recovered_s, verdict, what):
    result = drilled(System(db=store), recovered_s, rpo="1ms")
    assert (result.verdict, broken(result)) == (verdict, [what])


def test_one_store_of_two_that_its_backup_leaves_out_fails(drilled):
    result = drilled(System(db=Store(), second=Store(archives=False)), rpo="1ms")
    assert (result.verdict, broken(result)) == (Verdict.FAIL, ["RPO of second"])


def test_a_store_that_cannot_be_restored_says_why(drilled):
    result = drilled(System(db=Store(broken="no such file: base")))
    (check,) = (check for check in result.checks if check.what == "db serves again")
    assert check.measured == "its data cannot be put back: no such file: base"
    assert check.limit == "within 5m"


def test_a_drill_that_is_aborted_first_loses_nothing(drilled):
    store = Store()
    result = drilled(System(db=store), aborts=True)
    assert not store.down
    assert "the data of db was lost" in broken(result)
    assert result.verdict is Verdict.INVALID


def test_a_loss_spans_from_the_last_mark_before_it_to_the_last_that_was_confirmed():
    writer = MarkWriter(Store())
    writer._confirmed = {1: 10.0, 2: 10.1, 3: 10.2, 4: 10.3, 9: 20.0}
    assert writer.loss(15.0, {1, 2, 3, 4, 9}) == (0, 4, 0.0)
    lost, confirmed, seconds = writer.loss(15.0, {1, 2})
    assert (lost, confirmed) == (2, 4)
    assert seconds == pytest.approx(0.2)
    # A hole is a loss, too: what came after it is of no use.
    assert writer.loss(15.0, {1, 3, 4})[2] == pytest.approx(0.3)
    assert writer.loss(15.0, set())[2] == pytest.approx(0.3)
    assert (writer.confirmed_before(15.0), writer.confirmed_after(15.0)) == (10.3, 20.0)
    assert writer.confirmed_after(30.0) is None


def test_marks_that_are_refused_are_not_confirmed():
    store = Store()
    writer = MarkWriter(store)
    with writer.writing():
        assert store.enough.wait(WAIT_S)
        store.down = True
        refused = time.monotonic()
    assert len(store.held) == writer.loss(refused + WAIT_S, ()).confirmed


def test_a_restore_is_explained_in_plain_words():
    file = drill_file(Restore(stores=("orders-db", "users-db"), rpo="1s", at="5s"))
    said = list(explain.sentences(file, restore.DRILL))
    assert said[1] == (
        "10 visits `order` begin per second, and after 10s the data of orders-db, users-db is lost "
        "and restored."
    )
    assert file.seconds == 5 + 5 + 300 + 15
