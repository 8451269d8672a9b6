"""`tarmac drill` on a small system: what passes, what fails, what shows nothing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from sandbox import PORT, SYSTEM, TARMAC, Sandbox, web

from tarmac.run.local.state.state import StateFile
from tarmac.run.local.supervisor import client

JOURNEYS = """
    from contextlib import asynccontextmanager
    import aiohttp

    def asks(path):
        @asynccontextmanager
        async def journey(urls):
            async with aiohttp.ClientSession() as session:
                async def visit():
                    async with session.get(urls["front"] + path) as answer:
                        assert answer.status == 200
                yield visit
        return journey

    @asynccontextmanager
    async def spoilt(urls):
        # One failure, and all that follow fail as well: a cache that is poisoned, say.
        failures = []
        async with asks("/")(urls) as ask:
            async def visit():
                try:
                    await ask()
                except Exception as error:
                    failures.append(error)
                if failures:
                    raise failures[0]
            yield visit

    @asynccontextmanager
    async def broken(urls):
        raise RuntimeError("nothing to sell")
        yield

    @asynccontextmanager
    async def coloured(urls):
        async with aiohttp.ClientSession() as session:
            async def visit():
                texts = []
                for name in ("COLOUR", "SHADE"):
                    async with session.get(f"{urls['front']}/env/{name}") as answer:
                        texts.append(await answer.text())
                assert texts[0] == "blue", " ".join(texts)
            yield visit

    @asynccontextmanager
    async def lost(urls):
        yield asks(urls["entry"])

    JOURNEYS = {"ask": asks("/"), "refused": asks("/exit")}
    JOURNEYS |= {"coloured": coloured, "spoilt": spoilt, "broken": broken, "lost": lost}
    """
#: Short: two seconds before, one or two with the fault. It ends once visits go as before; the limit
#: is for a machine that has others to serve.
DRILL = """
    drill: 1
    title: Something happens to a service
    load: {{journey: {journey}, rate: 20}}
    hypothesis: {{success: {success}}}
    method: [{step}]
    baseline: 2s
    recovery: {recovery}
    """


@pytest.fixture
def box(sandbox: Sandbox) -> Sandbox:
    sandbox.write(SYSTEM)
    (sandbox.folder / "journeys.py").write_text(textwrap.dedent(JOURNEYS))
    (sandbox.folder / "drills").mkdir()
    return sandbox


def write(
    box: Sandbox,
    step: str,
    *,
    success: float = 99,
    journey: str = "ask",
    recovery: str = "45s",
) -> None:
    text = DRILL.format(step=step, success=success, journey=journey, recovery=recovery)
    (box.folder / "drills/rehearsed.yaml").write_text(textwrap.dedent(text).lstrip())


def drilled(box: Sandbox, *args: str) -> tuple[int, dict[str, Any]]:
    """Run the drill; return its exit code and its journal.

    Again, as its users would, where the machine stood still under the load itself.
    """
    for _ in range(5):
        done = box.tarmac("drill", ".", "rehearsed", "--json", *args)
        assert done.returncode in (0, 1, 4), done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        if "the load kept its rate" not in failed(found):
            break
    return done.returncode, found


def timeline(box: Sandbox) -> list[tuple[str, str]]:
    with contextlib.closing(StateFile(box.home.state)) as file:
        return [(state, detail) for _, _, state, _, detail in file.events("drill")]


def failed(journal: dict[str, Any]) -> list[str]:
    return [check["what"] for check in journal["checks"] if not check["holds"]]


def test_a_fault_that_visitors_do_not_notice_passes(box):
    write(box, "{fault: latency, on: front, delay: 20ms, for: 2s}")
    code, journal = drilled(box)
    assert (code, journal["verdict"], failed(journal)) == (0, "PASS", [])
    before, during, after = journal["periods"]
    assert [one["name"] for one in journal["periods"]] == ["before", "during", "after"]
    # To the front and back again: what was measured by visitors is what was asked for.
    assert during["p50_s"] >= 0.04
    assert during["visits"] == 20 * (during["last_s"] - during["first_s"])
    assert sum(second["good"] for second in journal["seconds"]) == sum(
        period["good"] for period in (before, during, after)
    )
    assert journal["recovered_s"] is not None
    assert len(journal["seconds"]) < 45
    # It ran on a copy, and nothing is left of that.
    assert not client.is_running(box.home)
    assert client.find_homes(box.folder / "tarmac.yaml") == []


def test_a_spike_of_visitors_is_borne_and_over(box):
    write(box, "")
    path = box.folder / "drills/rehearsed.yaml"
    path.write_text(path.read_text().replace("rate: 20", "rate: 5, stages: [{rate: 40, for: 2s}]"))
    code, journal = drilled(box)
    assert (code, journal["verdict"], failed(journal)) == (0, "PASS", [])
    before, during, _ = journal["periods"]
    assert before["visits"] == 10
    assert during["visits"] >= 80
    assert "5 visits per second again" in [event["what"] for event in journal["events"]]


def test_a_fault_that_visitors_notice_fails_and_says_what_they_met(box):
    write(box, "{fault: outage, on: front, for: 2s}")
    code, journal = drilled(box)
    assert (code, journal["verdict"]) == (1, "FAIL")
    assert failed(journal) == ["visits succeed"]
    during = journal["periods"][1]
    assert during["failed"]
    assert journal["events"][0]["what"] == "20 visits per second begin"
    assert "outage on front" in [event["what"] for event in journal["events"]]


def test_what_does_not_recover_in_time_fails(box):
    write(box, "{fault: outage, on: front, for: 1s}", success=1, journey="spoilt", recovery="2s")
    code, journal = drilled(box)
    assert (code, failed(journal)) == (1, ["visits go as before"])
    assert journal["recovered_s"] is None


def test_a_fault_that_was_not_there_shows_nothing(box):
    """No visitor needs the edge: whether the system bears it, nobody knows."""
    write(box, "{fault: latency, on: front -> back, delay: 1s, for: 1s}")
    code, journal = drilled(box)
    assert (code, journal["verdict"]) == (4, "INVALID")
    assert failed(journal) == ["latency on front -> back was there"]


def test_a_system_that_does_not_work_before_shows_nothing(box):
    write(box, "{fault: kill, on: back}", journey="refused", recovery="2s")
    code, journal = drilled(box)
    assert (code, journal["verdict"]) == (4, "INVALID")
    assert "before the fault, visits succeed" in failed(journal)


@pytest.mark.parametrize(
    ("journey", "said"),
    [
        ("broken", "RuntimeError: nothing to sell"),
        ("buy", "JOURNEYS has no 'buy'; it has: ask, "),
        ("lost", "its journey asks for the address of 'entry', and none is known"),
    ],
)
def test_a_journey_that_cannot_begin_is_an_error(box, journey, said):
    write(box, "{fault: kill, on: back}", journey=journey)
    done = box.tarmac("drill", ".", "rehearsed")
    assert done.returncode == 1
    assert f"the journey could not begin: {said}" in done.stderr
    assert ("Traceback" in done.stderr) is (journey == "broken")
    assert not client.find_homes(box.folder / "tarmac.yaml")


def test_a_drill_that_is_aborted_stops_at_once_and_fails(box):
    write(box, "{fault: outage, on: front, for: 1h}", success=1)
    path = box.folder / "drills/rehearsed.yaml"
    path.write_text(path.read_text() + "abort: {failed: 50, over: 1s}\n")
    code, journal = drilled(box)
    assert code == 1
    assert "the drill need not be aborted" in failed(journal)
    assert len(journal["seconds"]) < 60


def test_a_copy_that_runs_can_be_drilled_and_is_as_before_afterwards(box):
    box.write(f"""
        tarmac: 1
        system: small
        services:
          {web("front", PORT)}
        """)
    box.up()
    pid = box.node("front")["pid"]
    write(box, "{fault: pause, on: front, for: 1s}", success=50)
    code, journal = drilled(box, "-n", "default")
    assert (code, journal["verdict"]) == (0, "PASS")
    assert box.get("front") == f"pid {pid}"
    told = timeline(box)
    end = time.monotonic() + 30
    while told[-1][0] != "ended" and time.monotonic() < end:
        time.sleep(0.02)
        told = timeline(box)
    assert told[0] == ("under way", "Something happens to a service")
    assert any(detail.endswith(" s  pause on front") for _, detail in told)
    assert told[-1] == ("ended", "")


def test_a_drill_that_is_killed_leaves_the_system_as_it_was(box):
    box.up()
    write(box, "{fault: pause, on: front, for: 1h}")
    args = [*TARMAC, "drill", ".", "rehearsed", "-n", "default"]
    with subprocess.Popen(args, cwd=box.folder, stdout=subprocess.PIPE, text=True) as drill:
        assert drill.stdout is not None
        while "pause on front" not in drill.stdout.readline():
            assert drill.poll() is None
        drill.kill()
    assert box.get("front").startswith("pid ")


def test_ctrl_c_undoes_everything_and_deletes_the_copy(box):
    write(box, "{fault: pause, on: front, for: 1h}")
    args = [*TARMAC, "drill", ".", "rehearsed"]
    with subprocess.Popen(args, cwd=box.folder, stdout=subprocess.PIPE, text=True) as drill:
        assert drill.stdout is not None
        while "pause on front" not in drill.stdout.readline():
            assert drill.poll() is None
        os.kill(drill.pid, signal.SIGINT)
        assert drill.wait(60) == 130
    end = time.monotonic() + 30
    while list((box.folder / ".tarmac").glob("*/state.sqlite")):
        assert time.monotonic() < end
        time.sleep(0.05)


CANARY = """
    drill: 1
    title: A new version is tried
    kind: canary
    load: {{journey: {journey}, rate: 20}}
    hypothesis: {{success: {success}}}
    canary: {{service: front, weights: [50], every: 2s, requests: 5, failures: 1, p99: 10s, {more}}}
    baseline: 2s
    recovery: 45s
    """


def test_a_version_with_a_defect_is_taken_back(box):
    text = CANARY.format(journey="ask", success=50, more="defect: {errors: 50, status: 500}")
    (box.folder / "drills/rehearsed.yaml").write_text(textwrap.dedent(text).lstrip())
    code, journal = drilled(box)
    assert (code, journal["verdict"], failed(journal)) == (0, "PASS", [])
    said = [event["what"] for event in journal["events"]]
    assert "taken back: it gets no request" in said
    during, after = journal["periods"][1:]
    assert sum(during["failed"].values()) > 0
    assert not after["failed"]


def test_a_version_of_another_file_is_promoted_though_its_visitors_get_a_wrong_answer(box):
    """The analysis sees statuses and times; what an answer says, only the visit knows."""
    box.write(SYSTEM.replace("calls: [back]", "calls: [back], env: {COLOUR: blue, SHADE: dark}"))
    (box.folder / "next").mkdir()
    for name in ("tarmac.yaml", "server.py"):
        text = (box.folder / name).read_text().replace("dark", "light")
        (box.folder / "next" / name).write_text(text)
    version = "version: {file: next/tarmac.yaml, env: {COLOUR: red}}"
    text = CANARY.format(journey="coloured", success=100, more=version).replace("45s", "2s")
    (box.folder / "drills/rehearsed.yaml").write_text(textwrap.dedent(text).lstrip())
    code, journal = drilled(box)
    assert (code, journal["verdict"]) == (1, "FAIL")
    assert failed(journal) == ["visits succeed", "visits go as before"]
    assert "promoted: it gets all requests" in [one["what"] for one in journal["events"]]
    met = {what for period in journal["periods"] for what in period["failed"]}
    # While both get requests, the two of one visit may be answered by one each.
    assert "AssertionError: red light" in met
    assert met <= {f"AssertionError: {word}" for word in ("red light", "red dark")}


def test_a_system_without_any_drill_gets_a_quick_set(box):
    box.write(f"""
        tarmac: 1
        system: small
        services:
          {web("front", PORT)}
        """)
    (box.folder / "journeys.py").unlink()
    done = box.tarmac("drill", ".", "--quick", "--json")
    found = json.loads(done.stdout)
    assert [drill["drill"] for drill in found["drills"]] == ["kill front"]
    assert (done.returncode, found["verdict"]) == (0, "PASS"), found
    assert client.find_homes(box.folder / "tarmac.yaml") == []


def test_drills_are_listed_and_explained_without_being_run(box):
    write(box, "{fault: kill, on: front}")
    done = box.tarmac("drill", ".", "--list")
    assert done.stdout.split(maxsplit=1) == ["rehearsed", "Something happens to a service\n"]
    done = box.tarmac("drill", ".", "rehearsed", "--explain")
    assert "After 2s: kill on front." in done.stdout
    assert not Path(box.folder / ".tarmac").exists()
    done = box.tarmac("drill", ".", "rehearsd")
    assert (done.returncode, done.stderr) == (
        2,
        "rehearsd: no drill of small, and no file; did you mean 'rehearsed'?\n",
    )
