"""The names that tool and kit share stand in two files, because neither imports the other."""

from __future__ import annotations

import importlib

PAIR = ("tarmac.model.conventions", "tarmac_kit.conventions")


def constants(module_name):
    """Return the public UPPER_CASE constants of a module by name."""
    module = importlib.import_module(module_name)
    return {k: v for k, v in vars(module).items() if k.isupper() and not k.startswith("_")}


def test_a_name_that_stands_in_both_files_has_the_same_value_in_both():
    tool, kit = (constants(name) for name in PAIR)
    shared = tool.keys() & kit.keys()
    assert shared, "the two files share no name at all; then they have drifted apart"
    assert {k: tool[k] for k in shared} == {k: kit[k] for k in shared}
