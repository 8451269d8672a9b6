"""One cluster for these tests, with their systems in it; skipped where there is none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cluster
import cluster_entry
import cluster_issuing
import cluster_policies
import cluster_usage
import kube_images
import kube_trees
import pytest
from cluster import Cluster
from cluster_entry import Entry
from cluster_policies import Tried
from deployed import DeployedSystem
from docker_here import Docker
from shop_trouble import ShopTrouble, begin, end

FOLDER = Path(__file__).parent
#: The fixture of a system that tests ask for, and its name.
SYSTEMS = {"hello": "hello-dd", "shop": "shop"}
#: Fixtures of systems that one module deploys and deletes: not all of them run at once.
ALONE = {"trading": "trading"}
_CLUSTERS = contextlib.ExitStack()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """End it with the last test here: idle, it uses much of a core."""
    if nextitem is None or FOLDER not in nextitem.path.parents:
        _CLUSTERS.close()


@pytest.fixture(scope="session")
def programs() -> Path:
    """Find Kubernetes' programs, before anything is made that is of use with them alone."""
    try:
        return cluster.home()[0]
    except cluster.NoCluster as error:
        pytest.skip(str(error))


def _asked(request: pytest.FixtureRequest, known: Mapping[str, str]) -> list[str]:
    """Name the systems that tests of this session ask for, of those that are known."""
    here = [item for item in request.session.items if FOLDER in item.path.parents]
    fixtures = {name for item in here for name in getattr(item, "fixturenames", ())}
    return [system for name, system in known.items() if name in fixtures]


@pytest.fixture(scope="session")
def nodes(programs: Path, docker: Docker, images, request, tmp_path_factory) -> Cluster:
    """Start three nodes that have the images of all systems to come."""
    folder = tmp_path_factory.mktemp("images")
    own = kube_images.own(docker, programs, folder)
    asked = _asked(request, {**SYSTEMS, **ALONE})
    tags = {tag for system in asked for tag in kube_images.of(images, system, "kind")}
    if kube_images.NATS in tags:
        kube_images.broker_and_mail(docker, folder)
    files = [kube_images.save(docker, own, folder / "own.tar")]
    if tags:
        files.append(kube_images.save(docker, tags, folder / "systems.tar"))
    started = _CLUSTERS.enter_context(cluster.cluster(files))
    for file in files:
        file.unlink()
    print(f"three nodes ready after {started.started_s:.0f} s")
    return started


@pytest.fixture(scope="session")
def systems(nodes: Cluster, request, tmp_path_factory) -> Mapping[str, DeployedSystem]:
    """Deploy all of them at once; the third node, which tests take away, has none of their stores.

    Most of a deployment is waiting, and so it is with all that tests await of the shop.
    """
    laid_out = {
        name: DeployedSystem.lay_out(nodes, name, tmp_path_factory.mktemp(name))
        for name in _asked(request, SYSTEMS)
    }
    cluster_entry.prepare(nodes, laid_out.values())
    nodes.kubectl("cordon", "node3")
    with ThreadPoolExecutor() as pool:
        for done in pool.map(DeployedSystem.deploy, laid_out.values()):
            print(done.stdout.splitlines()[-1])
    nodes.kubectl("uncordon", "node3")
    for system in laid_out.values():
        system.sow()
    return laid_out


@pytest.fixture(scope="session")
def trouble(systems) -> ShopTrouble | None:
    """Bring trouble to the shop as soon as it is there: its tests are the last ones."""
    return begin(systems["shop"]) if "shop" in systems else None


@pytest.fixture(scope="session")
def hello(systems, trouble) -> DeployedSystem:
    """Give hello-dd in the cluster."""
    system: DeployedSystem = systems["hello-dd"]
    return system


@pytest.fixture(scope="session")
def shop(systems, trouble) -> DeployedSystem:
    """Give the shop in the cluster."""
    system: DeployedSystem = systems["shop"]
    return system


@pytest.fixture(scope="module")
def trading(nodes: Cluster, tmp_path_factory) -> Iterator[DeployedSystem]:
    """Deploy trading for the tests of one module, and delete its namespace after them."""
    system = DeployedSystem.lay_out(nodes, "trading", tmp_path_factory.mktemp("trading"))
    print(system.deploy().stdout.splitlines()[-1])
    system.sow()
    yield system
    nodes.kubectl("delete", "namespace", system.namespace, "--wait=false")


@pytest.fixture(scope="session")
def entries(nodes: Cluster, hello: DeployedSystem, shop: DeployedSystem) -> Mapping[str, Entry]:
    """Give each system's way in, of a shop that is well again."""
    if cluster_entry.program() is None:
        pytest.skip(cluster_entry.GET)
    if cluster_issuing.home() is None:
        pytest.skip(cluster_issuing.GET)
    kube_trees.fetched()
    if server := cluster_usage.program():  # it has its first figures when tests ask for them
        cluster_usage.begin(nodes, server)
    end(shop)
    return cluster_entry.begin(nodes, (hello, shop))


@pytest.fixture(scope="session")
def policed(nodes: Cluster, entries: Mapping[str, Entry]) -> Mapping[str, Tried]:
    """Have policies enforced from now on; gives what each pod has reached before and after."""
    felix = cluster_policies.home(nodes)
    if felix is None:
        pytest.skip(cluster_policies.GET)
    tried = {name: Tried.of(entry.system) for name, entry in entries.items()}
    for one in tried.values():
        one.try_now(one.open, limit_s=1)
    shop = entries["shop"].system
    cluster_policies.enforce(nodes, felix, shop.until)
    for one in tried.values():
        one.try_now(one.policed, limit_s=2)
    return tried
