"""The page about one's own repository, typed as it stands in a repository like the one it shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from free_ports import free_port

from tarmac.model.loader import load

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/tutorial/your-own-repository.md"
TARMAC = Path(sys.executable).with_name("tarmac")
FOREIGN = ROOT / "tests/foreign/notes"

needs_node = pytest.mark.skipif(
    not all(map(shutil.which, ("node", "npm", "curl"))),
    reason="the page's commands need node, npm and curl",
)


def blocks(language):
    """Return the page's blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def typed(script, folder, path):
    """Run commands as a reader's shell would."""
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


@pytest.fixture
def repository(tmp_path):
    """Lay out the repository that the page shows, with a default port that is free here."""
    port = str(free_port())
    folder = tmp_path / "notes"
    ignore = shutil.ignore_patterns("tarmac.yaml", "node_modules", ".tarmac")
    shutil.copytree(FOREIGN, folder, ignore=ignore)
    (folder / ".git").mkdir()
    server = folder / "server.js"
    server.write_text(server.read_text().replace("3000", port))
    # The commands of this environment; that uvx gets the same from the wheel, another test shows.
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "tarmac").symlink_to(TARMAC)
    (programs / "uvx").write_text(f'#!/bin/sh\nshift\nexec {TARMAC} "$@"\n')
    (programs / "uvx").chmod(0o755)
    yield folder, programs, port
    if (folder / ".tarmac").exists():
        typed("tarmac down", folder, programs)
        typed("tarmac down --namespace try", folder, programs)


@pytest.fixture
def installed(repository):
    """The repository, with the packages of its service."""
    try:
        got = subprocess.run(
            ["npm", "install", "--prefer-offline"],
            cwd=repository[0],
            capture_output=True,
            timeout=60,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        got = -1
    if got != 0:
        pytest.skip("npm could not install the example's packages")
    return repository


@needs_node
@pytest.mark.servers
def test_what_the_page_tells_to_type_works_from_the_first_line_to_the_last(installed):
    folder, programs, port = installed
    script = "\n".join(blocks("sh")).replace("localhost:3000", f"localhost:{port}")
    assert script.count(f"localhost:{port}") == 3
    done = typed(script, folder, programs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("buy milk") == 3, "made, listed, and still there with the new key"
    assert done.stdout.rstrip().endswith("stopped")


@needs_node
@pytest.mark.servers
def test_the_file_that_the_page_shows_is_the_one_that_init_writes(repository):
    folder, programs, port = repository
    written = typed("tarmac init --stdout", folder, programs)
    assert written.returncode == 0, written.stderr
    (shown,) = blocks("yaml")
    assert written.stdout.replace(port, "3000") == shown


def test_every_answer_of_the_last_table_loads():
    table = PAGE.read_text().partition("## When your programs")[2]
    rows = [
        re.findall(r"`((?:env|ports|probe|tasks|run|listen|volumes): [^`]+)`", row)
        for row in table.splitlines()
    ]
    assert sum(map(len, rows)) >= 10
    for entries in filter(None, rows):
        lines = {"run": "run: [node, server.js]", "port": "port: 3000"}
        for entry in entries:
            lines.pop("port" if entry.startswith("ports:") else entry.partition(":")[0], None)
        text = "".join(f"    {line}\n" for line in (*lines.values(), *entries))
        head = "tarmac: 1\nsystem: table\nservices:\n  catalog: {run: [node, a.js], port: 3001}\n"
        assert load("tarmac.yaml", lambda _, t=text, h=head: f"{h}  api:\n{t}".encode())
