"""The schemas by which Tarmac judges entities without Backstage are those of that Backstage."""

from __future__ import annotations

import json
import subprocess

import backstage
from rendered import ROOT

ASSET = ROOT / "src/tarmac/assets/portal/entities.json"


def test_the_schemas_that_ship_are_those_of_the_installed_package():
    command = ["node", str(ROOT / ".ci/backstage.d/schemas.js"), str(backstage.program())]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == json.loads(ASSET.read_text())
    assert json.loads(printed)["package"] == "@backstage/catalog-model"
