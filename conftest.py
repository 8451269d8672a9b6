"""How the suite runs: its two tiers, its order, who shares a worker, and what it may cost.

`make test` is the presubmit (tests/support/presubmit.py); `make test-all` runs all, also what
is `slow`. tests/tiers.yaml says which files are slow, and how much CPU time each folder may take.
"""

from __future__ import annotations

import gc
import os
import signal
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tiers import TIERS, names
from xdist.scheduler.loadscope import LoadScopeScheduling

pytest_plugins = ["by_topic", "cost", "docker_images", "ended", "flakes", "presubmit", "proving"]

#: Tests bring systems up without telemetry unless they say so: it is one more process for each.
os.environ["TARMAC_TELEMETRY"] = "0"
#: Text is asserted as everybody sees it who has set no locale, in one time zone.
os.environ |= {"LC_ALL": "C.UTF-8", "TZ": "UTC"}
time.tzset()


def _rank(item: pytest.Item) -> int:
    if item.get_closest_marker("e2e"):
        return 3
    if item.get_closest_marker("servers"):
        return 2
    return 0 if item.path.parent.name == "unit" else 1


def _kept_together(config: pytest.Config) -> dict[str, list[str]]:
    """Return the folders that run on one worker, by the name of their group."""
    more = TIERS["one_worker_of_presubmit"] if config.getoption("presubmit") else {}
    return {**TIERS["one_worker"], **more}


def _group(path: str, kept_together: dict[str, list[str]]) -> str:
    """Name what runs on one worker: a file, or folders that are kept together."""
    for name, folders in kept_together.items():
        if any(path.startswith(f"{folder}/") for folder in folders):
            return name
    return path


class _Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each group to one worker; xdist's own groups are lost with this pytest."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid.partition("::")[0], _kept_together(self.config))


# As its profile for CI: a busy machine is not a failure of what is tested.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if "CI" not in os.environ:
    settings.load_profile("busy")


def pytest_configure() -> None:
    """Have Ctrl-C end what tests start, also if a shell started the suite with `&`."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Look for garbage among what the tests make, and seldom: thousands of tests are none."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Have the workers share the tests by group."""
    return _Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort by cost, then by file: workers collect them in different orders."""
    kept = _kept_together(config)
    chains = [kept[name] for name in ("systems", "sessions", "services", "servers") if name in kept]
    order = {place: n for n, place in enumerate(place for chain in chains for place in chain)}
    parallel = bool(config.getoption("numprocesses", None)) or hasattr(config, "workerinput")
    items.sort(key=lambda item: (_rank(item), item.nodeid.partition("::")[0]))
    if parallel:
        # Each chain keeps one worker busy for as long as the others are with all the rest.
        items.sort(
            key=lambda item: min(
                (order[name] for name in names(item.nodeid) & order.keys()), default=len(order)
            )
        )
