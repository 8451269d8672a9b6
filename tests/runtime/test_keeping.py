"""What is kept on disk: logs, secrets, facts, seeds, mail; private, whole and without secrets."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import urllib.request
from pathlib import Path

import asyncpg
import pytest
from sandbox import PORT, Sandbox, web

from tarmac.errors import BadInput
from tarmac.launch import Secret
from tarmac.local.data.mailsink import Mailbox, respond
from tarmac.local.home import logs, vault
from tarmac.local.home.files import write_atomically


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
    logs.turn(path)  # there is none yet
    with path.open("ab", buffering=0) as theirs:
        for size in (60, 60):
            theirs.write(b"x" * size)
            logs.turn(path)
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


def test_dotenv_lines_are_read_and_wrong_ones_named(tmp_path: Path):
    path = tmp_path / ".env"
    path.write_text("# a comment\nA=1\nexport B='two words'\n\nC=\"x=y\"\n")
    assert vault.read_dotenv(path) == {"A": "1", "B": "two words", "C": "x=y"}
    path.write_bytes(b"A=\xff\n")
    assert vault.read_dotenv(path) == {"A": "\ufffd"}
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


def test_the_mail_sink_lists_shows_and_clears_and_runs_nothing_of_a_letter(tmp_path: Path):
    box = Mailbox(tmp_path)
    box.put(b"Subject: <script>x</script>\r\nTo: a@x.test, b@x.test\r\n\r\nhello <b>\r\n")
    box.put(b"Subject: two\r\nTo: c@x.test\r\n\r\nbye\r\n")
    _, _, body = respond(box, "GET", "/messages")
    assert [each["subject"] for each in json.loads(body)] == ["two", "<script>x</script>"]
    _, _, body = respond(box, "GET", "/messages?to=b@x.test")
    (letter,) = json.loads(body)
    assert letter["text"].strip() == "hello <b>"
    assert b"<script>" not in respond(box, "GET", "/")[2]
    assert respond(box, "GET", f"/messages/{letter['id']}/raw")[0] == 200
    assert respond(box, "GET", "/messages/../users")[0] == 404
    assert respond(box, "GET", "/elsewhere")[0] == 404
    assert respond(box, "POST", "/messages")[0] == 405
    assert respond(box, "DELETE", "/messages")[0] == 204
    assert respond(box, "GET", "/messages")[2] == b"[]"


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
def test_a_seed_is_sown_once_after_its_tables_are_made(sandbox: Sandbox):
    (sandbox.folder / "maker.py").write_text(MAKER)
    (sandbox.folder / "seed.sql").write_text("INSERT INTO goods VALUES ('a'), ('b')")
    sandbox.write(SEEDED)
    sandbox.up()
    assert goods(sandbox) == ["a", "b"]
    assert sandbox.tarmac("restart", "maker").returncode == 0
    assert goods(sandbox) == ["a", "b"]


@pytest.mark.servers
def test_a_seed_that_does_not_fit_is_named_and_leaves_no_half(sandbox: Sandbox):
    (sandbox.folder / "maker.py").write_text(MAKER)
    (sandbox.folder / "seed.sql").write_text("INSERT INTO goods VALUES ('a'); SELECT 1 FROM nope")
    sandbox.write(SEEDED)
    done = sandbox.tarmac("up", "-d")
    assert done.returncode == 1
    assert 'seed.sql: the seed does not fit db: relation "nope" does not exist' in done.stdout
    assert goods(sandbox) == []


@pytest.mark.servers
def test_a_pid_file_from_before_a_reboot_does_not_keep_a_store_down(sandbox: Sandbox):
    (sandbox.folder / "maker.py").write_text(MAKER)
    (sandbox.folder / "seed.sql").write_text("INSERT INTO goods VALUES ('a')")
    sandbox.write(SEEDED)
    sandbox.up()
    sandbox.tarmac("down")
    stale = sandbox.folder / ".tarmac/default/nodes/db/data/postmaster.pid"
    stale.write_text(f"{os.getpid()}\n/elsewhere\n")  # a pid that is somebody else's by now
    assert sandbox.up()["healthy"]
    assert goods(sandbox) == ["a"]


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


def test_the_mail_page_is_served_with_a_strict_policy(sandbox: Sandbox):
    sandbox.write(f"tarmac: 1\nsystem: small\nservices:\n  {web()}\nstores:\n  mail: mail\n")
    sandbox.up()
    with urllib.request.urlopen(sandbox.node("mail")["page"], timeout=10) as page:
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert b"No mail yet" in page.read()
