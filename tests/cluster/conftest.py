"""One cluster for these tests, with their systems in it; skipped where there is none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cluster
import cluster_chaos
import cluster_entry
import cluster_issuing
import cluster_istio
import cluster_policies
import cluster_prometheus
import cluster_usage
import kube_images
import kube_trees
import pytest
import store_images
from cluster import Cluster
from cluster_entry import Entry
from cluster_policies import Tried
from deployed import DeployedSystem
from docker_here import Docker
from shop_trouble import ShopTrouble, begin, end

FOLDER = Path(__file__).parent
#: The fixture of a system that tests ask for, and its name.
SYSTEMS = {"hello": "hello-dd", "shop": "shop"}
#: Systems that run one after another, with the fixture `alone`: not all of them at once; and the
#: service of which there is another version.
ALONE = {"starter": "user-service", "trading": "market-service", "travel": "catalog"}
#: Fixtures whose parameter is a system that is deployed by itself.
PARAMETERS = (
    "alone",
    "disturbed",
    "filled",
    "followed",
    "grown",
    "lost",
    "meshed",
    "priced",
    "starter",
    "vaulted",
    "watched",
)
_CLUSTERS = contextlib.ExitStack()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """End the cluster after all that is in it: also of a session that was interrupted."""
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
def pulled(docker: Docker, images, request) -> Mapping[str, frozenset[str]]:
    """Build what the pods of each system run; gives the images' names by system."""
    specs = [getattr(item, "callspec", None) for item in request.session.items]
    given = {name: {s.params.get(name) for s in specs if s} for name in PARAMETERS}
    alone = given["alone"]
    asked = {*_asked(request, SYSTEMS), *set().union(*given.values())} - {None}
    built = {system: frozenset(kube_images.of(images, system, "kind")) for system in sorted(asked)}
    for system in alone - {None}:
        built[system] |= {kube_images.next_version(docker, system, ALONE[system])}
    return built


@pytest.fixture(scope="session")
def lacking(docker: Docker, pulled, tmp_path_factory) -> Mapping[str, str]:
    """Make the stand-ins of stores; gives why one is not there, by its name."""
    return store_images.make(
        docker, frozenset().union(*pulled.values()), tmp_path_factory.mktemp("stores")
    )


@pytest.fixture(scope="session")
def nodes(programs: Path, docker: Docker, pulled, lacking, tmp_path_factory) -> Cluster:
    """Start three nodes that have the images of all systems to come."""
    folder = tmp_path_factory.mktemp("images")
    own = kube_images.own(docker, programs, folder)
    files = [kube_images.save(docker, own, folder / "own.tar")]
    if tags := frozenset().union(*pulled.values()) - lacking.keys():
        files.append(kube_images.save(docker, tags, folder / "systems.tar"))
    started = _CLUSTERS.enter_context(cluster.cluster(files))
    for file in files:
        file.unlink()
    print(f"three nodes ready after {started.started_s:.0f} s")
    return started


@pytest.fixture(scope="session")
def metered(nodes: Cluster) -> None:
    """Have pods measured from now on."""
    server = cluster_usage.program()
    if server is None:
        pytest.skip(cluster_usage.GET)
    cluster_usage.begin(nodes, server)


@pytest.fixture(scope="session")
def authority(nodes: Cluster) -> bytes | None:
    """Give the certificate of the authority that signs for the entries, where there is one."""
    return cluster_entry.prepare(nodes)


@pytest.fixture(scope="session")
def litmus(nodes: Cluster, docker: Docker, tmp_path_factory) -> None:
    """Install LitmusChaos."""
    programs = cluster_chaos.home()
    if programs is None:
        pytest.skip(cluster_chaos.GET)
    cluster_chaos.begin(nodes, docker, programs, tmp_path_factory.mktemp("litmus"))


@pytest.fixture(scope="session")
def mesh(nodes: Cluster, docker: Docker, authority, tmp_path_factory) -> cluster_istio.Programs:
    """Install Istio as the shop's staging has it, where certificates can be had, too."""
    found = cluster_istio.programs()
    if found is None:
        pytest.skip(cluster_istio.GET)
    if authority is None:
        pytest.skip(cluster_issuing.GET)
    # Policies admit what scrapes by its namespace, which istioctl looks for.
    nodes.apply([kube_trees.namespace(cluster_prometheus.NAMESPACE, {})])
    cluster_istio.install(nodes, docker, found, ("shop", "staging"), tmp_path_factory.mktemp("it"))
    return found


@pytest.fixture(scope="session")
def systems(nodes: Cluster, authority, request, tmp_path_factory) -> Mapping[str, DeployedSystem]:
    """Deploy all of them at once; the third node, which tests take away, has none of their stores.

    Most of a deployment is waiting, and so it is with all that tests await of the shop.
    """
    laid_out = {
        name: DeployedSystem.lay_out(nodes, name, tmp_path_factory.mktemp(name))
        for name in _asked(request, SYSTEMS)
    }
    if authority is not None:
        for system in laid_out.values():
            cluster_entry.encrypt(system, authority)
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


@pytest.fixture(scope="module", params=ALONE)
def alone(
    nodes: Cluster, pulled, lacking, authority, request, tmp_path_factory
) -> Iterator[DeployedSystem]:
    """Deploy one system for the tests of a module, and delete its namespace after them."""
    name: str = request.param
    store_images.require(pulled[name], lacking)
    system = DeployedSystem.lay_out(nodes, name, tmp_path_factory.mktemp(name))
    if authority is not None:
        cluster_entry.encrypt(system, authority)
    print(system.deploy().stdout.splitlines()[-1])
    system.sow()
    yield system
    nodes.kubectl("delete", "namespace", system.namespace, "--wait=false")


def _need_an_entry() -> None:
    if cluster_entry.program() is None:
        pytest.skip(cluster_entry.GET)
    if cluster_issuing.home() is None:
        pytest.skip(cluster_issuing.GET)
    kube_trees.fetched()


@pytest.fixture(scope="module")
def entry(alone: DeployedSystem) -> Entry:
    """Give the way into the system that runs alone."""
    _need_an_entry()
    return cluster_entry.begin(alone.cluster, (alone,))[alone.system]


@pytest.fixture(scope="session")
def entries(nodes: Cluster, hello: DeployedSystem, shop: DeployedSystem) -> Mapping[str, Entry]:
    """Give each system's way in, of a shop that is well again."""
    _need_an_entry()
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
