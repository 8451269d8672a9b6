"""How long an edit of a foreign program with a task takes to be served, beside doing both by hand.

Ours: the file is saved while `up --watch` runs, and the wire is asked until the new code answers.
Theirs: the file is saved, the task's line is run by a shell, the process gets SIGTERM, is waited
for and started again, and is asked until it answers. The task is one that `init` writes: it looks
whether packages are installed.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from bench.copies import copy, ended, environment, until
from bench.figure import Figure, sized

EDITS = sized(30, 2)
TASK = "test -e installed || (sleep 1 && touch installed)"
APP = """
import http.server, os, signal, threading
from words import WORD

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(WORD.encode())
    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever(0.01)
"""
SYSTEM = f"""
tarmac: 1
system: edited
services:
  edited:
    run: [{sys.executable}, app.py]
    port: 18081
    watch: [app.py, words.py]
    tasks: {{install: {{run: "{TASK}", here: true}}}}
"""


def measure() -> list[Figure]:
    """Return the median over the edits, in seconds."""
    ours: list[float] = []
    theirs: list[float] = []
    with copy(SYSTEM) as system:
        hand = system.folder / "by-hand"
        hand.mkdir()
        for folder in (system.folder, hand):
            (folder / "app.py").write_text(APP, encoding="utf-8")
            _save(folder, "first")
        system.tarmac("up", "-d", "--watch")
        url = next(node["url"] for node in system.nodes() if node["role"] == "service")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = _start(hand, port)
        try:
            for number in range(EDITS + 1):
                # Of another size each time: Python would run what it compiled before.
                word = f"word {'x' * number}"
                begun = time.perf_counter()
                _save(system.folder, word)
                until("the edit", lambda word=word: _answer(url) == word)  # type: ignore[misc]
                took_s = time.perf_counter() - begun
                begun = time.perf_counter()
                _save(hand, word)
                subprocess.run(["sh", "-c", TASK], cwd=hand, check=True)
                ended(process)
                process = _start(hand, port)
                own = f"http://127.0.0.1:{port}"
                until("by hand", lambda word=word, own=own: _answer(own) == word)  # type: ignore[misc]
                if number:  # the first of each fills caches, and runs the task
                    ours.append(took_s)
                    theirs.append(time.perf_counter() - begun)
        finally:
            ended(process)
    how = (
        "a program of the standard library whose task looks for its packages; theirs: the task, "
        f"SIGTERM, wait, start again; {EDITS} edits each, in turns; asked every 5 ms"
    )
    name = "edit to served, with a task, median"
    return [Figure(name, "s", statistics.median(ours), statistics.median(theirs), how)]


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=folder,
        env=environment(PORT=str(port)),
        stdout=subprocess.DEVNULL,
    )


def _save(folder: Path, word: str) -> None:
    beside = folder / "words.new"
    beside.write_text(f"WORD = {word!r}\n", encoding="utf-8")
    beside.replace(folder / "words.py")


def _answer(url: str) -> str:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())
    return ""
