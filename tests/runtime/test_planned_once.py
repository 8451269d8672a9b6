"""Each command loads a system's file once, and binds its services once for each environment."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from tarmac.cli.main import tarmac
from tarmac.drill import session
from tarmac.model import loader
from tarmac.plan.bindings import Bindings
from tarmac.run.local.host.sockets import Reservations
from tarmac.run.local.state.options import NewVersion, Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor.resolver import Resolver
from tarmac.run.opening import Place

MODEL = """\
tarmac: 1
system: small
services: {web: {run: [sleep, "9"], port: 8080, stores: {cache: cache}}}
stores: {cache: redis}
environments:
  staging: {registry: registry.example.com, target: cluster}
  production: {registry: registry.example.com, target: cluster}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a system's file."""
    path = tmp_path / "tarmac.yaml"
    path.write_text(MODEL)
    return path


@pytest.fixture
def done(monkeypatch) -> Counter[str]:
    """Count what is loaded, by file, and what is bound."""
    counted = Counter[str]()
    begin, read = Bindings.__init__, loader._main

    def load(name, content):
        counted[Path(name).name] += 1
        return read(name, content)

    def bind(self, *given):
        counted["bindings"] += 1
        begin(self, *given)

    monkeypatch.setattr(loader, "_main", load)
    monkeypatch.setattr(Bindings, "__init__", bind)
    return counted


def test_up_loads_and_binds_a_system_once(file, done):
    home = Home.of(file, "default")
    home.create()
    resolver = Resolver(Options(str(file)), home, Reservations())
    resolved = resolver.resolve({})
    resolver.release_ports()
    assert resolved.bindings.views.keys() == {"cache"}
    assert done == {"tarmac.yaml": 1, "bindings": 1}


def test_a_new_version_adds_a_load_and_a_binding_for_its_own_file_alone(file, done):
    other = file.with_name("branch.yaml")
    other.write_text(MODEL)
    home = Home.of(file, "default")
    home.create()
    options = Options(
        str(file),
        versions={"web": NewVersion(str(other), {"COLOUR": "blue"})},
        environment={"web": {"LEVEL": "debug"}},
    )
    resolver = Resolver(options, home, Reservations())
    names = [node.name for node in resolver.resolve({}).plan.nodes if node.role == "service"]
    resolver.release_ports()
    assert names == ["web", "web.new"]
    assert done == {"tarmac.yaml": 1, "branch.yaml": 1, "bindings": 2}


def test_render_loads_and_binds_a_system_once(file, done):
    args = ["render", str(file), "--env", "staging", "--out", str(file.parent / "out")]
    shown = CliRunner().invoke(tarmac, args)
    assert shown.exit_code == 0, shown.output
    assert done == {"tarmac.yaml": 1, "bindings": 1}


def test_verify_loads_a_system_once_and_binds_it_for_each_environment_and_this_machine(file, done):
    shown = CliRunner().invoke(tarmac, ["verify", str(file)])
    assert "gates:" in shown.output
    # ENV002 compares the variables of each of the two environments with those of this machine.
    assert done == {"tarmac.yaml": 1, "bindings": 2 + 2}


def test_a_drill_does_not_load_again_the_system_that_it_was_given(file, done):
    system = loader.load(str(file), lambda path: Path(path).read_bytes())
    place = Place(namespace="default")
    with session.system_to_drill(system, file, place, {}, print) as running:
        assert running.model is system
    assert done == {"tarmac.yaml": 1}
