"""A system on providers that were asked for: what `up --provider` starts, refuses and says."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sandbox import PORT, SERVER, Sandbox

from tarmac.base import registry
from tarmac.catalog import stores
from tarmac.run.local.host import offers

KINDS = registry.load(stores, "STORE")

ONE = f"""
    tarmac: 1
    system: one
    services:
      web:
        run: [{sys.executable}, server.py]
        port: {PORT}
        env: {{STORE: "${{stores.cache.url}}", AT: "${{stores.cache.host}}:${{stores.cache.port}}"}}
    stores:
      cache: redis
    """
DATABASE = f"""
    tarmac: 1
    system: one
    services:
      web:
        run: [{sys.executable}, server.py]
        port: {PORT}
        env: {{STORE: "${{stores.db.url}}"}}
    stores:
      db: {{kind: postgres, version: "VERSION"}}
    """


def refused(box: Sandbox, *args: str) -> tuple[int, str]:
    done = box.tarmac("up", "-d", *args)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.servers
def test_a_machines_own_server_answers_where_it_is_asked_for(sandbox):
    if offers.find(KINDS["redis"], asked_provider="binary") is None:
        pytest.skip("this machine has no valkey-server or redis-server")
    sandbox.write(ONE)
    up = sandbox.up("--provider", "cache=binary")
    assert up["healthy"]
    assert "(binary)" in sandbox.node("cache")["about"]
    facts = json.loads((sandbox.folder / ".tarmac/default/facts.json").read_text())
    assert facts["programs"]["cache"]["provider"] == "binary"


@pytest.mark.servers
def test_a_server_elsewhere_is_used_by_its_url_and_left_alone(sandbox, tmp_path_factory):
    """Another system's cache is the server elsewhere."""
    sandbox.write(ONE)
    other = Sandbox(tmp_path_factory.mktemp("other"))
    (other.folder / "server.py").write_text(SERVER)
    (other.folder / ".git").mkdir()
    other.write(ONE.replace(str(PORT), str(PORT + 1)))
    try:
        other.up()
        url = other.get("web", "/env/STORE")
        (sandbox.folder / ".env").write_text(f"CACHE_URL={url}\n")
        up = sandbox.up("--provider", "redis=external")
        assert up["healthy"]
        assert [node["name"] for node in up["nodes"]] == ["web"]
        (note,) = [note for note in up["notes"] if note.startswith("cache")]
        assert note.startswith(f"cache: external, at 127.0.0.1:{urlsplit(url).port};")
        assert sandbox.get("web", "/env/STORE") == url
        assert sandbox.get("web", "/env/AT") == f"127.0.0.1:{urlsplit(url).port}"
        password = (urlsplit(url).password or "").encode()
        files = [path for path in (sandbox.folder / ".tarmac").rglob("*") if path.is_file()]
        assert files
        assert not [path for path in files if password in path.read_bytes()]
        # Its URL changes: what uses it starts again with the new one.
        (sandbox.folder / ".env").write_text(f"CACHE_URL={url}?x=1\n")
        assert sandbox.up("--provider", "redis=external")["healthy"]
        assert sandbox.get("web", "/env/STORE") == f"{url}?x=1"
        assert other.node("cache")["state"] == "healthy"
    finally:
        other.tarmac("down")


def test_a_url_that_is_absent_or_wrong_is_an_error_with_its_place(sandbox):
    sandbox.write(ONE)
    code, said = refused(sandbox, "--provider", "cache=external")
    assert code == 2
    assert (
        "cache has provider `external`, but neither .env nor the environment has CACHE_URL" in said
    )
    (sandbox.folder / ".env").write_text("# the cache\nCACHE_URL=http://u:secret@h\n")
    code, said = refused(sandbox, "--provider", "cache=external")
    assert code == 2
    assert ".env:2:1: CACHE_URL is wrong: its scheme is 'http'" in said
    assert "secret" not in said


def test_a_provider_that_cannot_be_is_bad_input(sandbox):
    sandbox.write(ONE)
    code, said = refused(sandbox, "--provider", "cahce=binary", "--provider", "cache=podman")
    assert code == 2
    assert "--provider cahce=binary: no store or kind 'cahce'; did you mean 'cache'?" in said
    assert "--provider cache=podman: redis has no provider 'podman'; choose one of: " in said


