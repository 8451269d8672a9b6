"""The extension of VS Code in its real workbench and extension host, which code-server brings.

`.ci/codeserver` brings it and `.ci/vsix` packages the extension; without them the test is skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tarmac.base.places import cache_folder

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
TARMAC = Path(sys.executable).with_name("tarmac")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
WAIT_MS = 90_000
SYSTEM = """\
tarmac: 1
system: corner
services:
  web:
    run: python3 -m http.server $PORT --bind 127.0.0.1
    port: 7000
    public: {}
    probe: {http: /}
  other: {run: python3 -m http.server $PORT --bind 127.0.0.1, port: 7001}
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  LEVEL: 5
"""


@pytest.fixture(scope="module")
def server() -> Path:
    found = sorted((cache_folder() / "programs").glob("code-server-*/out/node/entry.js"))
    if not found:
        pytest.skip("code-server is not here (.ci/codeserver brings it)")
    if CHROMIUM is None:
        pytest.skip("this machine has no Chromium (apt-get install chromium)")
    return found[-1]


@pytest.fixture(scope="module")
def package() -> Path:
    made = subprocess.run([ROOT / ".ci/vsix"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return Path(made.stdout.strip())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Make a workspace with a system of two services; what runs of it ends with the test."""
    home = tmp_path / "corner"
    home.mkdir()
    (home / "tarmac.yaml").write_text(SYSTEM)
    (home / "config.yaml").write_text(CONFIG)
    yield home
    subprocess.run([TARMAC, "down", "tarmac.yaml", "--delete-data"], cwd=home, check=False)


@pytest.fixture
def workbench(server: Path, package: Path, folder: Path, tmp_path: Path) -> Iterator[Page]:
    """Open the workspace in a browser, the extension installed and its view shown."""
    settings = tmp_path / "data/Machine/settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        json.dumps({"workbench.startupEditor": "none", "tarmac.command": str(TARMAC)})
    )
    options = ["--user-data-dir", tmp_path / "data", "--extensions-dir", tmp_path / "extensions"]
    command = ["node", server, "--config", tmp_path / "config.yaml", *options]
    subprocess.run([*command, "--install-extension", package], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    quiet = ["--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--auth", "none", "--bind-addr", address, *quiet],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _answers(f"http://{address}/healthz")
        expect.set_options(timeout=WAIT_MS)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(WAIT_MS)
            page.goto(f"http://{address}/?folder={folder}")
            page.get_by_role("tab", name="Tarmac").first.click()
            yield page
            browser.close()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _answers(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        with suppress(OSError):
            urllib.request.urlopen(url).close()
            return
        assert time.monotonic() < until, f"{url} gives no answer"
        time.sleep(0.1)


def run(page: Page, title: str) -> None:
    """Run a command by the palette."""
    page.keyboard.press("F1")
    page.keyboard.type(title)
    page.get_by_role("option", name=title).first.click()


def test_a_system_is_started_watched_and_corrected_from_the_editor(workbench: Page, folder: Path):
    tree = workbench.get_by_role("tree", name="Systems")
    expect(tree.get_by_role("treeitem", name=re.compile("^corner stopped"))).to_be_visible()
    expect(tree.get_by_role("treeitem", name=re.compile("^web stopped"))).to_be_visible()

    run(workbench, "Problems: Focus on Problems View")
    found = workbench.get_by_role("treeitem", name=re.compile("LEVEL.*at line 5"))
    expect(found.first).to_be_visible()

    run(workbench, "Tarmac: Start")
    workbench.get_by_role("option", name=re.compile("^corner")).first.click()
    expect(tree.get_by_role("treeitem", name=re.compile("^corner 2 of 2 well"))).to_be_visible()
    expect(tree.get_by_role("treeitem", name=re.compile("^web healthy"))).to_be_visible()

    (folder / "tarmac.yaml").write_text(SYSTEM.replace("7001", "70010"))
    run(workbench, "Problems: Focus on Problems View")
    expect(
        tree.get_by_role("treeitem", name=re.compile("^corner its file has errors"))
    ).to_be_visible()
    wrong = workbench.get_by_role("treeitem", name=re.compile("port is 70010.*at line 9"))
    expect(wrong.first).to_be_visible()

    (folder / "tarmac.yaml").write_text(SYSTEM)
    expect(tree.get_by_role("treeitem", name=re.compile("^corner 2 of 2 well"))).to_be_visible()
    expect(wrong).to_have_count(0)

    tree.get_by_role("treeitem", name=re.compile("^other")).click()
    expect(workbench.get_by_role("tab", name="tarmac.yaml").first).to_be_visible()
