"""A provider may be asked for in the file or on the command line, which wins."""

from __future__ import annotations

import pytest
from demo_system import DEMO, KINDS, demo

from tarmac.base.errors import BadInput
from tarmac.catalog.stores.kind import ProviderCandidate
from tarmac.run.local.host import providers


def chosen(main: str, *options: str) -> dict[str, str | None]:
    """Choose on a machine that has everything; return the provider asked for, by store."""
    asked: dict[str, str | None] = {}

    def find(kind, asked_version=None, asked_provider=None):
        return ProviderCandidate(asked_provider or "any", {}, "1", kind=kind.id)

    found = providers.choose(demo(main), KINDS, options, {}, find, lambda *_: ())
    asked.update({name: offer.provider for name, offer in found.offers.items()})
    return asked


BINARY = DEMO.replace("orders-db: postgres", "orders-db: {kind: postgres, provider: binary}")


def test_the_files_provider_is_taken_for_its_store_only():
    assert chosen(BINARY) == {"orders-db": "binary", "cache": "any", "broker": "any"}


@pytest.mark.parametrize("option", ["orders-db=docker", "postgres=docker"])
def test_the_command_line_wins_over_the_file(option):
    assert chosen(BINARY, option)["orders-db"] == "docker"


def test_a_provider_that_a_kind_has_not_is_reported_with_its_place():
    wrong = BINARY.replace("provider: binary", "provider: binray")
    with pytest.raises(BadInput) as caught:
        chosen(wrong)
    assert "systems/demo/tarmac.yaml:30:41: postgres has no provider 'binray'" in str(caught.value)
    assert "did you mean 'binary'?" in str(caught.value)
