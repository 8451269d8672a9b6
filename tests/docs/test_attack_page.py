"""The page of the attacks names tests that are there."""

from __future__ import annotations

import re

import pytest
from rendered import ROOT

PAGE = ROOT / "docs/evidence/attack.md"
LINK = re.compile(r"\[([^\]]+)\]\(\.\./\.\./([^)]+\.py)\)")
NAMED = sorted(set(LINK.findall(PAGE.read_text(encoding="utf-8"))))


def test_each_finding_has_a_test():
    findings = PAGE.read_text(encoding="utf-8").partition("| Finding |")[2].splitlines()[2:]
    assert len(findings) > 20
    assert [line for line in findings if not LINK.search(line)] == []


@pytest.mark.parametrize(("name", "path"), NAMED)
def test_a_named_test_is_there(name, path):
    assert f"def test_{name.replace(' ', '_')}(" in (ROOT / path).read_text(encoding="utf-8")
