"""What counts as found on a machine, with small programs that stand for servers and for Docker."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tarmac.base import registry
from tarmac.base.launch import Launch, Secret, reveal
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import (
    Binary,
    Provider,
    ProviderCandidate,
    StoreContext,
    StoreKind,
    User,
    Wheel,
)
from tarmac.run.local.host import offers

KINDS: dict[str, StoreKind] = registry.load(stores, "STORE")
HOST = "127.0.0.1"
ABSENT = Wheel("no-such-distribution", "bin/server")


def nothing(view, offer, fast):
    raise AssertionError((view, offer, fast))


def kind_of(*providers: Provider) -> StoreKind:
    return StoreKind("some", "Some", {"main": None}, {}, providers, clients="main")


def binary(*names: str, **more) -> StoreKind:
    programs = {name: Binary(name, **more) for name in names}
    return kind_of(Provider("binary", programs, nothing))


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with an empty PATH but for the shell's own programs; write programs on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("TARMAC_PATH_ONLY", raising=False)

    def program(name: str, script: str, *, where: Path = folder) -> Path:
        where.mkdir(parents=True, exist_ok=True)
        path = where / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return program


def test_a_program_on_path_is_found_with_the_version_that_it_prints(machine):
    path = machine("some-server", "echo 'some-server (Some) 15.18 (Debian 15.18-0+deb12u1)'")
    found = offers.find(binary("some-server"))
    assert found == ProviderCandidate("binary", {"some-server": (str(path),)}, "15.18", kind="some")


def test_the_version_that_was_asked_for_is_looked_for_among_all_that_are_there(machine, tmp_path):
    machine("some-server", "echo v=9.1")
    for version in ("14", "15", "16"):
        machine("some-server", f"echo {version}.2", where=tmp_path / f"lib/{version}/bin")
    kind = binary("some-server", folders=(f"{tmp_path}/lib/*/bin",))
    assert offers.find(kind).version == "9.1"
    assert offers.find(kind, asked_version="15").version == "15.2"
    assert offers.find(kind, asked_version="15.3").version == "9.1"


def test_of_several_in_folders_the_newest_is_first(machine, tmp_path):
    for version in ("9", "10", "15"):
        machine("some-server", f"echo {version}.0", where=tmp_path / f"lib/{version}/bin")
    kind = binary("some-server", folders=(f"{tmp_path}/lib/*/bin",))
    assert offers.find(kind).version == "15.0"


def test_a_program_that_is_too_old_or_does_not_run_here_is_not_found(machine):
    machine("old-server", "echo 2.9.10")
    machine("broken-server", "echo 3.0; exit 1")
    assert offers.find(binary("old-server", oldest="2.10")) is None
    assert offers.find(binary("old-server", oldest="2.9")) is not None
    assert offers.find(binary("broken-server")) is None


def test_the_reason_why_an_installed_program_is_unusable_is_reported(machine):
    old = machine("old-server", "echo 2.9.10")
    broken = machine("broken-server", "echo usage; exit 1")
    assert list(offers.refused(binary("old-server", oldest="2.10", below="4"))) == [
        f"{old} is 2.9.10; needed: 2.10 or newer, below 4"
    ]
    assert list(offers.refused(binary("broken-server"))) == [
        f"{broken} --version prints no version"
    ]
    assert list(offers.refused(binary("old-server"))) == []
    assert list(offers.refused(binary("absent-server"))) == []


def test_a_program_under_another_name_counts(machine):
    path = machine("redis-server", "echo 'Redis server v=7.0.15 sha=00000000:0'")
    found = offers.find(KINDS["redis"], asked_provider="binary")
    assert found is not None
    assert found.programs == {"server": (str(path),)}
    assert found.version == "7.0.15"
    assert found.note == "Redis 7.0.15 itself answers, not Valkey"


def test_the_other_programs_of_a_provider_are_taken_from_beside_its_first(machine, tmp_path):
    own = tmp_path / "lib/16/bin"
    machine("server", "echo 16.1", where=own)
    machine("tool", "exit 0", where=own)
    machine("tool", "exit 0")
    found = offers.find(binary("server", "tool", folders=(f"{tmp_path}/lib/*/bin",)))
    assert found is not None
    assert found.programs["tool"] == (str(own / "tool"),)


def test_a_provider_that_lacks_one_of_its_programs_is_not_there(machine):
    machine("server", "echo 16.1")
    assert offers.find(binary("server", "tool")) is None


def test_a_front_on_path_is_passed_over_and_the_version_read_from_the_folder(machine, tmp_path):
    machine("server", "exit 1")
    real = machine("server", "exit 1", where=tmp_path / "some_server-3.10.8/sbin")
    folders = (f"{tmp_path}/some_server-*/sbin",)
    kind = binary("server", folders=folders, version=(), on_path=False)
    found = offers.find(kind)
    assert found is not None
    assert found.programs == {"server": (str(real),)}
    assert found.version == "3.10.8"


def test_no_program_is_run_where_the_wheel_suffices(machine, tmp_path):
    said = tmp_path / "said"
    for name in ("postgres", "initdb", "valkey-server", "nats-server", "docker"):
        machine(name, f"echo {name} >> {said}; echo 18.6")
    machine_now = offers.Machine()
    for kind in KINDS.values():
        if kind.providers[0].id == "embedded":
            assert offers.find(kind, machine_now).provider == "embedded"
    assert offers.find(KINDS["postgres"], machine_now, asked_version="18").provider == "embedded"
    assert not said.exists()


def test_four_stores_ask_a_program_for_its_version_once(machine, tmp_path):
    said = tmp_path / "said"
    machine("postgres", f"echo asked >> {said}; echo 'postgres (PostgreSQL) 16.3'")
    machine("initdb", "exit 0")
    found = [offers.find(KINDS["postgres"], asked_version="16") for _ in range(4)]
    assert {offer.version for offer in found if offer} == {"16.3"}
    assert said.read_text() == "asked\n"


def test_a_program_that_was_renewed_is_asked_again(machine):
    machine("server", "echo 1.0")
    assert offers.find(binary("server")).version == "1.0"
    machine("server", "echo 1.0.1")
    assert offers.find(binary("server")).version == "1.0.1"


DOCKER = """
[ "$1" = info ] || exit 9
echo asked >> {said}
{then}
"""


def test_docker_counts_if_its_daemon_answers_and_the_version_asked_for_is_the_images(machine):
    path = machine("docker", '[ "$1" = info ] && echo 28.1.1')
    found = offers.find(KINDS["postgres"], asked_version="16", asked_provider="docker")
    assert found is not None
    assert (found.image, found.version) == ("postgres:16", "16")
    assert found.programs == {"docker": (str(path),)}
    assert found.env["PATH"] == os.environ["PATH"]
    assert offers.find(KINDS["redis"], asked_provider="docker").image == "valkey/valkey:9"


@pytest.mark.parametrize(
    "script", ["echo 'Cannot connect to the Docker daemon' >&2; exit 1", "echo; exit 0"]
)
def test_docker_does_not_count_without_its_daemon(machine, script):
    machine("docker", script)
    assert offers.find(KINDS["postgres"], asked_provider="docker") is None


def test_a_docker_that_does_not_answer_in_time_does_not_count(machine, monkeypatch):
    monkeypatch.setattr(offers, "DOCKER_S", 0.2)
    machine("docker", "exec /bin/sleep 30")
    began = time.monotonic()
    assert offers.find(KINDS["nats"], asked_provider="docker") is None
    assert time.monotonic() - began < 20


def test_docker_is_asked_once_per_start_and_only_for_a_version_that_nothing_else_has(
    machine, tmp_path
):
    said = tmp_path / "said"
    machine("docker", DOCKER.format(said=said, then="echo 28.1.1"))
    now = offers.Machine()
    found = [offers.find(KINDS["postgres"], now, asked_version="16") for _ in range(4)]
    assert [offer.provider for offer in found if offer] == ["docker"] * 4
    assert said.read_text() == "asked\n"


def test_where_nothing_has_the_version_the_first_provider_answers(machine):
    machine("docker", "exit 1")
    found = offers.find(KINDS["postgres"], asked_version="16")
    assert found is not None
    assert found.provider == "embedded"
    assert not found.fits("16")


def test_an_older_server_past_its_end_of_life_says_so(machine):
    machine("postgres", "echo 'postgres (PostgreSQL) 14.20'")
    machine("initdb", "exit 0")
    found = offers.find(KINDS["postgres"], asked_version="14")
    assert found is not None
    assert "past its end of life" in found.note


CONTAINED = [
    kind for kind in KINDS.values() if any(provider.id == "docker" for provider in kind.providers)
]


def view_of(kind: StoreKind) -> StoreContext:
    return StoreContext(
        name="it",
        host=HOST,
        ports={port: 20000 + number for number, port in enumerate(kind.ports)},
        database="it",
        admin=Secret("stores/it/admin"),
        users=(User("a-service", Secret("stores/it/a-service"), ("x.made",), ("y.made",)),),
    )


def contained(kind: StoreKind, client: str) -> Launch:
    provider = next(candidate for candidate in kind.providers if candidate.id == "docker")
    version = next(iter(provider.programs.values())).tag
    offer = ProviderCandidate(
        "docker", {"docker": (client,)}, version, kind.id, image=f"image:{version}"
    )
    return provider.launch(view_of(kind), offer, False)


@pytest.mark.parametrize("kind", CONTAINED, ids=lambda kind: kind.id)
def test_a_container_is_removed_first_then_run_with_its_port_on_loopback(
    kind, machine, tmp_path, monkeypatch
):
    """A fake `docker` says what it was called with: no daemon has run these."""
    said = tmp_path / "said"
    client = machine("docker", f'for a in "$@"; do echo "$a" >> {said}; done; echo -- >> {said}')
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    launch = contained(kind, str(client))
    (tmp_path / "container").write_text("abc123")
    argv = [part.replace("{folder}", str(tmp_path)) for part in launch.argv]
    subprocess.run(argv, cwd=tmp_path, check=True, timeout=20, env={"PATH": "/usr/bin:/bin"})
    removed, run = _calls(said)
    assert removed == ["rm", "--force", "tarmac-it-20000", "abc123"]
    assert run[:4] == ["run", "--rm", "--init", "--name"]
    run = list(itertools.takewhile(lambda part: not part.startswith("image:"), run))
    published = [run[at + 1] for at, part in enumerate(run) if part == "-p"]
    assert f"{HOST}:{view_of(kind).ports[kind.clients]}" in [
        p.rpartition(":")[0] for p in published
    ]
    assert all(text.startswith(f"{HOST}:2000") for text in published)
    mounted = [run[at + 1].split(":")[0] for at, part in enumerate(run) if part == "-v"]
    assert all(path.startswith(str(tmp_path)) for path in mounted)
    assert run[run.index("--env-file") + 1] == f"{tmp_path}/container.env"
    assert (tmp_path / "data").is_dir()
    # An image that starts as root gives that up by itself; any other is told whose the data is.
    gives_up = '[ "$user" = 0:0 ] && user=' in launch.argv[2]
    assert ("--user" in run) == (os.geteuid() != 0 or not gives_up)


def _calls(said: Path) -> list[list[str]]:
    calls: list[list[str]] = [[]]
    for line in said.read_text().splitlines():
        if line == "--":
            calls.append([])
        else:
            calls[-1].append(line)
    return calls[:-1]


@pytest.mark.parametrize("kind", CONTAINED, ids=lambda kind: kind.id)
def test_a_container_gets_its_secrets_by_files_never_by_its_command(kind):
    launch = contained(kind, "/usr/bin/docker")
    values = {path: f"PW-{path}" for path in ("stores/it/admin", "stores/it/a-service")}
    written = "".join(reveal(file.content, values) for file in launch.files)
    given = written + "".join(reveal(part, values) for s in launch.setup for part in s.statements)
    given += (
        "".join(values[secret.path] for secret in launch.post_start.secrets)
        if launch.post_start
        else ""
    )
    assert "PW-stores/it/a-service" in given
    assert "PW-" not in " ".join(launch.argv)
    assert all(len(value) == 1 and isinstance(value[0], str) for value in launch.env.values())
    assert launch.in_container
    assert launch.stop_signal in signal.Signals.__members__


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_signal_that_stops_a_container_reaches_the_client_itself(machine, tmp_path):
    """The shell that prepares it becomes the client, which passes signals on to the container."""
    ended = tmp_path / "ended"
    client = machine(
        "docker",
        f'[ "$1" = run ] || exit 0\ntrap "echo got > {ended}; exit 0" INT\n'
        f"echo ready > {tmp_path}/ready\nwhile :; do /bin/sleep 0.05; done",
    )
    launch = contained(KINDS["postgres"], str(client))
    argv = [part.replace("{folder}", str(tmp_path)) for part in launch.argv]
    running = subprocess.Popen(argv, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"})
    try:
        end = time.monotonic() + 20
        while not (tmp_path / "ready").exists() and time.monotonic() < end:
            time.sleep(0.01)
        running.send_signal(signal.Signals[launch.stop_signal])
        assert running.wait(20) == 0
        assert ended.read_text() == "got\n"
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
