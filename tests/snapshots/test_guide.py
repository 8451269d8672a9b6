"""The commands of the guide work one after another, as a reader types them."""

from __future__ import annotations

import re
import shlex

import pytest
from copies import ROOT
from sandbox import PORT, Sandbox, web

GUIDE = ROOT / "docs/how-to/keep-and-restore-data.md"
SYSTEM = f"""
    tarmac: 1
    system: small
    services: {{{web("web", PORT, ", stores: {db: db}")}}}
    stores: {{db: postgres}}
    """

pytestmark = pytest.mark.timeout(300)


def test_the_commands_of_the_guide_work_in_their_order(sandbox: Sandbox):
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) == 8
    sandbox.write(SYSTEM)
    sandbox.up()
    for line in commands:
        program, *words = shlex.split(line)
        assert program == "tarmac"
        done = sandbox.tarmac(*words)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
