"""What the cheat sheet has of Terraform, typed from top to bottom, but for what asks AWS."""

from __future__ import annotations

import pytest
from sheet import typed
from terraformed import Terraform, offline_tree

pytestmark = pytest.mark.timeout(600)

#: What asks an account, and what reads a state that only an account has.
BEYOND = {"apply", "state"}
#: The state is in a file of this machine.
INSTEAD = {"-backend-config=backend.hcl": "-input=false"}


def test_the_page_can_be_typed_from_top_to_bottom(tmp_path):
    terraform = Terraform.of(offline_tree("shop", "production", tmp_path))
    commands = [command.argv for command in typed() if command.argv[0] == "terraform"]
    assert {argv[1] for argv in commands} > {"init", "validate", "plan", "show", "test"}
    for _, *words in commands:
        if words[0] not in BEYOND:
            terraform.run(*(INSTEAD.get(word, word) for word in words))
