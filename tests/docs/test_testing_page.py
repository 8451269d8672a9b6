"""The page about tests of the whole system: its files, written out, are a suite that passes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tarmac.base import registry
from tarmac.catalog import stores
from tarmac.testing import System

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/test-the-whole-system.md").read_text()
INI = """
[pytest]
filterwarnings = error
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""
#: That the state kept in a fixture is the one to go back to is said in the text.
KEPT = """
def test_the_customer_of_the_fixture_is_there(shop_with_a_customer, fresh):
    account = {"email": "eve@example.com", "password": "correct horse battery"}
    client = shop_with_a_customer.client("api-gateway")
    assert client.post("/api/users/login", json=account).status == 200
"""


def files() -> dict[str, str]:
    """Put the page's Python blocks together by the file that their first line names."""
    found: dict[str, str] = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        name = re.match(r"# (\S+\.py)\n", block)[1]
        found[name] = found.get(name, "") + block + "\n\n"
    return found


@pytest.mark.e2e
def test_the_suite_of_the_page_passes(tmp_path: Path):
    for name, text in files().items():
        (tmp_path / name).write_text(text)
    (tmp_path / "test_z_kept.py").write_text(KEPT)
    (tmp_path / "pytest.ini").write_text(INI)
    (command,) = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert command == "pytest\n"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *("--rootdir", str(ROOT), "-c", "pytest.ini", "."),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    asked = "".join(files().values()).count("def test_") + 1
    assert f"{asked} passed" in done.stdout


def test_every_kind_that_goes_back_is_on_the_page_with_what_does():
    kinds = registry.load(stores, "STORE").values()
    rows = {f"| {kind.title} | {kind.reset.what} |" for kind in kinds if kind.reset is not None}
    assert len(rows) >= 8
    assert rows <= set(PAGE.splitlines())


def test_the_table_of_the_page_names_what_a_system_offers():
    named = set(re.findall(r"`system\.(\w+)", PAGE))
    offered = {name for name in vars(System) if not name.startswith("_")}
    assert named <= offered
    assert offered - named <= {"namespace", "mark", "troubles", "fresh", "left", "share_secrets"}
