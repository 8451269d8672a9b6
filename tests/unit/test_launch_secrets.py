"""A secret's path is written and read in one place."""

from __future__ import annotations

import base64
import subprocess

import pytest
from demo_system import DEMO, KINDS, demo, facts_for

from tarmac.base.launch import Secret, ServiceSecret, SharedSecret, StoreSecret, secrets_of
from tarmac.plan.resolve import resolve
from tarmac.render.compose.parts.secret_script import BASE64
from tarmac.run.local.state import vault


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


def test_a_generated_value_has_the_form_and_length_that_its_list_says():
    listed = "port: 8000\n        secrets: [A, {B: {bytes: 32, form: base64}}, {C: {bytes: 32}}]\n"
    system = demo(DEMO.replace("port: 8000\n", listed, 1))
    plan = resolve(system, "local", facts_for(system), KINDS)
    found = {s.path.rpartition("/")[2]: s for n in plan.nodes for s in secrets_of(n.launch)}
    values = {name: vault.generated(found[name]) for name in "ABC"}
    assert len(bytes.fromhex(values["A"])) == 24
    assert len(base64.urlsafe_b64decode(values["B"])) == 32
    assert len(bytes.fromhex(values["C"])) == 32


def test_a_secret_that_several_list_has_the_form_that_one_of_them_says():
    one = "port: 8000\n        secrets: [A]\n"
    other = "port: 8080\n        secrets: [{A: {bytes: 32, form: base64}}]\n"
    text = DEMO.replace("port: 8000\n", one, 1).replace("port: 8080\n", other, 1)
    system = demo(text.replace("    stores:\n", "    secrets: [A]\n    stores:\n", 1))
    plan = resolve(system, "local", facts_for(system), KINDS)
    found = {s for n in plan.nodes for s in secrets_of(n.launch) if s.path == "shared/A"}
    assert {(secret.size_bytes, secret.form) for secret in found} == {(32, "base64")}


def test_the_script_of_compose_makes_base64_for_addresses():
    line = f"{BASE64}; random_base64 32"
    made = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
    assert len(made) == 44
    assert len(base64.urlsafe_b64decode(made)) == 32
