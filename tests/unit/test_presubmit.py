"""The presubmit sees the same programs and variables on every machine, and skips nothing unseen."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from presubmit import Presubmit, environment, is_listed

LISTED = {"tests/unit/test_a.py": ["this kernel"]}


def test_only_listed_programs_are_on_path(tmp_path):
    own = environment({"PATH": os.environ["PATH"]}, tmp_path, ["sh", "no-such-program"])
    scripts, links = own["PATH"].split(os.pathsep)
    assert scripts == str(Path(sys.executable).parent)
    assert [link.name for link in Path(links).iterdir()] == ["sh"]


def test_the_home_is_empty_and_only_settings_proxies_and_certificates_are_kept(tmp_path):
    kept = {"TARMAC_CRASH_ALL": "1", "https_proxy": "http://p", "SSL_CERT_FILE": "/a", "CI": "true"}
    dropped = {"KAFKA_HOME": "/k", "LANG": "C", "XDG_CACHE_HOME": "/c", "PYTHONPATH": "/p"}
    own = environment({**kept, **dropped}, tmp_path, [])
    assert list(Path(own["HOME"]).iterdir()) == []
    assert own.keys() == {*kept, "PATH", "HOME", "TARMAC_PATH_ONLY"}


@pytest.mark.parametrize(
    ("nodeid", "reason", "listed"),
    [
        ("tests/unit/test_a.py::test_it[1]", "Skipped: this kernel has none", True),
        ("tests/unit/test_a.py::test_it[1]", "Skipped: no kubectl", False),
        ("tests/unit/test_b.py::test_it", "Skipped: this kernel has none", False),
    ],
)
def test_a_skip_is_allowed_by_file_and_reason(nodeid, reason, listed):
    assert is_listed(nodeid, reason, LISTED) == listed


@pytest.mark.parametrize(("reason", "outcome"), [("this kernel", "skipped"), ("no go", "failed")])
def test_a_skipped_test_fails_unless_it_is_listed(reason, outcome, monkeypatch):
    monkeypatch.setattr("presubmit.TIERS", {"skipped": LISTED})
    item = SimpleNamespace(nodeid="tests/unit/test_a.py::test_it")
    report = SimpleNamespace(skipped=True, outcome="skipped", longrepr=("a.py", 1, reason))
    making = Presubmit().pytest_runtest_makereport(item)
    next(making)
    with pytest.raises(StopIteration):
        making.send(report)
    assert report.outcome == outcome


@pytest.mark.parametrize(
    ("path", "ignored"),
    [("tests/cluster", True), ("tests/e2e", None), ("tests/unit/test_a.py", None)],
)
def test_what_is_slow_as_a_whole_is_not_imported_unless_it_has_journeys(path, ignored):
    assert Presubmit().pytest_ignore_collect(Path(__file__).parents[2] / path) is ignored
