"""What `init` wrote for code of others renders a tree that a real API server takes as it stands."""

from __future__ import annotations

import pytest
from adopted import FORMS, adopt
from kube_api import objects
from kube_trees import define, namespace, put_as_it_is, take_away
from rendered import KINDS, RENDERERS

from tarmac.base.foreign import files
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

pytestmark = pytest.mark.servers


@pytest.fixture
async def wanted(kube, tmp_path, request):
    """List the objects of one code base's tree; what of them is there at the end is taken away."""
    box = adopt(request.param, tmp_path)
    plan = deploy(load(str(box.folder / "tarmac.yaml"), files.content), "kind", KINDS)
    listed = objects(artifacts(plan, RENDERERS))
    beside = namespace(plan.settings.ingress.namespace, {})
    assert not (await kube.apply(beside)).refused
    await define(kube, listed)
    yield listed
    await take_away(kube, listed)


@pytest.mark.parametrize("wanted", FORMS, indirect=True)
async def test_a_tree_of_adopted_code_is_taken_without_a_word(kube, wanted):
    await put_as_it_is(kube, wanted)
    assert {"Deployment", "Service", "NetworkPolicy"} <= {manifest["kind"] for manifest in wanted}
