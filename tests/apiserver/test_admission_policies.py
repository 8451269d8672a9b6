"""POL008 refuses the policies of admission that a real API server refuses, and no others."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml
from small_system import GATES

from tarmac.base.artifact import Artifact, Format
from tarmac.check.gates.subject import Folder

pytestmark = pytest.mark.servers

FIXTURES = sorted(Path(__file__).parents[1].glob("gates/POL008/*.yaml"))
POLICIES = [
    policy
    for path in FIXTURES
    for text in yaml.safe_load(path.read_text())["files"].values()
    for policy in yaml.safe_load_all(text)
]


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_policy_is_refused_here_and_there(kube, policy):
    folder = Folder((Artifact("a.yaml", policy, format=Format.OBJECT),), date(2026, 11, 20))
    found = [one.what for one in GATES["POL008"].of_files(folder)]
    answer = (await kube.create(policy, dryRun="All")).refused
    assert bool(found) == bool(answer), (found, answer)
