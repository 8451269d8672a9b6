"""What goes wrong with real processes is said, each kind in words that tell what to do."""

from __future__ import annotations

import os
import platform
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from sandbox import PORT, SERVER, Sandbox, web

PYTHON = sys.executable
#: A port of nobody: for programs that listen where they like.
STRAY = PORT + 9
FIXED = PORT + 7
#: Another one: what listens on the stray port goes on to do so while this file's tests run.
TAKEN = PORT + 8


def elf(machine: int) -> bytes:
    """The head of a program for another machine."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 2, machine, 1) + bytes(64)


LISTEN = """
import http.server, sys
address = ("127.0.0.1", int(sys.argv[1]))
http.server.ThreadingHTTPServer(address, http.server.BaseHTTPRequestHandler).serve_forever()
"""
FILES = {
    "server.py": SERVER,
    "listen.py": LISTEN,
    "needs.py": "import os\nprint('begins')\nos.environ['API_KEY']\n",
    "needs.js": "if (!process.env.API_KEY) throw new Error('API_KEY is not set')\n",
    "exits.py": "import sys\nprint('one')\nprint('two: the last words')\nsys.exit(3)\n",
    "full.py": "with open('/dev/full', 'w') as f:\n    f.write('x')\n",
    "large.py": (
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with open('large.bin', 'wb') as f:\n    f.write(bytes(5000))\n"
    ),
    "locked.py": ("import os\nos.getuid() or os.setuid(65534)\nopen('locked/file', 'w')\n"),
    "sick.py": SERVER.replace("self.send_response(200)", "self.send_response(503)").replace(
        'f"pid {os.getpid()}"', "'the cache is cold'"
    ),
    "watched.sh": (
        "echo 'Error: API_KEY is not set'\n"
        "echo '[nodemon] app crashed - waiting for file changes before starting...'\nsleep 600\n"
    ),
    "beside": "echo no first line\n",
    "strange": "#!/usr/bin/no-such-shell\necho hello\n",
    "kit/service.yaml": "part: nothing\npackage: tarmac_nothing_of_the_kind\n",
}
EXECUTABLE = ("beside", "strange", "foreign", "windows.exe")

#: name -> (how it is started, what is said of it).
SOON = "probe: {tcp: true, within: 5s}"  # twenty start at once, and these have to listen by then
FOR_LONG = "probe: {http: /, within: 1h}"
CASES = {
    "stray": (
        f"{{run: [{PYTHON}, listen.py, '{STRAY}'], port: {PORT}, {SOON}}}",
        f"it listens on {STRAY}; expected PORT={{port}}; read the port from the variable, or set",
    ),
    # Long before its probe gives up: what answers elsewhere is not slow.
    "fixed": (
        f"{{run: [env, PORT={FIXED}, {PYTHON}, server.py], port: {PORT + 4}, {FOR_LONG}}}",
        f"it listens on {FIXED}; expected PORT={{port}}; read the port from the variable, or set",
    ),
    "watched": (
        f"{{run: [sh, watched.sh], port: {PORT + 5}, {FOR_LONG}}}",
        "missing environment variable API_KEY; set it",
    ),
    "mute": (
        f"{{run: [sleep, '60'], port: {PORT + 1}, {SOON}}}",
        "it listens on no port; expected PORT={port}",
    ),
    "greedy": (
        f"{{run: [{PYTHON}, listen.py, '{PORT + 2}'], port: {PORT + 2}}}",
        "its port is taken by another process; expected PORT={port}",
    ),
    "sick": (
        f"{{run: [{PYTHON}, sick.py], port: {PORT + 3}, probe: {{http: /health, within: 5s}}}}",
        "not ready within 5 s (/health answers 503 the cache is cold)",
    ),
    "needs": (f"{{run: [{PYTHON}, needs.py]}}", "missing environment variable API_KEY; set it"),
    "exits": (f"{{run: [{PYTHON}, exits.py]}}", "ended with exit status 3"),
    "ends": ("{run: ['true']}", "it exited without an error; a service must keep"),
    "full": (f"{{run: [{PYTHON}, full.py]}}", "the disk is full; free some space"),
    "large": (f"{{run: [{PYTHON}, large.py]}}", "a file exceeds the size limit (ulimit"),
    "locked": (
        f"{{run: [{PYTHON}, locked.py]}}",
        "no permission for locked/file; change its owner or mode",
    ),
    "lost": ("{run: [./nowhere/program]}", "'./nowhere/program' does not exist ("),
    "npm": ("{run: [no-such-program, start]}", "'no-such-program' is not on PATH; install it, or"),
    "shell": ("{run: no-such-program start}", "program no-such-program was not found; install it"),
    "near": ("{run: [beside]}", "'beside' is not on PATH; it is in "),
    "folder": ("{run: [./kit]}", "'./kit' is a directory; name the program in it"),
    "plain": ("{run: [./server.py]}", "'./server.py' is not executable; chmod +x "),
    "headless": (
        "{run: [./beside]}",
        "'./beside' is not executable as a program: add a first line like #!/",
    ),
    "strange": (
        "{run: [./strange]}",
        "names /usr/bin/no-such-shell, which does not exist; correct",
    ),
    "foreign": (
        "{run: [./foreign]}",
        f"'./foreign' is built for s390x, but this machine is {platform.machine()}; build it for",
    ),
    "windows": ("{run: [./windows.exe]}", "'./windows.exe' is built for Windows; build it for"),
    "unpacked": (
        "{source: kit}",
        "module tarmac_nothing_of_the_kind is not installed for ",
    ),
}
if shutil.which("node"):
    CASES["node"] = ("{run: [node, needs.js]}", "missing environment variable API_KEY; set it")


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A system in which everything is wrong, once each of its services is in a crash loop."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / ".git").mkdir()
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    (folder / "foreign").write_bytes(elf(22))
    (folder / "windows.exe").write_bytes(b"MZ" + bytes(100))
    for name in EXECUTABLE:
        (folder / name).chmod(0o755)
    (folder / "locked").mkdir(mode=0o700)
    (folder / "locked").chmod(0o700 if os.getuid() == 0 else 0o500)
    box = Sandbox(folder)
    services = "".join(f"  {name}: {line}\n" for name, (line, _) in CASES.items())
    (folder / "tarmac.yaml").write_text(f"tarmac: 1\nsystem: broken\nservices:\n{services}")
    done = box.tarmac("up", "-d", "--timeout", "20")
    assert done.returncode == 1, done.stderr
    for name in CASES:
        box.until(name, lambda node: node["restarts"] >= 1)
    yield box
    box.tarmac("down")


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_with_a_service_is_said_with_what_to_do(broken, name):
    node = broken.node(name)
    _, expected = CASES[name]
    port = next(iter(node["ports"].values()), 0)
    assert expected.format(port=port) in node["cause"], node


def test_a_task_that_fails_says_why_and_its_service_waits(sandbox):
    sandbox.write(
        """
        tarmac: 1
        system: small
        services:
          web: {run: [sleep, '60'], tasks: {migrate: {run: [no-such-program, up]}}}
        """
    )
    done = sandbox.tarmac("up", "-d", "--timeout", "20")
    assert done.returncode == 1
    assert "likely cause: 'no-such-program' is not on PATH; install it, or" in done.stdout
    assert sandbox.node("web")["detail"] == "waits for web.migrate"


def test_up_waits_for_the_next_try_of_a_task_that_was_repaired(sandbox):
    sandbox.write(
        f"""
        tarmac: 1
        system: small
        services:
          web:
            run: [sleep, '60']
            tasks: {{migrate: {{run: [{PYTHON}, migrate.py]}}}}
        """
    )
    (sandbox.folder / "migrate.py").write_text("raise SystemExit('no such table')")
    assert sandbox.tarmac("up", "-d", "--timeout", "20").returncode == 1
    sandbox.until("web.migrate", lambda node: node["state"] == "crash-loop")
    # Longer than the pause before the next try is over: the verb asks for it at once.
    (sandbox.folder / "migrate.py").write_text("import time; time.sleep(1)")
    done = sandbox.tarmac("up", "-d", "--timeout", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sandbox.node("web.migrate")["state"] == "done"


def test_the_last_lines_and_the_exit_status_are_shown(broken):
    node = broken.node("exits")
    assert node["exit_status"] == 3
    assert node["last_lines"][-1] == "two: the last words"
    shown = broken.tarmac("ps").stdout
    assert "  two: the last words" in shown
    assert "likely cause: missing environment variable API_KEY" in shown


def test_a_service_that_goes_on_failing_is_in_a_crash_loop(broken):
    node = broken.until("exits", lambda node: node["state"] == "crash-loop")
    assert node["restarts"] >= 5
    assert "ended with exit status 3; next try in" in node["detail"]


def test_a_port_that_somebody_has_names_them(sandbox):
    (sandbox.folder / "listen.py").write_text(LISTEN)
    with subprocess.Popen([PYTHON, "listen.py", str(TAKEN)], cwd=sandbox.folder) as other:
        try:
            sandbox.write(
                f"""
                tarmac: 1
                system: small
                services:
                  {web("front", TAKEN, ", listen: fixed")}
                """
            )
            while str(TAKEN) not in sandbox.tarmac("up", "-d").stderr:
                assert other.poll() is None
                sandbox.tarmac("down")
            refused = sandbox.tarmac("up", "-d")
        finally:
            other.kill()
    assert refused.returncode == 1
    who = f"pid {other.pid} ({Path(PYTHON).name} listen.py)"
    assert f"port {TAKEN} is taken by {who}; stop that program" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_port_that_another_of_the_system_has_is_not_asked_for_again_and_again(sandbox):
    (sandbox.folder / "listen.py").write_text(LISTEN)
    number = PORT + 6
    sandbox.write(
        f"""
        tarmac: 1
        system: small
        services:
          first: {{run: [sh, -c, "sleep 1; exec {PYTHON} listen.py {number}"]}}
          second:
            run: [sh, -c, "sleep 3; exec {PYTHON} listen.py {number}"]
            port: {number}
            listen: fixed
        """
    )
    refused = sandbox.tarmac("up", "-d")
    assert refused.returncode == 1
    lines = (refused.stdout + refused.stderr).splitlines()
    said = [line for line in lines if line.startswith(("second backoff", "second crash-loop"))]
    assert f"second crash-loop: port {number} is taken by " in said[-1]
    assert len(said) == len(set(said)) <= 6


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("mount"), reason="mounts a small disk")
def test_a_full_disk_is_said_and_no_traceback(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tarmac-test", str(disk)], check=False
    )
    if mounted.returncode:
        pytest.skip("no disk may be mounted here")
    try:
        box = Sandbox(disk)
        (disk / ".git").mkdir()
        (disk / "tarmac.yaml").write_text(
            f"tarmac: 1\nsystem: small\nservices:\n  web: {{run: [sleep, '9'], port: {PORT}}}\n"
        )
        with (disk / "filler").open("wb") as filler:
            filler.write(bytes(40_000))
        done = box.tarmac("up", "-d", "--timeout", "5")
        box.tarmac("down")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "No space left on device" in said or "disk is full" in said or "make room" in said
    assert "Traceback" not in said


@pytest.mark.servers
def test_data_of_another_major_version_names_both(sandbox):
    sandbox.write(
        """
        tarmac: 1
        system: small
        services:
          job: {run: [sleep, '60'], env: {DB: "${stores.db.url}"}}
        stores: {db: postgres}
        """
    )
    sandbox.up()
    sandbox.tarmac("down")
    (sandbox.folder / ".tarmac/default/nodes/db/data/PG_VERSION").write_text("12\n")
    failed = sandbox.tarmac("up", "-d", "--timeout", "30")
    assert failed.returncode == 1
    assert (
        "likely cause: its data was written by PostgreSQL 12, but 18 runs here; set `version: 12`"
        in (failed.stdout)
    )
