"""A service behind the entry is replaced: where the entry leads at each step, and at a failure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
from composed_containers import container

from tarmac.run.compose import containers as c
from tarmac.run.compose import entry, succession
from tarmac.run.compose.containers import Container
from tarmac.run.compose.docker import Docker, Refusal
from tarmac.run.compose.project import Project
from tarmac.run.compose.release import BASE, PRODUCTION, Release

OLD, NEW = "a" * 64, "b" * 64
ROUTES = '{"servers": [{"url": "http://web:3000"}]}'
FILES = {
    BASE: json.dumps({"services": {"web": {"image": "shop/web:1"}}}),
    PRODUCTION: json.dumps({"services": {"entry-routes": {"environment": {"ROUTES": ROUTES}}}}),
}


@dataclass
class FakeDocker:
    """A daemon of which the last call is known, and which starts what it is asked for."""

    there: list[Container]
    refuses: str = ""
    health: str = "healthy"
    did: list[str] = field(default_factory=list)

    def run(self, *argv: str, within_s: float = 0) -> str:
        if "run" in argv:
            edit = next(one for one in argv if one.startswith("PINNED="))
            found = re.search(r"http://([0-9a-f]{12}):3000", edit)
            self.did.append(f"leads to {found[1][0] if found else 'web'}")
            return ""
        did = "scale" if "up" in argv else argv[0]
        if did == self.refuses:
            raise Refusal(f"no {did}")
        self.did.append(did)
        if did == "scale":
            self.there.append(of(NEW, self.health))
        if did == "rm":
            self.there = [one for one in self.there if one.id not in argv]
        return ""


def of(digits: str, health: str = "healthy", service: str = "web") -> Container:
    """Give a container in the network that the entry has with the service."""
    made = container(service)
    return replace(made, id=digits, health=health, networks={"shop_entry_web": "172.18.0.2"})


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """Give a daemon with a service and an entry, where nothing takes time."""
    made = FakeDocker([of(OLD), of("e" * 64, service="entry")])
    monkeypatch.setattr(c, "listed", lambda *_: tuple(made.there))
    monkeypatch.setattr(succession, "NAMES_S", 0.0)
    monkeypatch.setattr(entry, "SETTLED_S", 0.0)
    return made


def project(docker: FakeDocker) -> Project:
    release = Release("shop", "prod", "shop", FILES)
    return Project(cast("Docker", docker), release, Path("/nowhere"))


def hand_over(docker: FakeDocker, within_s: float = 5.0) -> Any:
    return succession.hand_over(project(docker), "web", within_s)


def test_the_entry_leaves_the_one_before_before_it_is_asked_to_end(docker):
    assert hand_over(docker).ready
    led = ["leads to a", "scale", "leads to b", "stop", "rm", "leads to web", "rename"]
    assert docker.did == led


def test_it_leads_to_the_name_again_where_no_successor_comes_up(docker):
    docker.health = "unhealthy"
    made = hand_over(docker, within_s=0.0)
    assert not made.ready
    assert docker.did == ["leads to a", "scale"]
    succession.withdraw(project(docker), "web", made.before)
    assert docker.did[2:] == ["rm", "leads to web"]


@pytest.mark.parametrize(
    ("refuses", "did"),
    [
        ("scale", ["leads to a", "leads to web"]),
        ("stop", ["leads to a", "scale", "leads to b", "leads to web"]),
    ],
)
def test_it_leads_to_the_name_again_where_docker_refuses(docker, refuses, did):
    docker.refuses = refuses
    with pytest.raises(Refusal, match=refuses):
        hand_over(docker)
    assert docker.did == did


def test_an_entry_that_is_not_there_or_reaches_another_network_is_left_alone(docker):
    docker.there = [of(OLD)]
    assert hand_over(docker).ready
    assert docker.did == ["scale", "stop", "rm", "rename"]
    before = replace(of(OLD), networks={"shop_world": "172.18.0.2"})  # put there without an entry
    docker.there, docker.did = [before, of("e" * 64, service="entry")], []
    assert hand_over(docker).ready
    assert docker.did == ["scale", "stop", "rm", "rename"]
