"""The page about one service in a debugger, typed as it stands, over a shop of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tarmac.base import dotenv

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/debug-one-service.md").read_text()
TARMAC = Path(sys.executable).with_name("tarmac")
NAMESPACE = f"debug-{os.getpid()}"
ENV_FILE = ".env.order-service"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not shutil.which("curl"), reason="the page's commands need curl"),
]


def block(heading: str, language: str = "sh") -> str:
    """Return a section's blocks of a language, joined."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL))


class Reader:
    """Somebody who types what the page says; only the copy is another than the page's."""

    def __init__(self, folder: Path) -> None:
        programs = folder / "bin"
        programs.mkdir()
        shim = programs / "tarmac"
        fast = 'test "$verb" = up && set -- --fast-stores "$@"'
        shim.write_text(
            f'#!/bin/sh\nverb=$1\nshift\n{fast}\nexec {TARMAC} "$verb" -n {NAMESPACE} "$@"\n'
        )
        shim.chmod(0o755)
        self.folder = folder
        path = f"{programs}{os.pathsep}{TARMAC.parent}{os.pathsep}{os.environ['PATH']}"
        self.env = {**os.environ, "PATH": path, "NO_COLOR": "1"}

    def script(self, text: str) -> list[str]:
        text = text.replace(ENV_FILE, str(self.folder / ENV_FILE))
        if "localhost:3003" in text:
            text = text.replace("http://", "").replace("localhost:3003", self.node()["url"])
        return ["bash", "-e", "-o", "pipefail", "-c", text]

    def types(self, text: str, codes: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            self.script(text),
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
        assert done.returncode in codes, done.stdout + done.stderr
        return done.stdout

    def node(self) -> dict:
        shown = json.loads(self.types("tarmac ps shop --json", (0, 1)))
        return next(node for node in shown["nodes"] if node["name"] == "order-service")

    def until(self, state: str) -> dict:
        end = time.monotonic() + 40
        while (node := self.node())["state"] != state:
            assert time.monotonic() < end, node
            time.sleep(0.1)
        return node


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory):
    found = Reader(tmp_path_factory.mktemp("debugging"))
    yield found
    found.types("tarmac down shop --delete-data")


def test_the_page_is_true_from_the_first_line_to_the_last(reader: Reader):
    said = reader.types(block("Leave it out"))
    assert "order-service is not managed (--without)" in said
    assert reader.node()["state"] == "outside"

    terminal, _, look = block("Start it in your terminal").partition("\n\n")
    assert terminal == "tarmac run shop order-service"
    mine = subprocess.Popen(
        reader.script(f"exec {terminal}"), cwd=ROOT, env=reader.env, stdout=subprocess.DEVNULL
    )
    try:
        assert reader.until("healthy")["detail"] == "started outside Tarmac"
        assert "started outside Tarmac" in reader.types(look)
    finally:
        mine.terminate()
        mine.wait(20)
    reader.until("outside")

    command = reader.types(block("Start it in your IDE"))
    (launch,) = json.loads(block("Start it in your IDE", "json"))["configurations"]
    started = f"python -m {launch['module']} {' '.join(launch['args'])}"
    assert command.rstrip().endswith(started.removeprefix("python"))
    values, wrong = dotenv.parse((reader.folder / ENV_FILE).read_text())
    assert wrong == ()
    debugger = subprocess.Popen(
        [sys.executable, "-m", launch["module"], *launch["args"]],
        cwd=launch["cwd"].replace("${workspaceFolder}", str(ROOT)),
        env={"PATH": os.environ["PATH"], **values},
        stdout=subprocess.DEVNULL,
    )
    try:
        reader.until("healthy")
        said = reader.types(block("Run something beside it"))
        assert f"order-service in {ROOT}/services/orders: postgresql" in said
        assert " passed" in said
        assert "your process still runs" in reader.types(block("Go back"))
        assert reader.node()["pid"] not in (None, debugger.pid)
    finally:
        debugger.terminate()
        debugger.wait(20)
