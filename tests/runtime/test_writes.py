"""Programs on read-only files: they go on, and what they wrote is listed with what to declare."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from sandbox import PORT, Sandbox

from tarmac.base.errors import TarmacError
from tarmac.run.local.host import layers
from tarmac.run.local.process import written

#: Writes where each request says, and answers with what is read there then.
WRITER = """
import http.server, os, pathlib, shutil, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = pathlib.Path(self.path[1:].removeprefix("="))
        try:
            if path.name == "gone":
                shutil.rmtree(path.parent)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("written")
            status, said = 200, path.read_bytes()
        except OSError as error:
            status, said = 500, str(error).encode()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(said)
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
SYSTEM = f"""
    tarmac: 1
    system: writers
    services:
      web:
        run: [{sys.executable}, -P, writer.py]
        cwd: web
        port: {PORT}
        volumes: {{files: files, more: more}}
        env: {{MORE: "${{volumes.more.path}}"}}
"""


@pytest.fixture
def writers(sandbox: Sandbox) -> Iterator[Sandbox]:
    if why := layers.refusal(sandbox.folder):
        pytest.skip(f"this machine allows no overlay mounts: {why}")
    web = sandbox.folder / "web"
    (web / "logs").mkdir(parents=True)
    (web / "logs" / ".gitkeep").touch()
    (web / "writer.py").write_text(WRITER)
    (web / "Dockerfile").write_text("FROM a AS b\nWORKDIR /build\nFROM c\nWORKDIR /srv/app/\n")
    sandbox.write(SYSTEM)
    yield sandbox
    sandbox.tarmac("down", "--delete-data")  # the layers stand elsewhere


def listed(box: Sandbox, code: int) -> dict[str, object]:
    told = box.tarmac("writes", "--json")
    assert told.returncode == code, told.stderr
    (service,) = json.loads(told.stdout)["services"]
    return service


def folders(box: Sandbox, code: int = 1) -> dict[str, tuple[str, list[str]]]:
    return {
        folder["path"]: (folder["image"], folder["files"])
        for folder in listed(box, code)["folders"]
    }


def test_what_is_written_is_listed_by_the_folder_to_declare_and_no_file_changes(writers):
    writers.up("--read-only")
    web = writers.folder / "web"
    before = sorted(web.rglob("*"))
    outside = f"/opt/tarmac-test-{os.getpid()}/x"
    for path in ("a/b/c.txt", "a/d.txt", "logs/e.log", "top.db", "writer.py", f"={outside}"):
        assert writers.get("web", f"/{path}") == "written"
    home = Path.home() / f".tarmac-test-{os.getpid()}" / "x"
    assert writers.get("web", f"/={home}") == "written"
    assert not home.exists()
    for path in (f"/tmp/tarmac-test-{os.getpid()}", str(web / "files/kept")):
        assert writers.get("web", f"/={path}") == "written"
        assert Path(path).read_text() == "written"
        Path(path).unlink()
    assert sorted(web.rglob("*")) == before
    assert (web / "writer.py").read_text() == WRITER
    assert not Path(outside).exists()
    assert folders(writers) == {
        "a": ("/srv/app/a", ["a/b/c.txt", "a/d.txt"]),
        "logs": ("/srv/app/logs", ["logs/e.log"]),
        str(Path(outside).parent): (str(Path(outside).parent), [outside]),
    }
    assert listed(writers, 1)["beside"] == ["top.db", "writer.py"]
    assert listed(writers, 1)["home"] == [str(home)]
    shown = writers.tarmac("writes").stdout
    assert "    top.db\n" in shown
    assert "writable: {/opt/" in shown
    assert "a: /srv/app/a, logs: /srv/app/logs}" in shown
    assert "    a/b/c.txt and 1 more\n" in shown


def test_what_is_declared_is_there_when_it_starts_and_is_listed_no_more(writers):
    writers.up("--read-only")
    assert writers.get("web", "/a/b.txt") == "written"
    writers.write(f"{SYSTEM}        writable: {{a: /srv/app/a}}\n")
    writers.up("--read-only")
    assert writers.get("web", "/a/gone") == "written"  # which deletes the folder first
    assert folders(writers, 0) == {}
    assert writers.tarmac("writes").stdout == "web: wrote only to writable folders\n"


def test_each_start_finds_its_files_as_they_are_and_all_are_listed(writers):
    writers.up("--read-only")
    assert writers.get("web", "/a/one") == "written"
    first = writers.node("web")["pid"]
    writers.tarmac("restart", "web")
    writers.until("web", lambda node: node["pid"] != first and node["state"] == "healthy")
    assert writers.get("web", "/a/two") == "written"
    assert folders(writers) == {"a": ("/srv/app/a", ["a/one", "a/two"])}
    inside = Path(f"/proc/{writers.node('web')['pid']}/root") / str(writers.folder)[1:]
    assert [path.name for path in (inside / "web/a").iterdir()] == ["two"]


def test_nothing_is_listed_before_and_nothing_is_left_when_the_data_is_deleted(writers):
    writers.up()
    never = writers.tarmac("writes")
    assert (never.returncode, "tarmac up --read-only" in never.stderr) == (1, True)
    writers.up("--read-only")
    assert writers.get("web", "/a/b") == "written"
    assert [writes.service for writes in written.read(writers.home)] == ["web"]
    writers.tarmac("down", "--delete-data")
    assert written.read(writers.home) == ()
    assert not (writers.folder / "web/a").exists()


def test_a_machine_without_overlays_is_told_why(writers, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(
        TarmacError, match=r"^--read-only: it needs overlay mounts, which are Linux"
    ):
        written.prepare(writers.home, writers.folder / "tarmac.yaml", is_running=False)


def test_a_program_of_a_user_who_is_not_root_goes_on_too():
    python = Path("/usr/bin/python3")
    if os.geteuid() != 0 or shutil.which("setpriv") is None or not python.exists():
        pytest.skip("needs root, setpriv (util-linux) and a Python of every user's")
    with tempfile.TemporaryDirectory(dir="/tmp") as place:  # pytest's own is closed to others
        folder, layer = Path(place, "folder"), Path(place, "layer")
        for made in (Path(place), folder, layer):
            made.mkdir(exist_ok=True)
            os.chown(made, 65534, 65534)
        script = shutil.copy(layers.__file__, place)
        user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        program = ("sh", "-c", "mkdir x && echo y > x/y && rm -r x && mkdir x")
        argv = layers.command(layer, folder, (), program)
        ran = subprocess.run(
            [*user, str(python), *argv[1:3], script, *argv[4:]],
            capture_output=True,
            text=True,
            check=False,
        )
        if "not allowed here" in ran.stderr:
            pytest.skip(f"this machine allows no user namespaces: {ran.stderr}")
        assert ran.returncode == 0, ran.stderr
        assert list(folder.iterdir()) == []
        upper = next(layer.glob(f"{quote(str(folder), safe='')}/upper"))
        assert [path.name for path in upper.iterdir()] == ["x"]
