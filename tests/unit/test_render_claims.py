"""A claim of a database gets what its size says; Crossplane's own schemas take the files."""

from __future__ import annotations

import pytest
import yaml
from rendered import KINDS, RENDERERS, ROOT, artifacts_of, plan_of, system_of

from tarmac.base.errors import BadInput
from tarmac.check.schemas import archive
from tarmac.check.schemas.check import Schemas
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

FOLDER = "crossplane/"


def files():
    made = artifacts_of("shop", "production")
    return {a.path.removeprefix(FOLDER): a.data for a in made if a.path.startswith(FOLDER)}


def production(edit):
    """Render the shop's production after an edit of its `infrastructure`."""
    path = "systems/shop/tarmac.yaml"
    model = yaml.safe_load((ROOT / path).read_bytes())
    edit(model["environments"]["production"]["infrastructure"])
    own = {path: yaml.safe_dump(model, sort_keys=False).encode()}
    system = load(path, lambda asked: own.get(asked) or (ROOT / asked).read_bytes())
    return artifacts(deploy(system, "production", KINDS), RENDERERS)


def resources():
    [step] = files()["composition.yaml"]["spec"]["pipeline"]
    return {one["name"]: one for one in step["input"]["resources"]}


def test_the_definition_offers_the_roadmaps_kind_engine_and_sizes():
    spec = files()["definition.yaml"]["spec"]
    assert spec["group"] == "platform.ecommerce.example.com"
    assert (spec["names"]["kind"], spec["scope"]) == ("Database", "Namespaced")
    assert files()["definition.yaml"]["metadata"]["name"] == f"databases.{spec['group']}"
    schema = spec["versions"][0]["schema"]["openAPIV3Schema"]
    asked = schema["properties"]["spec"]["properties"]["parameters"]["properties"]
    assert asked["size"]["enum"] == ["small", "medium", "large"]
    assert asked["engine"]["enum"] == ["postgresql"]


def test_each_size_is_a_class_and_aurora_is_a_cluster_with_an_instance():
    made = resources()
    assert made["cluster"]["base"]["kind"] == "Cluster"
    [patch] = made["instance"]["patches"]
    assert patch["toFieldPath"] == "spec.forProvider.instanceClass"
    assert patch["transforms"][0]["map"] == {
        "small": "db.t4g.medium", "medium": "db.r6g.large", "large": "db.r6g.xlarge",
    }  # fmt: skip
    cluster = made["cluster"]["base"]["spec"]["forProvider"]
    assert cluster["engine"] == "aurora-postgresql"
    assert cluster["storageEncrypted"] is True
    assert cluster["deletionProtection"] is True
    assert cluster["backupRetentionPeriod"] >= 7
    [aurora] = [s for s in plan_of("shop", "production").cloud.servers if s.name == "aurora"]
    assert cluster["engineVersion"] == aurora.version, "what Terraform makes has the same"


def test_a_developers_claim_is_in_the_services_namespace_and_leaves_a_secret():
    claim = files()["claims/my-service-db.yaml"]
    assert claim["kind"] == "Database"
    assert claim["metadata"]["namespace"] == "ecommerce-prod"
    assert claim["spec"]["parameters"] == {"size": "small", "engine": "postgresql"}
    paths = {patch["toFieldPath"]: patch for patch in resources()["cluster"]["patches"]}
    [named] = paths["spec.writeConnectionSecretToRef.name"]["transforms"]
    assert named["string"]["fmt"] == "%s-connection"


@pytest.mark.parametrize("name", ["definition", "composition", "provider", "function"])
def test_crossplanes_own_schemas_take_it(name):
    version = "1.36"
    schemas = Schemas(version, archive.read().origins(version), archive.read())
    data = files()[f"{name}.yaml"]
    assert [*schemas.problems(data)] == []
    wrong = {**data, "spec": {**data["spec"], "nonsense": 1}}
    assert [*schemas.problems(wrong)] != [], "no schema was asked"


def test_without_claims_nothing_of_crossplane_is_rendered():
    made = production(lambda wanted: wanted.pop("claims"))
    assert not [a.path for a in made if a.path.startswith(FOLDER)]


def test_a_size_that_is_not_offered_is_refused_at_its_line():
    with pytest.raises(BadInput, match="not offered; use small"):
        production(
            lambda wanted: wanted.update(
                claims={"sizes": {"small": "db.t4g.medium"}, "databases": {"a": "large"}}
            )
        )


def test_no_other_environment_has_a_claim():
    assert {
        name
        for name, environment in system_of("shop").file.environments.items()
        if environment.infrastructure and environment.infrastructure.claims
    } == {"production"}
