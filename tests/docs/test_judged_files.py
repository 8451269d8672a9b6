"""The pages that show `verify --files` on a mistake show what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tarmac.base.places import RULES_FILE as FILE
from tarmac.check.verify.options import known_gates
from tarmac.cli.main import tarmac

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/judge-your-own-files.md"])
def test_a_page_shows_what_is_found_in_a_workflow_that_never_builds(page, monkeypatch):
    monkeypatch.chdir(ROOT / "tests/mistakes/output-without-needs")
    printed = CliRunner().invoke(tarmac, ["verify", "--files", "wrong"]).output
    text = (ROOT / page).read_text()
    (finding,) = [line.strip() for line in printed.splitlines() if "PIP001:" in line]
    assert finding in text
    assert printed.splitlines()[-1] in text


def test_the_rules_that_a_page_shows_hold_of_their_examples(tmp_path):
    page = (ROOT / "docs/how-to/judge-your-own-files.md").read_text()
    (shown,) = [block for block in page.split("```") if block.startswith("yaml\nrules:")]
    (tmp_path / FILE).write_text(shown.removeprefix("yaml\n"))
    assert {"ORG001", "ORG002"} <= known_gates(None, tmp_path).keys()
