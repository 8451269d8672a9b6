"""The pytest plugin: a whole system as a fixture, and fresh data for each test.

    # conftest.py
    from tarmac.pytest_plugin import tarmac_system
    system = tarmac_system("tarmac.yaml")

Loaded by every pytest of an environment that has Tarmac: it imports what it needs when it does.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tarmac.testing import System


class StaysWarning(UserWarning):
    """`fresh` leaves a store as it is."""


_UP = pytest.StashKey[list["System"]]()
_MARKS = pytest.StashKey[dict["System", Any]]()


def tarmac_system(
    file: str | Path = "tarmac.yaml",
    *,
    fast_stores: bool = True,
    stays: Sequence[str] = (),
    within_s: float | None = None,
    **options: Any,
) -> Any:
    """Make a session's fixture: the system is up before the first test that asks for it.

    It is a copy with a namespace and ports of its own, deleted at the end of the session.

    Args:
        file: its `tarmac.yaml` or that file's folder, below pytest's root folder or above it.
        fast_stores: give up durability, which a test does not need.
        stays: stores that `fresh` may leave as they are where it cannot put them back.
        within_s: how long to wait until it is healthy; None: as long as its probes may take.
        options: more of what `tarmac up` takes: without, scale, providers, direct.
    """

    @pytest.fixture(scope="session")
    def tarmac_system_fixture(request: pytest.FixtureRequest) -> Iterator[System]:
        from tarmac.base.errors import TarmacError  # noqa: PLC0415
        from tarmac.testing import running  # noqa: PLC0415

        up = request.config.stash.setdefault(_UP, [])
        found = _find(Path(file), request.config.rootpath)
        wanted = {"fast_stores": fast_stores, "within_s": within_s, **options}
        copy = running(found, name=str(len(up)) if up else "", stays=stays, **wanted)
        with contextlib.ExitStack() as stack:
            try:
                system = stack.enter_context(copy)
            except TarmacError as error:
                pytest.fail(f"{found}: {error}", pytrace=False)
            up.append(system)
            stack.callback(up.remove, system)
            yield system

    return tarmac_system_fixture


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> None:
    """Put the stores of the systems that are up back to what they held after their seeds."""
    up = request.config.stash.get(_UP, [])
    if not up:
        pytest.fail("fresh: no system is running; request its fixture as well", pytrace=False)
    for system in up:
        system.fresh()
        for store, why in system.left.items():
            told = f"{store}: not reset: {why}; tarmac_system(..., stays=['{store}']) accepts that"
            warnings.warn(told, StaysWarning, stacklevel=1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note what the systems have said before a test."""
    from tarmac.base.errors import TarmacError  # noqa: PLC0415

    marks = item.stash[_MARKS] = {}
    for system in item.config.stash.get(_UP, []):
        with contextlib.suppress(TarmacError):  # it has ended: a test that needs it will say so
            marks[system] = system.mark()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a test that failed what failed in its systems meanwhile."""
    report = yield
    if report.failed:
        from tarmac.base.errors import TarmacError  # noqa: PLC0415

        marks = item.stash.get(_MARKS, {})
        for system in item.config.stash.get(_UP, []):
            try:
                for name, text in system.troubles(marks.get(system, {})):
                    report.sections.append((f"tarmac: {name}", text))
            except TarmacError as error:
                report.sections.append((f"tarmac: {system.namespace}", str(error)))
    return report


def _find(file: Path, root: Path) -> Path:
    """Find a system's file below the root folder or above it."""
    for folder in (root, *root.parents):
        for candidate in (folder / file, folder / file / "tarmac.yaml"):
            if candidate.is_file():
                return candidate
    pytest.fail(f"{file}: no such file in {root} or above", pytrace=False)
