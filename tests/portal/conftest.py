"""One Backstage for all tests of this folder, with the catalogues of the five systems."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import backstage
import pytest
from portal_trees import SYSTEMS, write_tree
from rendered import artifacts_of


@pytest.fixture(scope="session")
def forge(tmp_path_factory) -> Iterator[backstage.Served]:
    """Serve a repository of each system: its rendered files, beside the services' code."""
    folder: Path = tmp_path_factory.mktemp("forge")
    for name in SYSTEMS:
        write_tree(folder / name, artifacts_of(name, "repository"))
    with backstage.served(folder) as server:
        yield server


@pytest.fixture(scope="session")
def portal(forge, tmp_path_factory) -> Iterator[backstage.Backstage]:
    """Run Backstage with all of them."""
    targets = [f"{forge.url}/{name}/catalog-info.yaml" for name in SYSTEMS]
    with backstage.run(tmp_path_factory.mktemp("backstage"), forge.host, targets) as running:
        yield running
