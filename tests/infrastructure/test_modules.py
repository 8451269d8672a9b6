"""Each module's own tests, which are rendered beside it, and the root of the state's bucket."""

from __future__ import annotations

import json
import re

import pytest
from terraformed import Terraform, offline, tree

#: The provider has 700 MB: beside four busy loops it takes minutes to start.
pytestmark = pytest.mark.timeout(600)

BUCKET = "ecommerce-terraform-state-123456789012"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tree("shop", "production", tmp_path_factory.mktemp("modules"))


def test_every_module_keeps_what_its_tests_say(root):
    terraform = Terraform.of(root)
    terraform.run("init", "-backend=false", "-input=false")
    said = terraform.run("test")
    assert re.search(r"Success! (\d+) passed, 0 failed\.", said)
    asked = set(
        re.findall(r'source = "\./modules/(\w+)"', "".join(map(_text, root.glob("tests/*"))))
    )
    assert asked == {folder.name for folder in root.glob("modules/*")}


def test_the_bucket_of_the_state_is_private_encrypted_versioned_and_not_destroyed(root):
    (root / "state" / "offline_override.tf").write_text(offline())
    terraform = Terraform.of(root / "state")
    terraform.run("init", "-input=false")
    planned = terraform.plan()
    assert planned.one("aws_s3_bucket")["bucket"] == BUCKET
    [versioning] = planned.one("aws_s3_bucket_versioning")["versioning_configuration"]
    assert versioning["status"] == "Enabled"
    [rule] = planned.one("aws_s3_bucket_server_side_encryption_configuration")["rule"]
    [given] = rule["apply_server_side_encryption_by_default"]
    assert given["sse_algorithm"] == "aws:kms"
    blocked = planned.one("aws_s3_bucket_public_access_block")
    kinds = ("block_public_acls", "block_public_policy", "ignore_public_acls")
    assert {blocked[kind] for kind in (*kinds, "restrict_public_buckets")} == {True}
    assert "prevent_destroy = true" in _text(root / "state" / "main.tf")


def test_every_variable_and_output_is_described_and_every_variable_typed(root):
    files = [*root.rglob("variables.tf"), *root.rglob("outputs.tf"), root / "state" / "main.tf"]
    blocks = [
        (str(file.relative_to(root)), *found)
        for file in files
        for found in re.findall(
            r'^(variable|output) "(\w+)" \{\n(.*?)^\}', _text(file), re.MULTILINE | re.DOTALL
        )
    ]
    assert len(blocks) > 50
    assert [b[:3] for b in blocks if "  description = " not in b[3]] == []
    assert [
        b[:3]
        for b in blocks
        if b[1] == "variable" and not re.search("^  type +=", b[3], re.MULTILINE)
    ] == []


def test_nothing_but_this_provider_is_asked_for(root):
    terraform = Terraform.of(root)
    said = json.loads(terraform.run("version", "-json"))
    assert said["terraform_version"] >= "1.11"
    sources = {
        found
        for file in root.rglob("*.tf")
        for found in re.findall(r'^ +source += "([^."][^"]*/[^"]*)"', _text(file), re.MULTILINE)
    }
    assert sources == {"hashicorp/aws"}


def _text(path):
    return path.read_text(encoding="utf-8")
