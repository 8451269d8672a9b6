"""The drill `failover` on two regions that stand for ones: what it passes, fails and refuses."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from drilling import broken

from tarmac.base.errors import TarmacError
from tarmac.base.target import Instance, Standby
from tarmac.drill import explain
from tarmac.drill.drill import Check, DrillContext, DrillResult, Region, Verdict
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.file.sections import Failover
from tarmac.drill.kinds import failover
from tarmac.drill.running import handover, health_check, marks, takeover, under_load
from tarmac.drill.running.failover_entry import FailoverEntry
from tarmac.drill.steady_state import BrokenInvariant, SteadyState

WAIT_S = 60.0
FIRST, SECOND = 0, 1


class Server:
    """The database of one region, seen as what is replicated and as what takes marks."""

    def __init__(self, region: int) -> None:
        self.address = ("127.0.0.1", region)
        self.held: list[int] = []
        self.is_down = self.is_standby = False
        self.standby: Server | None = None
        self.other: Server | None = None
        #: What it does wrong.
        self.streams = self.copies = self.fences = True
        self.broken = ""
        self.waits = False
        self.said: list[str] = []
        self.enough = threading.Event()

    def follow(self, address: tuple[str, int]) -> None:
        assert address == self.other.address
        self.held, self.is_standby = list(self.other.held), True
        if not self.other.copies:
            del self.held[-1:]
        self.other.standby = self

    def confirm_together(self) -> None:
        assert self.standby is not None

    def standbys(self) -> list[Standby]:
        if self.is_down:
            raise TarmacError("connection refused")
        return [Standby(self.streams, "streaming")] if self.standby else []

    def takes_writes(self) -> bool:
        if self.is_down:
            raise TarmacError("connection refused")
        return not self.is_standby

    def fence(self) -> None:
        self.is_standby, self.standby = self.fences, None

    def promote(self, statements: list[str]) -> None:
        if self.broken:
            raise TarmacError(self.broken)
        assert self.is_standby
        self.said += statements
        self.is_standby, self.other.standby = False, None

    def mark(self, number: int) -> None:
        if self.is_down:
            raise TarmacError("connection refused")
        if self.is_standby:
            raise TarmacError("cannot execute INSERT in a read-only transaction")
        standby = self.standby
        self.held.append(number)
        if standby is not None and self.copies:
            standby.held.append(number)
        if len(self.held) >= 5:
            self.enough.set()
        if self.waits and standby is None:
            raise TarmacError("no standby confirms it")

    def marks(self) -> list[int]:
        if self.is_down:
            raise TarmacError("connection refused")
        return list(self.held)


class Copy:
    """The system in one region: a service and its database."""

    kind = "fake"

    def __init__(self, region: int) -> None:
        self.region, self.server = region, Server(region)
        self.is_down = {"web": False, "db": False}
        self.survives = False

    def urls(self) -> dict[str, str]:
        return {"web": f"http://127.0.0.1:{self.region}"}

    def recovery(self, store: str) -> Server:
        assert store == "db"
        return self.server

    def replica(self, store: str) -> Server:
        return self.recovery(store)

    def instances(self) -> tuple[Instance, ...]:
        return tuple(
            Instance(
                *(name, "store" if name == "db" else "service", "waiting" if down else "healthy"),
                *(None if down and not self.survives else 4711, 0),
            )
            for name, down in self.is_down.items()
        )

    def hold_down(self, names: list[str]) -> None:
        self.is_down |= dict.fromkeys(names, True)
        self.server.is_down = self.is_down["db"]

    def let_up(self, names: list[str]) -> None:
        self.is_down |= dict.fromkeys(names, False)
        self.server.is_down = self.is_down["db"]


class System:
    """Both regions; `first` and `second` say what is wrong with their databases."""

    def __init__(
        self,
        first: dict[str, object] | None = None,
        second: dict[str, object] | None = None,
        *,
        survives: bool = False,
        is_checked: bool = True,
    ) -> None:
        self.copies = (Copy(FIRST), Copy(SECOND))
        servers = [copy.server for copy in self.copies]
        for server, other, wrong in zip(servers, reversed(servers), (first, second), strict=True):
            server.other = other
            vars(server).update(wrong or {})
        self.copies[FIRST].survives = survives
        self.is_checked, self.is_sick = is_checked, False
        #: What the loss waits for.
        self.awaited = [servers[FIRST].enough]

    def is_well(self, url: str, within_s: float = 1.0) -> bool:
        region = int(url.removesuffix("/health/ready").rpartition(":")[2])
        if self.is_sick and region == FIRST:
            return False
        return not self.is_checked or not self.copies[region].is_down["web"]


class Watch:
    """Waits for marks instead of a time; aborts where it is told to."""

    def __init__(self, system: System, *, aborts: bool) -> None:
        self.system, self.aborts = system, aborts

    def __call__(self) -> bool:
        return self.aborts

    def sleep_until(self, _: float) -> None:
        assert all(event.wait(WAIT_S) for event in self.system.awaited)


@pytest.fixture
def drilled(monkeypatch):
    """Run the drill on two regions, in a load that recovers after some seconds, or never."""
    monkeypatch.setattr(marks, "EVERY_S", 0.001)
    monkeypatch.setattr(handover, "EVERY_S", 0.001)
    monkeypatch.setattr(handover, "POLL_S", 0.001)
    monkeypatch.setattr(takeover, "POLL_S", 0.001)

    def drill(system: System, recovered_s: float | None = 1.0, **more: object) -> DrillResult:
        aborts = bool(more.pop("aborts", False))
        monkeypatch.setattr(health_check, "is_well", system.is_well)
        monkeypatch.setattr(takeover, "is_well", system.is_well)

        def under(context: DrillContext, *disturbs: object, urls: object) -> DrillResult:
            assert urls["web"] not in [copy.urls()["web"] for copy in system.copies]
            whats = [one(context.say, Watch(system, aborts=aborts)).what for one in disturbs]
            broken = context.steady_state.broken(None)
            assert context.steady_state.objectives(None, 0.0) == ()
            checks = (Check("hypothesis", f"visits go as before {whats[-1]}", not broken, ""),)
            return DrillResult(checks, recovered_s=recovered_s)

        monkeypatch.setattr(under_load, "run", under)
        first, second = system.copies
        serves = FIRST if more.get("failback") else SECOND
        state = SteadyState(lambda _: broken_in(FIRST, serves), lambda *_: [], lambda *_: {})
        other = Region(second, lambda _: broken_in(SECOND, serves))
        file = drill_file(**more)
        return failover.DRILL.run(DrillContext(file, Path(), first, state, print, other))

    return drill


def broken_in(region: int, serves: int) -> list[BrokenInvariant]:
    """Answer for the invariants of a region: they hold where visitors are to end up."""
    return [] if region == serves else [BrokenInvariant("old", "it lacks orders")]


def drill_file(**more: object) -> DrillFile:
    wanted = {"rto": "1m", "rpo": "1ms", "interval": "1ms", **more}
    section = Failover(stores=("db",), service="web", **wanted)
    load = {"journey": "order", "rate": 10}
    file = DrillFile(drill=1, title="It is lost", kind="failover", load=load)
    return file.model_copy(update={"failover": section})


def test_a_region_that_takes_over_with_all_data_passes(drilled):
    system = System()
    result = drilled(system, synchronous=True, once_promoted={"db": "UPDATE outbox"})
    assert (result.verdict, broken(result)) == (Verdict.PASS, [])
    first, second = (copy.server for copy in system.copies)
    assert second.said == ["UPDATE outbox"]
    assert first.is_standby
    assert not first.is_down
    said = {check.what: check.measured for check in result.checks}
    assert said["the first region was lost"] == "2 processes before, 0 after"
    assert said["RPO of db, from the first region to the other"].startswith("0 of ")
    assert "more were refused: cannot execute" in said["db of the first region came back"]


@pytest.mark.parametrize(
    ("system", "recovered_s", "verdict", "what"),
    [
        # Nothing is known of a takeover whose region was not lost, or whose standby never streamed.
        (System(survives=True), 1.0, Verdict.INVALID, "the first region was lost"),
        (
            System({"streams": False}),
            1.0,
            Verdict.INVALID,
            "db of the second region follows the first region",
        ),
        # It says that it streams, and nothing arrives.
        (
            System({"copies": False}),
            1.0,
            Verdict.FAIL,
            "RPO of db, from the first region to the other",
        ),
        (System({"fences": False}), 1.0, Verdict.FAIL, "db of the first region is fenced"),
        # It confirms none, as it waits for its standby, and yet takes them.
        (
            System({"fences": False, "waits": True}),
            1.0,
            Verdict.FAIL,
            "db of the first region is fenced",
        ),
        (System(), None, Verdict.FAIL, "RTO"),
        (System(), 400.0, Verdict.FAIL, "RTO"),
    ],
)
def test_what_is_not_as_it_is_to_be_decides(
    drilled, monkeypatch, system, recovered_s, verdict, what
):
    monkeypatch.setattr(handover, "START_S", 0.5 if verdict is Verdict.INVALID else WAIT_S)
    result = drilled(system, recovered_s)
    assert (result.verdict, broken(result)) == (verdict, [what])


def test_a_standby_that_is_not_promoted_is_waited_for_no_longer(drilled):
    result = drilled(System(second={"broken": "it still follows"}))
    assert result.verdict is Verdict.FAIL
    found = {check.what: check.measured for check in result.checks if not check.holds}
    assert found == {
        "db of the second region takes writes": "it still follows",
        "RTO": "the second region never served",
    }


def test_an_entry_that_never_switches_fails(drilled):
    system = System(is_checked=False)
    result = drilled(system, rto="50ms")
    assert result.verdict is Verdict.FAIL
    # Where visitors still end up, nothing is as it was.
    assert broken(result) == [
        "visits go as before without a takeover",
        "the entry switches",
        "db of the second region takes writes",
        "RTO",
    ]
    assert all(system.copies[FIRST].is_down.values())


def test_an_entry_that_switches_before_the_loss_shows_nothing(drilled, monkeypatch):
    system, turned, turn = System(), threading.Event(), FailoverEntry.turn_to

    def turn_to(entry: FailoverEntry, region: int, **how: bool) -> None:
        turn(entry, region, **how)
        turned.set()

    monkeypatch.setattr(FailoverEntry, "turn_to", turn_to)
    system.is_sick = True
    system.awaited.append(turned)
    result = drilled(system)
    assert result.verdict is Verdict.INVALID
    assert broken(result) == ["the entry leads to the first region before"]


def test_an_old_server_that_does_not_answer_again_shows_nothing(drilled, monkeypatch):
    monkeypatch.setattr(handover, "START_S", 0.05)
    system = System()
    monkeypatch.setattr(system.copies[FIRST], "let_up", lambda _names: None)
    result = drilled(system)
    assert (result.verdict, broken(result)) == (
        Verdict.INVALID,
        ["db of the first region came back"],
    )


def test_a_failback_leads_visitors_to_the_first_region_without_a_loss(drilled):
    system = System()
    result = drilled(system, failback=True, synchronous=True)
    assert (result.verdict, broken(result)) == (Verdict.PASS, [])
    first, second = (copy.server for copy in system.copies)
    assert (first.is_standby, second.is_standby) == (False, True)
    assert set(second.held) <= set(first.held)
    assert not any(system.copies[FIRST].is_down.values())
    assert system.copies[SECOND].is_down == {"web": True, "db": False}


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"fences": False}, "db of the second region is fenced"),
        ({"copies": False}, "RPO of db, from the second region to the other"),
    ],
)
def test_a_failback_that_loses_or_fences_nothing_fails(drilled, wrong, what):
    result = drilled(System(second=wrong), failback=True)
    assert (result.verdict, broken(result)) == (Verdict.FAIL, [what])


def test_a_drill_that_is_aborted_first_loses_nothing(drilled):
    system = System()
    result = drilled(system, aborts=True)
    assert not any(system.copies[FIRST].is_down.values())
    assert result.verdict is Verdict.INVALID
    assert "the first region was lost" in broken(result)


def test_what_is_not_replicated_is_reported():
    kinds = {"db": "postgres", "cache": "redis"}
    file = SimpleNamespace(
        stores={name: SimpleNamespace(kind=kind) for name, kind in kinds.items()},
        broker=SimpleNamespace(kind="nats"),
    )
    wanted = drill_file(at="5s", failback=True)
    gaps = failover.DRILL.gaps(wanted, SimpleNamespace(file=file))
    said = list(explain.sentences(wanted, failover.DRILL, gaps))
    assert said[1] == (
        "10 visits `order` begin per second, and after 10s their region is lost, and takes over "
        "again."
    )
    assert (
        "Not shown: not replicated, so empty in the second region: cache (redis), broker (nats)."
        in said
    )
    assert wanted.seconds == 5 + 5 + 2 * 60 + 15 + 15
