"""The Terraform of the shop's two environments in AWS, planned once for each worker."""

from __future__ import annotations

import pytest
from terraformed import Planned, Terraform, offline_tree, tree, values_for


@pytest.fixture(scope="session")
def production(tmp_path_factory) -> Terraform:
    """Lay out production's, initialised, without an account."""
    folder = tmp_path_factory.mktemp("production")
    terraform = Terraform.of(offline_tree("shop", "production", folder))
    terraform.run("init", "-input=false")
    return terraform


@pytest.fixture(scope="session")
def planned(production) -> Planned:
    """Plan production."""
    return production.plan()


@pytest.fixture(scope="session")
def staged(production, tmp_path_factory) -> Planned:
    """Plan staging, with production's root and staging's values: the root is the same."""
    root = tree("shop", "staging", tmp_path_factory.mktemp("staging"))
    return production.plan(values_for("shop", "staging", root))
