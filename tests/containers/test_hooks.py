"""`after_start` and `before_stop` of a rendered Compose file, as Docker Compose really runs them.

On a stand-in for a public image (`standins.STAND_IN`).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bells import IMAGE, model
from bells import bells as made_of_bells
from on_one_machine import OneMachine

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]

BELL = """
  bell:
    run: [python3, bell.py]
    volumes: {{notes: notes}}
    env: {{NOTES: "${{volumes.notes.path}}"}}
    after_start: {{run: [sh, -c, "{after}"], within: 5s}}
    before_stop: {{run: [sh, -c, "echo before >>$NOTES/events"], within: 5s}}
    stop: {{grace: 10s}}
"""
AFTER = "echo after >>$NOTES/events"
BOTH = ["after", "starts"]
THERE = ("--target", "compose")


@pytest.fixture
def bells(docker, tmp_path) -> Iterator[OneMachine]:
    """Give a system of one program with both hooks, and its image; nothing of it up."""
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    yield from made_of_bells(docker, tmp_path, BELL.format(after=AFTER))


def events(bells: OneMachine) -> list[str]:
    """Read what happened so far: in a container of its own, which runs no hook."""
    volume = ("--volume", "bells_notes-bell:/notes", "--network=none", "--user=0:0")
    read = ("cat", "/notes/events")
    return bells.docker.say("run", "--rm", *volume, IMAGE, *read).split()


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
    model(bells, BELL.format(after="echo cold >&2; exit 3"))
    said = bells("deploy", code=1)
    assert "cause: after_start of bell ended with exit status 3" in said, said
    assert "the release before runs again" in said
    assert all(bells.states().values())
