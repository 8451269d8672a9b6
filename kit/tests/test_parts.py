"""Which parts a process serves: its arguments, or without any what its image says."""

from __future__ import annotations

import pytest

from tarmac_kit.serve import main


@pytest.mark.parametrize(
    ("argv", "parts", "said"),
    [
        ([], "tarmac_none tarmac_other", "tarmac_none: has no module tarmac_none"),
        (["tarmac_given"], "tarmac_none", "tarmac_given: has no module tarmac_given"),
        ([], "", "no package given; name one, as in tarmac_orders, or set PARTS"),
    ],
)
def test_arguments_come_first_and_then_the_setting(argv, parts, said, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["serve", *argv])
    monkeypatch.setenv("PARTS", parts)
    assert main() == 2
    assert said in capsys.readouterr().err
