"""Crossplane's own controllers take what a platform team applies, and carry a claim out.

The provider for AWS does not run, and its definitions are not here: its two kinds take everything.
What is to be made in AWS is read from the objects that Crossplane makes for the provider.
"""

from __future__ import annotations

import asyncio
import copy

import apiserver
import crossplane
import pytest
from kube_api import client
from kube_trees import namespace
from rendered import artifacts_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
FOLDER = "crossplane/"
WAIT_S = 90
SIZES = {"small": "db.t4g.medium", "medium": "db.r6g.large", "large": "db.r6g.xlarge"}


def files():
    made = artifacts_of("shop", "production")
    return {a.path.removeprefix(FOLDER): a.data for a in made if a.path.startswith(FOLDER)}


def managed(api, kind):
    """Define a kind of the provider's, whose objects may say anything."""
    group, _, version = api.partition("/")
    plural = f"{kind.lower()}s"
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    one = {"name": version, "served": True, "storage": True, "subresources": {"status": {}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [{**one, "schema": {"openAPIV3Schema": anything}}],
        },
    }  # fmt: skip


async def until(holds):
    """Wait until something is there; return it."""
    async with asyncio.timeout(WAIT_S):
        while not (found := await holds()):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.2)
    return found


def condition(answer, name):
    """Return a condition's status; "" where it is not told yet."""
    told = answer.data.get("status", {}).get("conditions", ())
    return next((one["status"] for one in told if one["type"] == name), "")


async def taken(kube, *wanted):
    for manifest in wanted:
        said = await kube.apply(manifest)
        assert not said.refused, said.refused


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return tmp_path_factory.mktemp("crossplane")


@pytest.fixture(scope="module")
def crossed(tmp_path_factory, keys):
    """Start a control plane of its own: what Crossplane does would surprise others."""
    crossplane.program()
    if (programs := apiserver.home()) is None:
        pytest.skip(apiserver.GET)
    with apiserver.control_plane(programs, tmp_path_factory.mktemp("crossed")) as plane:
        for words in (
            ("apply", "--server-side", "-f", str(crossplane.definitions())),
            ("create", "namespace", crossplane.NAMESPACE),
        ):
            done = plane.kubectl(*words)
            assert done.returncode == 0, done.stderr
        with crossplane.started(plane, keys):
            yield plane


@pytest.fixture
async def platform(crossed):
    """Apply what the platform team applies; give a client and the claim of its kind."""
    made = files()
    async with client(crossed) as kube:
        await taken(kube, made["definition.yaml"], made["composition.yaml"])

        async def established():
            return condition(await kube.get(made["definition.yaml"]), "Established") == "True"

        await until(established)
        claim = made["claims/my-service-db.yaml"]
        await taken(kube, namespace(claim["metadata"]["namespace"], {}))
        yield kube, claim


@pytest.fixture
async def composing(platform, crossed, keys):
    """Have the function of the composition where Crossplane calls it, and the provider's kinds."""
    kube, claim = platform
    made = files()
    [step] = made["composition.yaml"]["spec"]["pipeline"]
    kinds = {(r["base"]["apiVersion"], r["base"]["kind"]) for r in step["input"]["resources"]}
    await taken(kube, *(managed(*kind) for kind in sorted(kinds)))
    with crossplane.function(crossed, keys) as address:
        revision = crossplane.revision(made["function.yaml"])
        await taken(kube, revision)
        status = {"status": {"endpoint": address, "capabilities": ["composition"]}}
        path = f"{await kube.path_of(revision)}/status"
        said = await kube.ask("PATCH", path, status, media="application/merge-patch+json")
        assert said.status == 200, said
        yield kube, claim


def sized(claim, size):
    other = copy.deepcopy(claim)
    other["metadata"]["name"] = f"{size}-db"
    other["spec"]["parameters"]["size"] = size
    return other


async def test_crossplane_makes_the_kind_of_a_claim_which_refuses_a_size_that_is_not_offered(
    platform,
):
    kube, claim = platform
    name = files()["definition.yaml"]["metadata"]["name"]
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
    made = await kube.ask("GET", path)
    [owner] = made.data["metadata"]["ownerReferences"]
    assert owner["kind"] == "CompositeResourceDefinition"
    assert condition(made, "Established") == "True"
    assert "huge" in (await kube.apply(sized(claim, "huge"))).refused
    assert not (await kube.apply(claim)).refused


async def test_a_claim_of_each_size_becomes_a_cluster_and_an_instance_of_its_class(composing):
    kube, claim = composing
    place = claim["metadata"]["namespace"]
    for size, wanted in SIZES.items():
        mine = sized(claim, size)
        await taken(kube, mine)

        async def composed(mine=mine):
            found = await kube.get(mine)
            named = found.data["spec"].get("crossplane", {}).get("resourceRefs", [])
            return named if {one["kind"] for one in named} >= {"Cluster", "ClusterInstance"} else []

        made = {}
        for one in await until(composed):
            path = await kube.path(one["apiVersion"], one["kind"], place, one["name"])
            made[one["kind"]] = (await kube.ask("GET", path)).data["spec"]
        cluster = made["Cluster"]["forProvider"]
        assert made["ClusterInstance"]["forProvider"]["instanceClass"] == wanted
        assert cluster["engine"] == "aurora-postgresql"
        assert cluster["storageEncrypted"] is cluster["deletionProtection"] is True
        assert cluster["backupRetentionPeriod"] >= 7
        assert made["Cluster"]["writeConnectionSecretToRef"]["name"] == f"{size}-db-connection"
