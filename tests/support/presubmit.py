"""Makes `make test` give the same on every machine: pytest's option `--presubmit`.

A plugin that conftest.py loads. The tests of the presubmit see what `uv sync` brought, the programs
that tests/tiers.yaml lists, an empty home, and few variables; Tarmac finds no other program, even
where one is installed. Slow tests are left out (by_topic.py), and a test that is skipped fails,
unless tests/tiers.yaml lists it.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tiers import PLACES, ROOT, TIERS

from tarmac.base.installed import find_program

#: Variables that tests keep: settings of the suite, proxies, certificates.
KEPT = re.compile(
    r"CI|TERM|TMPDIR|(COV|COVERAGE|GIT_CONFIG|PYTEST|TARMAC|UPDATE)_.*"
    r"|(?i:(all|https?|no)_proxy)|(SSL|PIP|NODE)_.*CERTS?.*|.*_CA_?BUNDLE|GIT_SSL_CAINFO"
    r"|PIP_(INDEX_URL|FIND_LINKS)|UV_(INDEX_URL|DEFAULT_INDEX)"
)


def environment(environ: Mapping[str, str], folder: Path, programs: list[str]) -> dict[str, str]:
    """Return the variables of a test run, and make the folders that they name.

    Args:
        environ: the variables of the shell.
        folder: an empty folder for the home and for links to the programs.
        programs: names of programs that tests may use; one that is not installed is left out.
    """
    links = folder / "bin"
    links.mkdir()
    (home := folder / "home").mkdir(mode=0o700)
    for name in programs:
        if found := find_program(name, environ.get("PATH", os.defpath)):
            (links / name).symlink_to(os.path.realpath(found))
    kept = {name: value for name, value in environ.items() if KEPT.fullmatch(name)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{links}"
    return kept | {"PATH": path, "HOME": str(home), "TARMAC_PATH_ONLY": "1"}


def is_listed(nodeid: str, reason: str, listed: Mapping[str, list[str]]) -> bool:
    """Tell whether a test may be skipped for this reason."""
    file = nodeid.partition("::")[0]
    return any(text in reason for text in listed.get(file, ()))


def is_left_out(path: Path) -> bool:
    """Tell whether a file or folder is slow as a whole."""
    place = path.relative_to(ROOT).as_posix()
    return place in PLACES and place != TIERS["journeys"]


class Presubmit:
    """Imports no file that is slow as a whole, and fails the tests that are skipped."""

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out files and folders that are slow as a whole; imports take seconds."""
        return True if is_left_out(collection_path) else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        report: Any = yield
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = str(report.longrepr[2] if report.longrepr else "")
            if not is_listed(item.nodeid, reason, TIERS["skipped"]):
                report.outcome = "failed"
                report.longrepr = (
                    f"{item.nodeid}: skipped in the presubmit ({reason}); list its file under "
                    "`slow` in tests/tiers.yaml"
                )
        return report


def turned(config: pytest.Config) -> list[str]:
    """List the folders of tests, beginning elsewhere in each worker.

    Each test file is compiled once: a worker finds in the cache what the others have compiled.
    """
    folders = [
        path.relative_to(config.rootpath).as_posix()
        for top in config.getini("testpaths")
        for path in sorted((config.rootpath / top).iterdir())
        if path.name.startswith("test_") or (path.is_dir() and not path.name.startswith(("_", ".")))
        if not is_left_out(path)
    ]
    given = getattr(config, "workerinput", {"workerid": "gw0", "workercount": 1})
    first = int(given["workerid"][2:]) * len(folders) // given["workercount"]
    return folders[first:] + folders[:first]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option by which `make test` runs the presubmit."""
    parser.addoption(
        "--presubmit", action="store_true", help="only what gives the same on every machine"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Replace the environment, once for all workers: they inherit it."""
    if not config.getoption("presubmit"):
        return
    config.pluginmanager.register(Presubmit(), "presubmit-tests")
    if config.args == config.getini("testpaths"):
        config.args[:] = turned(config)
    if hasattr(config, "workerinput"):
        return
    folder = Path(tempfile.mkdtemp(prefix="tarmac-test-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    own = environment(os.environ, folder, TIERS["programs"])
    os.environ.clear()
    os.environ.update(own)
