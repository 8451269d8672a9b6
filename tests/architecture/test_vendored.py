"""The dashboard's libraries: as they were published, and nothing is loaded from elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tarmac.run.dashboard.server import STATIC

VENDOR = STATIC / "vendor"
LOCK = json.loads((VENDOR / "lock.json").read_text())
HASHES = {file: value for package in LOCK.values() for file, value in package["sha256"].items()}
#: An import or an export of another module: what it names.
IMPORT = re.compile(r"""(?<!["'])\b(?:import|from)\s*\(?\s*["']([^"'\n]+)["']""")
REMOTE = re.compile(r"""(?:src|href|url|fetch|import|from)\s*[=(]?\s*["'(]\s*(?:https?:)?//""")


def own() -> Iterator[Path]:
    return (path for path in STATIC.rglob("*") if path.is_file() and VENDOR not in path.parents)


def test_each_file_is_as_it_was_brought():
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.name != "lock.json"
    }
    assert found == HASHES, "run .ci/vendor after a change of lock.json"


@pytest.mark.parametrize("package", LOCK.values(), ids=LOCK)
def test_each_package_has_its_licence_beside_it(package):
    assert package["license"] in ("MIT", "Apache-2.0")
    assert any(target.endswith(".LICENSE") for target in package["files"].values())


def test_each_import_names_a_file_that_is_there():
    scripts = [*STATIC.glob("*.js"), *VENDOR.glob("*.js")]
    assert len(scripts) > len(HASHES) / 2
    for script in scripts:
        for named in IMPORT.findall(script.read_text()):
            assert named.startswith("."), (script.name, named)
            assert (script.parent / named).is_file(), (script.name, named)


def test_each_library_is_used():
    scripts = [*STATIC.glob("*.js"), *VENDOR.glob("*.js"), STATIC / "index.html"]
    text = "".join(script.read_text() for script in scripts)
    unused = [name for name in HASHES if not name.endswith(".LICENSE") and f"/{name}" not in text]
    assert unused == []


def test_nothing_is_loaded_from_elsewhere():
    for path in own():
        assert not REMOTE.search(path.read_text()), path.name


def test_each_script_is_asked_for_before_another_imports_it():
    page = (STATIC / "index.html").read_text()
    scripts = [*STATIC.glob("*.js"), *VENDOR.glob("*.js")]
    absent = [one.name for one in scripts if f'"/static/{one.relative_to(STATIC)}"' not in page]
    assert absent == []
