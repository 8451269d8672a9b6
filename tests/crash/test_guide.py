"""The page about crash tests: its test finds what its service lacks, and passes without that."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/crash-tests.md").read_text()
INI = "[pytest]\nfilterwarnings = error\nasyncio_mode = auto\npythonpath = .\n"
INI += "asyncio_default_fixture_loop_scope = function\n"
TELL = '            await conn.execute("update pledges set told = true where name = $1", name)\n'
LATE = f"        async with database.connection() as conn:\n{TELL}"
ASKED = "            if not known:\n"

pytestmark = pytest.mark.servers


def run(folder: Path, server_url: str) -> subprocess.CompletedProcess[str]:
    (command,) = re.findall(r"^```sh\npytest (.*?)\n```", PAGE, re.MULTILINE)
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s"),
            *("--rootdir", str(folder), "-c", "pytest.ini", *command.split()),
        ],
        cwd=folder,
        env={**os.environ, "TEST_DATABASE_URL": server_url},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_test_of_the_page_fails_as_it_says_and_passes_once_the_service_is_right(
    tmp_path: Path, server_url: str
) -> None:
    files = re.findall(
        r"^```(?:python|sql)\n(?:#|--) (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL
    )
    assert [name for name, _ in files] == [
        "pledges.py",
        "migrations/0001_pledges.sql",
        "test_pledges.py",
    ]
    (tmp_path / "migrations").mkdir()
    for name, text in files:
        (tmp_path / name).write_text(text)
    (tmp_path / "pytest.ini").write_text(INI)
    failed = run(tmp_path, server_url)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    # Which of the steps in between it is depends on where the outbox's own steps fall.
    assert re.search(
        r"step \d+ \((after|before) sql .*\): 2 events, told \[\{'amount': 7\}", failed.stdout
    ), failed.stdout

    service = tmp_path / "pledges.py"
    wrong = service.read_text()
    assert wrong.count(LATE) == wrong.count(ASKED) == 1
    right = wrong.replace(LATE, "").replace(ASKED, TELL + ASKED)
    service.write_text(right)
    passed = run(tmp_path, server_url)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert re.search(
        r"pledge: pledges: N=\d+, \d+ tried, \d+ crashes, 0 not survived", passed.stdout
    )
