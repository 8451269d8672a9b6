"""`up --watch` beyond code: the log in the terminal, `.env`, migrations, and foreign services."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import watchfiles
from edited import APP, SYSTEM, Watched, save, until
from sandbox import PORT, TARMAC, Sandbox, web

from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor.results import ApplyResult
from tarmac.run.local.supervisor.watch import Watch, _named

PARTED = f"""
    tarmac: 1
    system: small
    services:
      hi: {{source: services/hi, port: {PORT}, stores: {{db: db}}}}
    stores:
      db: postgres
    """
TABLES = """
    @router.get("/tables")
    async def tables() -> dict[str, list[str]]:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        async with database.connection() as connection:
            found = await connection.fetch(query)
        return {"tables": sorted(row["table_name"] for row in found)}
"""


def test_up_in_a_terminal_shows_what_an_edit_came_to(sandbox: Sandbox):
    watched = Watched(sandbox)
    sandbox.write(SYSTEM)
    up = subprocess.Popen(
        [*TARMAC, "up", "--watch"],
        cwd=sandbox.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    try:
        next(line for line in up.stdout if "Ctrl-C stops everything" in line)
        save(watched.words, "WORD = 'first\n")
        line = next(line for line in up.stdout if "the previous instance keeps serving" in line)
        assert "tarmac_hi/words.py:1: " in line
        assert "watch" in line.split("[tarmac]")[0]
        watched.say("second")
        line = next(line for line in up.stdout if "reloaded after" in line)
        assert "words.py; hi reloaded" in line
        assert watched.ask()["word"] == "second"
    finally:
        up.send_signal(signal.SIGINT)
        up.communicate()


def test_an_edit_of_dotenv_reaches_who_reads_it_and_nobody_else(sandbox: Sandbox):
    (sandbox.folder / ".env").write_text("SHOWN=the-first-one\n")
    reads = web("reads", PORT, ", secrets: [SHOWN]")
    sandbox.write(f"tarmac: 1\nsystem: small\nservices:\n  {reads}\n  {web('other', PORT + 1)}\n")
    sandbox.up("--watch")
    before = sandbox.get("other")
    assert sandbox.get("reads", "/env/SHOWN") == "the-first-one"
    save(sandbox.folder / ".env", "SHOWN=the-second-one\n")
    until(lambda: sandbox.get("reads", "/env/SHOWN"), lambda value: value == "the-second-one")
    assert sandbox.get("other") == before
    save(sandbox.folder / ".env", "SHOWN=the-second-one\nnonsense\n")
    log = sandbox.folder / ".tarmac/default/logs/watch.log"
    until(log.read_text, lambda text: "/.env:2:1: " in text)
    assert sandbox.get("other") == before


def test_a_foreign_service_is_replaced_for_its_watched_paths_only(sandbox: Sandbox):
    (sandbox.folder / "settings").mkdir()
    (sandbox.folder / "settings/colour").write_text("red")
    sandbox.write(
        "tarmac: 1\nsystem: small\nservices:\n"
        f"  {web('web', PORT, ', watch: [settings, one.txt]')}\n"
    )
    sandbox.up("--watch")
    first = sandbox.get("web")
    program = sandbox.folder / "server.py"
    save(program, program.read_text() + "# edited\n")
    (sandbox.folder / "data.txt").write_text("what it wrote itself")

    answers: list[str] = []
    slow = threading.Thread(target=lambda: answers.append(sandbox.get("web", "/slow")))
    slow.start()
    log = sandbox.folder / ".tarmac/default/logs/web.log"
    save(sandbox.folder / "settings/colour", "blue")
    until(log.read_text, lambda text: "took over after" in text)
    slow.join()
    second = sandbox.get("web")
    assert second != first
    assert len(answers) == 1
    assert log.read_text().count("took over") == 1

    (sandbox.folder / "one.txt").write_text("a file that was not there before")
    until(lambda: sandbox.get("web"), lambda pid: pid != second)


@pytest.mark.servers
def test_a_new_migration_is_applied_and_a_wrong_one_leaves_the_old_serving(sandbox: Sandbox):
    watched = Watched(sandbox)
    (watched.part / "service.yaml").write_text(
        "part: hi\npackage: tarmac_hi\nslots:\n  db: {kind: postgres, env: DATABASE_URL}\n"
    )
    folder = watched.words.parent / "migrations"
    folder.mkdir()
    (folder / "0001_one.sql").write_text("CREATE TABLE one (id int);\n")
    database = 'resources.files("tarmac_hi") / "migrations"'
    app = APP.replace("import os\n", "import os\nfrom importlib import resources\n").replace(
        "def mount(chassis: Chassis) -> None:\n",
        "def mount(chassis: Chassis) -> None:\n"
        f"    database = chassis.database(migrations={database})\n{TABLES}",
    )
    (watched.words.parent / "app.py").write_text(app)
    sandbox.write(PARTED)
    sandbox.up("--watch")

    def tables() -> set[str]:
        return set(watched.ask("/tables")["tables"]) - {"schema_migrations"}

    assert tables() == {"one"}
    save(folder / "0002_two.sql", "CREATE TABLE two (id int);\n")
    until(tables, lambda found: found == {"one", "two"})
    save(folder / "0003_three.sql", "CREATE TABEL three (id int);\n")
    # A start of before may have been given up for this change, which says that it serves on, too.
    until(watched.log, lambda log: re.search(r"0003_three.*the previous instance keeps", log))
    assert tables() == {"one", "two"}
    save(folder / "0003_three.sql", "CREATE TABLE three (id int);\n")
    until(tables, lambda found: found == {"one", "two", "three"})


async def test_where_the_kernel_watches_no_more_folders_they_are_looked_at(
    tmp_path: Path, monkeypatch
):
    tried: list[bool] = []
    real = watchfiles.awatch

    def limited(*paths: Path, force_polling: bool, **more: object) -> object:
        tried.append(force_polling)
        if not force_polling:
            raise OSError("OS file watch limit reached")
        return real(*paths, force_polling=True, **more)

    monkeypatch.setattr(watchfiles, "awatch", limited)
    sources = tmp_path / "sources"
    sources.mkdir()
    applied = asyncio.Event()

    async def apply() -> ApplyResult:
        applied.set()
        return ApplyResult((), ("web",), (), ())

    node = SimpleNamespace(launch=SimpleNamespace(sources=(str(sources),)))
    home = Home(tmp_path / ".tarmac/default")
    home.create()
    supervisor = SimpleNamespace(
        home=home,
        now=SimpleNamespace(
            plan=SimpleNamespace(nodes=[node]), system=SimpleNamespace(included=())
        ),
        options=SimpleNamespace(file=str(tmp_path / "tarmac.yaml")),
        apply=apply,
    )
    running = asyncio.create_task(Watch(supervisor).run())
    log = home.logs / "watch.log"
    said = "polling every 300 ms instead"
    await asyncio.to_thread(until, lambda: log.exists() and said in log.read_text(), bool)
    for number in range(100):
        (sources / "app.py").write_text("x" * number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(applied.wait(), 0.5)
            break
    assert applied.is_set()
    assert "edited sources/app.py; web reloaded" in log.read_text()
    assert sorted(set(tried)) == [False, True]
    running.cancel()
    await asyncio.wait([running])


def test_a_folder_is_named_only_where_no_file_was_edited(tmp_path: Path):
    folder, file, root = tmp_path / "sources", tmp_path / "sources/app.py", tmp_path / ".tarmac/one"
    folder.mkdir()
    assert _named({folder}, root) == "sources"
    assert _named({folder, file}, root) == "sources/app.py", "it may be gone"
