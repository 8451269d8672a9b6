"""A secret's path is written and read in one place."""

from __future__ import annotations

import pytest

from tarmac.base.launch import Secret, ServiceSecret, SharedSecret, StoreSecret


@pytest.mark.parametrize(
    ("owner", "path"),
    [
        (StoreSecret("orders-db", "order-service"), "stores/orders-db/order-service"),
        (StoreSecret("orders-db", "external", "url"), "stores/orders-db/external/url"),
        (ServiceSecret("web", "SESSION_KEY"), "services/web/SESSION_KEY"),
        (SharedSecret("SIGNING_KEY"), "shared/SIGNING_KEY"),
    ],
)
def test_the_owner_of_a_secret_is_read_back_from_its_path(owner, path):
    secret = Secret.of(owner, 16)
    assert (secret.path, secret.size_bytes, secret.owner) == (path, 16, owner)


@pytest.mark.parametrize("path", ["", "shared", "stores/db", "stores/db/a/b/c", "users/db/a"])
def test_a_path_of_another_form_has_no_owner(path):
    with pytest.raises(ValueError, match=f"'{path}' is not the path of a secret"):
        _ = Secret(path).owner
