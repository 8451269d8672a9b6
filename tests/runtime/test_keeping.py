"""What is kept on disk: logs, secrets, facts, seeds; private, whole and without secrets."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from pathlib import Path

import asyncpg
import pytest
from sandbox import PORT, Sandbox, web

from tarmac.base.errors import BadInput, TarmacError
from tarmac.base.launch import Secret
from tarmac.run.local.host.sockets import Reservations
from tarmac.run.local.state import logs, vault
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor.resolver import Resolver


def test_a_log_line_has_its_time_and_no_secret(tmp_path: Path):
    log = logs.LogFile(tmp_path / "web.log", ["sesame-open"])
    log.feed(b"one\ntwo sesame-open th")
    log.feed(b"ree\r\n\x1b[31mred\x1b[0m")
    log.finish()
    lines = (tmp_path / "web.log").read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        "one",
        "two <secret> three",
        "\x1b[31mred\x1b[0m",
    ]
    assert list(log.tail) == ["one", "two <secret> three", "red"]
    assert stat.S_IMODE((tmp_path / "web.log").stat().st_mode) == 0o600
    log.close()


def test_a_log_is_rotated_and_only_so_many_are_kept(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(logs, "MAX_BYTES", 2000)
    log = logs.LogFile(tmp_path / "web.log")
    for number in range(400):
        log.feed(f"line {number}\n".encode())
    log.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["web.log", "web.log.1", "web.log.2", "web.log.3"]
    assert all(path.stat().st_size < 2200 for path in tmp_path.iterdir())
    assert "line 399" in (tmp_path / "web.log").read_text()


def test_a_log_that_others_have_open_is_begun_anew_too(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(logs, "MAX_BYTES", 100)
    path = tmp_path / "wires.log"
    logs.rotate(path)  # there is none yet
    with path.open("ab", buffering=0) as theirs:
        for size in (60, 60):
            theirs.write(b"x" * size)
            logs.rotate(path)
        theirs.write(b"new")
    assert path.read_bytes() == b"new"
    assert (tmp_path / "wires.log.1").stat().st_size == 120


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path):
    log = logs.LogFile(tmp_path / "web.log")
    log.feed(b"x" * (logs.MAX_LINE_BYTES + 1))
    assert (tmp_path / "web.log").stat().st_size > logs.MAX_LINE_BYTES
    log.close()


def test_secrets_are_made_once_and_dotenv_wins_for_the_services_own(tmp_path: Path):
    path = tmp_path / "secrets.json"
    wanted = [Secret("stores/db/web"), Secret("services/web/API_KEY", 32)]
    first = vault.fill(path, wanted, {})
    assert (len(first["stores/db/web"]), len(first["services/web/API_KEY"])) == (48, 64)
    assert vault.fill(path, wanted, {}) == first
    given = vault.fill(path, wanted, {"API_KEY": "mine", "web": "not this"})
    assert given == {**first, "services/web/API_KEY": "mine"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o601])
def test_secrets_that_others_could_read_are_closed_and_that_is_said(tmp_path: Path, mode: int):
    path = tmp_path / "secrets.json"
    assert vault.close(path) == ""
    vault.fill(path, [Secret("stores/db/web")], {})
    assert vault.close(path) == ""
    path.chmod(mode)
    told = vault.close(path)
    assert told.startswith(f"{path}: had mode {mode:o}")
    assert "make new ones" in told
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_data_whose_passwords_are_gone_gets_no_new_ones(tmp_path: Path):
    path = tmp_path / "secrets.json"
    wanted = [Secret("stores/db/admin"), Secret("stores/db/web"), Secret("stores/cache/web")]
    first = vault.fill(path, wanted, {}, with_data=[])
    path.unlink()
    with pytest.raises(TarmacError) as caught:
        vault.fill(path, wanted, {}, with_data=["db"])
    told = str(caught.value)
    assert told.startswith(
        f"{path}: missing; it held the passwords of data that is still there (db)"
    )
    assert "`tarmac reset db`" in told
    assert "`tarmac down --delete-data`" in told
    assert list(tmp_path.iterdir()) == []
    # What runs knows them; the file is written again.
    assert vault.fill(path, wanted, {}, running=first | {"other": "x"}, with_data=["db"]) == first
    assert json.loads(path.read_text()) == first
    # A new user of a store that is there gets a password of its own.
    more = vault.fill(path, [*wanted, Secret("stores/db/new")], {}, with_data=["db", "cache"])
    assert more == {**first, "stores/db/new": more["stores/db/new"]}


def test_a_file_without_the_passwords_of_the_data_is_refused_too(tmp_path: Path):
    path = tmp_path / "secrets.json"
    path.write_text("{}")
    with pytest.raises(TarmacError, match="holds no password of data that is still there"):
        vault.fill(path, [Secret("stores/db/web")], {}, with_data=["db"])


async def test_up_without_the_secrets_of_its_data_changes_nothing(tmp_path: Path):
    (tmp_path / "tarmac.yaml").write_text(
        "tarmac: 1\nsystem: small\nservices: {web: {run: [sleep, '9'], stores: {cache: cache}}}\n"
        "stores: {cache: redis}\n"
    )
    home = Home.of(tmp_path / "tarmac.yaml", "default")
    home.create()
    options = Options(file=str(tmp_path / "tarmac.yaml"))
    resolver = Resolver(options, home, Reservations())
    resolver.resolve({})
    resolver.release_ports()
    home.secrets.unlink()
    (home.nodes / "web").mkdir()
    resolver.resolve({})  # nothing but a service's folder: new ones harm nothing
    resolver.release_ports()
    home.secrets.unlink()
    (home.nodes / "cache").mkdir()
    (home.nodes / "cache/dump.rdb").write_bytes(b"REDIS")
    before = sorted(home.root.rglob("*"))
    with pytest.raises(TarmacError, match=r"still there \(cache\)"):
        resolver.resolve({})
    assert sorted(home.root.rglob("*")) == before


def test_dotenv_lines_are_read_and_wrong_ones_named(tmp_path: Path):
    path = tmp_path / ".env"
    path.write_text("# a comment\nA=1\nexport B='two words'\n\nC=\"x=y\"\n")
    assert vault.read_dotenv(path) == {"A": "1", "B": "two words", "C": "x=y"}
    path.write_bytes(b"A=\xff\n")
    with pytest.raises(BadInput, match=r":1:3: not UTF-8 \(byte 0xff\)"):
        vault.read_dotenv(path)
    path.write_text("A=1\nnonsense\n1x=2\n")
    with pytest.raises(BadInput) as caught:
        vault.read_dotenv(path)
    assert [problem.where for problem in caught.value.problems] == [f"{path}:2:1", f"{path}:3:1"]
    assert vault.read_dotenv(tmp_path / "none") == {}


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch):
    path = tmp_path / "f"
    write_atomically(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_secrets_are_given_by_environment_and_struck_out_of_the_log(sandbox: Sandbox):
    (sandbox.folder / ".env").write_text("SHOWN=a-very-secret-word\n")
    sandbox.write(
        f"""
        tarmac: 1
        system: small
        services:
          {web("web", PORT, ", secrets: [SHOWN, MADE_UP]")}
        """
    )
    sandbox.up()
    assert sandbox.get("web", "/env/SHOWN") == "a-very-secret-word"
    assert len(sandbox.get("web", "/env/MADE_UP")) == 48
    log = sandbox.tarmac("logs", "web").stdout
    assert "GET /env/SHOWN <secret>" in log
    assert "a-very-secret-word" not in log
    lines = sandbox.tarmac("logs", "web", "--json", "--last", "2").stdout.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["web", "web"]


def test_a_service_sees_nothing_of_the_users_environment_but_what_is_passed_on(sandbox: Sandbox):
    sandbox.write(f"tarmac: 1\nsystem: small\nservices:\n  {web()}\n")
    collector = "http://127.0.0.1:4318"
    mine = {
        "DATABASE_URL": "postgresql://elsewhere",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_EXPORTER_OTLP_HEADERS": "key=hush",
    }
    os.environ |= mine
    try:
        sandbox.up()
    finally:
        for name in mine:
            del os.environ[name]
    for name in ("DATABASE_URL", "OTEL_EXPORTER_OTLP_HEADERS"):
        assert sandbox.get("web", f"/env/{name}").startswith("pid ")
    assert sandbox.get("web", "/env/OTEL_EXPORTER_OTLP_ENDPOINT") == collector
    assert sandbox.get("web", "/env/PATH") == os.environ["PATH"]


SEEDED = f"""
    tarmac: 1
    system: small
    services:
      maker:
        run: [{sys.executable}, maker.py]
        env: {{URL: "${{stores.db.url}}"}}
        probe: {{log: ^made}}
    stores:
      db: {{kind: postgres, seed: seed.sql}}
    """
MAKER = """
import asyncio, os, time
import asyncpg
async def main():
    connection = await asyncpg.connect(os.environ["URL"])
    await connection.execute("CREATE TABLE IF NOT EXISTS goods (name text PRIMARY KEY)")
    await connection.close()