def test_a_provider_that_this_machine_lacks_says_how_to_get_it(sandbox, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    sandbox.write(ONE)
    code, said = refused(sandbox, "--provider", "cache=binary")
    assert code == 3
    assert "cache: no Redis (Valkey) on this machine by provider 'binary'" in said
    assert "apt-get install" in said
    code, said = refused(sandbox, "--provider", "cache=docker")
    assert code == 3
    assert "start Docker" in said
    assert not (sandbox.folder / ".tarmac/default/nodes/cache").exists()


STOPPED = """#!/bin/sh
# A container: it runs the server that is here, with the files that the real one would mount.
case "$1" in
info) echo 28.1.1 ;;
rm) exit 0 ;;
run)
  echo "$@" >> "{folder}/ran"
  shift
  while [ $# -gt 0 ]; do
    case "$1" in
    -p) port=${{2#*:}}; port=${{port%%:*}}; shift 2 ;;
    -v) mount=${{2%%:*}}; shift 2 ;;
    --env-file|--name|--cidfile|--user) shift 2 ;;
    --rm|--init) shift ;;
    *) break ;;
    esac
  done
  /bin/sed "s|/tarmac|$mount|g; s|^port .*|port $port|; s|^bind .*|bind 127.0.0.1|" \\
    "$mount/valkey.conf" > "$mount/inside.conf"
  exec {server} "$mount/inside.conf" ;;
esac
"""


@pytest.mark.servers
def test_a_container_is_started_probed_and_stopped_like_any_process(sandbox, monkeypatch, tmp_path):
    """A fake Docker client: it shows the handling; no daemon has run the image."""
    server = offers.find(KINDS["redis"], asked_provider="embedded")
    assert server is not None
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    fake = bin_folder / "docker"
    fake.write_text(STOPPED.format(folder=tmp_path, server=server.programs["server"][0]))
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")
    sandbox.write(ONE)
    assert sandbox.up("--provider", "cache=docker")["healthy"]
    assert "9 (docker)" in sandbox.node("cache")["about"]
    ran = (tmp_path / "ran").read_text()
    assert "-p 127.0.0.1:" in ran
    assert "valkey/valkey:9" in ran
    secrets = json.loads((sandbox.folder / ".tarmac/default/secrets.json").read_text())
    assert not any(secret in ran for secret in secrets.values())
    assert sandbox.tarmac("down").returncode == 0


def test_a_stand_in_is_refused_to_a_program_that_is_not_the_kits(sandbox):
    web = f"web: {{run: [{sys.executable}, server.py], port: {PORT}, publishes: [x.made]}}"
    sandbox.write(f"tarmac: 1\nsystem: one\nservices:\n  {web}\nbroker: rabbitmq\n")
    code, said = refused(sandbox, "--provider", "broker=nats")
    assert code == 3
    assert "broker: NATS JetStream cannot substitute RabbitMQ" in said
    assert "(web)" in said
    assert "apt-get install rabbitmq-server" in said


@pytest.mark.servers
def test_the_version_asked_for_is_found_on_the_machine_and_other_data_is_left_alone(sandbox):
    older = offers.find(KINDS["postgres"], asked_provider="binary")
    if older is None or older.numbers >= (18,):
        pytest.skip("this machine has no PostgreSQL that is older than the embedded one")
    asked = older.numbers[0]
    sandbox.write(DATABASE.replace("VERSION", str(asked)))
    up = sandbox.up()
    assert up["healthy"]
    assert not [note for note in up["notes"] if "is asked for" in note]
    assert sandbox.node("db")["about"] == f"PostgreSQL {older.version} (binary)"
    sandbox.write(DATABASE.replace("VERSION", "18"))
    done = sandbox.tarmac("up", "-d", "--timeout", "20")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert (
        f"its data was written by PostgreSQL {asked}, but 18 runs here; set `version: {asked}`, or"
        in said
    )
    assert sandbox.tarmac("reset", "db", "--yes").returncode == 0
    assert "(embedded)" in sandbox.node("db")["about"]
