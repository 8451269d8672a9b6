"""`after_start` and `before_stop` of a rendered Compose file, as Docker Compose really runs them.

On a stand-in for a public image (`standins.STAND_IN`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import on_one_machine
import pytest
import standins
from on_one_machine import OneMachine

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]

#: Writes down that it begins and that it was asked to end.
SERVER = """
import pathlib, os, signal, sys
notes = pathlib.Path(os.environ["NOTES"]) / "events"
def note(what):
    with notes.open("a") as file:
        print(what, file=file)
def end(*_):
    note("TERM")
    sys.exit()
signal.signal(signal.SIGTERM, end)
note("starts")
while True:
    signal.pause()
"""
MODEL = """
tarmac: 1
system: bells
services:
  bell:
    run: [python3, bell.py]
    volumes: {{notes: notes}}
    env: {{NOTES: "${{volumes.notes.path}}"}}
    after_start: {{run: [sh, -c, "{after}"], within: 5s}}
    before_stop: {{run: [sh, -c, "echo before >>$NOTES/events"], within: 5s}}
    stop: {{grace: 10s}}
environments:
  compose: {{}}
"""
AFTER = "echo after >>$NOTES/events"
BOTH = ["after", "starts"]
THERE = ("--target", "compose")


@pytest.fixture
def bells(docker, tmp_path) -> Iterator[OneMachine]:
    """Give a system of one program with both hooks, and its image; nothing of it up."""
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    (tmp_path / "image").mkdir()
    (tmp_path / "image/bell.py").write_text(SERVER)
    lines = (f"FROM {standins.BUILDER}", "COPY bell.py /", 'CMD ["python3", "/bell.py"]')
    (tmp_path / "image/Dockerfile").write_text("\n".join(lines) + "\n")
    docker.run("build", "--tag", "bells/bell:0.1.0", str(tmp_path / "image"))
    made = on_one_machine.programs(docker, tmp_path, "bells")
    made.folder.mkdir()
    (made.folder / "tarmac.yaml").write_text(MODEL.format(after=AFTER))
    yield replace(made, system="tarmac.yaml")
    replace(made, system="tarmac.yaml")("down", *THERE, "--delete-data", "--yes")


def events(bells: OneMachine) -> list[str]:
    """Read what happened so far: in a container of its own, which runs no hook."""
    volume = ("--volume", "bells_notes-bell:/notes", "--network=none", "--user=0:0")
    read = ("cat", "/notes/events")
    return bells.docker.say("run", "--rm", *volume, "bells/bell:0.1.0", *read).split()


def test_both_hooks_run_at_each_start_and_end_that_compose_makes(bells):
    bells("deploy")
    first = events(bells)
    assert sorted(first) == BOTH  # beside each other: neither waits for the other
    bells("restart", "bell", *THERE)
    again = events(bells)[2:]
    assert (again[:2], sorted(again[2:])) == (["before", "TERM"], BOTH)
    bells("down", *THERE)
    assert events(bells)[6:] == ["before", "TERM"]


def test_what_docker_itself_ends_and_starts_has_no_hooks(bells):
    bells("deploy")
    bells.docker.run("restart", "bells-bell-1")
    assert events(bells)[2:] == ["TERM", "starts"]


def test_a_hook_that_fails_fails_the_deployment_and_the_release_before_runs_again(bells):
    bells("deploy")
    failing = MODEL.format(after="echo cold >&2; exit 3")
    (bells.folder / "tarmac.yaml").write_text(failing)
    said = bells("deploy", code=1)
    assert "cause: after_start of bell ended with exit status 3" in said, said
    assert "the release before runs again" in said
    assert all(bells.states().values())