asyncio.run(main())
print("made", flush=True)
time.sleep(3600)
"""


def goods(box: Sandbox) -> list[str]:
    secrets = json.loads((box.folder / ".tarmac/default/secrets.json").read_text())
    port = box.node("db")["ports"]["main"]

    async def fetch() -> list[str]:
        password = secrets["stores/db/maker"]
        connection = await asyncpg.connect(f"postgresql://maker:{password}@127.0.0.1:{port}/db")
        try:
            return [row["name"] for row in await connection.fetch("SELECT name FROM goods")]
        finally:
            await connection.close()

    return asyncio.run(fetch())


@pytest.mark.servers
def test_a_seed_is_sown_once_and_a_pid_file_from_before_a_reboot_is_no_obstacle(sandbox: Sandbox):
    (sandbox.folder / "maker.py").write_text(MAKER)
    (sandbox.folder / "seed.sql").write_text("INSERT INTO goods VALUES ('a'), ('b')")
    sandbox.write(SEEDED)
    sandbox.up()
    assert goods(sandbox) == ["a", "b"]
    assert sandbox.tarmac("restart", "maker").returncode == 0
    assert goods(sandbox) == ["a", "b"]
    sandbox.tarmac("down")
    stale = sandbox.folder / ".tarmac/default/nodes/db/data/postmaster.pid"
    stale.write_text(f"{os.getpid()}\n/elsewhere\n")  # a pid that is another program's by now
    assert sandbox.up()["healthy"]
    assert goods(sandbox) == ["a", "b"]


@pytest.mark.servers
def test_a_seed_that_does_not_fit_is_named_and_leaves_no_half(sandbox: Sandbox):
    (sandbox.folder / "maker.py").write_text(MAKER)
    (sandbox.folder / "seed.sql").write_text("INSERT INTO goods VALUES ('a'); SELECT 1 FROM nope")
    sandbox.write(SEEDED)
    done = sandbox.tarmac("up", "-d")
    assert done.returncode == 1
    assert 'seed.sql:1: the seed failed on db: relation "nope" does not exist' in done.stdout
    assert goods(sandbox) == []


@pytest.mark.servers
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has anything to give up")
@pytest.mark.parametrize("drop", ["userns", "setuid"])
def test_postgres_runs_for_root_with_and_without_user_namespaces(sandbox: Sandbox, drop):
    (sandbox.folder / "maker.py").write_text(MAKER)
    (sandbox.folder / "seed.sql").write_text("INSERT INTO goods VALUES ('a')")
    sandbox.write(SEEDED)
    os.environ["TARMAC_DROP"] = drop
    try:
        sandbox.up()
        assert goods(sandbox) == ["a"]
        pid = sandbox.node("db")["pid"]
        owner = Path(f"/proc/{pid}").stat().st_uid
        assert owner == (65534 if drop == "setuid" else 0)
        deleted = sandbox.tarmac("down", "--delete-data").stdout
    finally:
        del os.environ["TARMAC_DROP"]
    assert "/db (" in deleted
