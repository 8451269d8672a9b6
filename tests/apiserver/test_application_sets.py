"""Argo CD's own controller makes those Applications of rendered sets that Tarmac reads in them.

It runs beside an API server. Nothing syncs what it makes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apiserver
import argo_processes
import pytest
import yaml
from apiserver import ControlPlane
from argo_processes import NAMESPACE
from free_ports import free_ports
from kube_trees import namespace
from rendered import KINDS, RENDERERS, artifacts_of

from tarmac.base.artifact import Artifact
from tarmac.check.gates.views.argo.sets import expanded
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

pytestmark = [pytest.mark.servers, pytest.mark.timeout(200)]

ROOT = Path(__file__).parents[2]
SYSTEM, ENVIRONMENTS = "travel", ("dev", "stg", "prod", "dr")
CONTROLLER = "argocd-applicationset-controller"
WITHIN_S = 50.0
KIND = "applications.argoproj.io"


def sets_of(made: Sequence[Artifact]) -> list[dict[str, Any]]:
    """List the sets of a rendered tree."""
    return [dict(a.data) for a in made if a.data.get("kind") == "ApplicationSet"]


@pytest.fixture(scope="module")
def plane(tmp_path_factory) -> Iterator[ControlPlane]:
    """Start an API server that has Argo CD's kinds, and the controller of sets."""
    home, argo = apiserver.home(), argo_processes.home()
    if home is None:
        pytest.skip(apiserver.GET)
    if argo is None:
        pytest.skip(argo_processes.GET)
    folder = tmp_path_factory.mktemp("sets")
    with apiserver.control_plane(home, folder) as started:
        defined = [one for one in argo_processes.objects(argo) if "Definition" in one["kind"]]
        others = [one for one in argo_processes.objects(argo) if one not in defined]
        apply(started, [namespace(NAMESPACE, {}), *defined])
        until(lambda: started.kubectl("get", KIND, "-A").returncode == 0, started)
        apply(started, others)
        addresses = zip(("metrics", "probe", "webhook"), free_ports(3), strict=True)
        started.run(
            argo / CONTROLLER,
            f"--kubeconfig={started.kubeconfig}",
            f"--namespace={NAMESPACE}",
            *(f"--{name}-addr=127.0.0.1:{port}" for name, port in addresses),
            kubeconfig=started.kubeconfig,  # it asks by this one, and by the flag's as well
        )
        yield started


def until(true: Callable[[], bool], plane: ControlPlane) -> None:
    """Wait until something is so; where it never is, say what the controller says."""
    end = time.monotonic() + WITHIN_S
    while not true():
        ended = any(process.poll() is not None for process in plane.processes)
        assert not ended, plane.log(CONTROLLER)
        assert time.monotonic() < end, plane.log(CONTROLLER)
        time.sleep(0.2)


def apply(plane: ControlPlane, objects: Sequence[Mapping[str, Any]]) -> None:
    file = plane.folder / "applied.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    argv = ("apply", "--server-side", "--force-conflicts", "--validate=strict", f"-f={file}")
    done = plane.kubectl(*argv)
    assert done.returncode == 0, done.stderr


def applications(plane: ControlPlane) -> dict[str, dict[str, Any]]:
    """Give the Applications that are there and not to go, by name."""
    read = plane.kubectl("get", KIND, f"--namespace={NAMESPACE}", "--output=yaml")
    found = {one["metadata"]["name"]: one for one in yaml.safe_load(read.stdout)["items"]}
    return {name: one for name, one in found.items() if "deletionTimestamp" not in one["metadata"]}


@contextlib.contextmanager
def applied(plane: ControlPlane, made: Sequence[Artifact]) -> Iterator[list[dict[str, Any]]]:
    """Have a tree's projects and sets there; they and what was made of them go after the block."""
    projects = [dict(a.data) for a in made if a.data.get("kind") == "AppProject"]
    sets = sets_of(made)
    apply(plane, [*projects, *sets])
    try:
        yield sets
    finally:
        where = f"--namespace={NAMESPACE}"
        plane.kubectl("delete", "applicationsets.argoproj.io", "--all", where)
        # Nothing else takes away what belonged to a set, or what waits for its own objects to go.
        plane.kubectl("delete", KIND, "--all", where, "--wait=false")
        listed = plane.kubectl("get", KIND, where, "--output=name").stdout.split()
        if listed:
            free = ("--type=merge", '--patch={"metadata": {"finalizers": null}}')
            plane.kubectl("patch", *listed, where, *free)


def wanted(sets: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Give what Tarmac reads in sets, by name."""
    return {one["metadata"]["name"]: one for made in sets for one in expanded(made)}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_controller_makes_the_applications_that_are_read_in_a_set(plane, environment):
    with applied(plane, artifacts_of(SYSTEM, environment)) as sets:
        expected = wanted(sets)
        until(lambda: applications(plane).keys() == expected.keys(), plane)
        for name, made in applications(plane).items():
            assert made["spec"] == expected[name]["spec"], name
            for about in ("labels", "annotations", "finalizers"):
                asked = expected[name]["metadata"].get(about)
                assert not asked or made["metadata"].get(about) == asked, name


def test_a_new_service_is_one_application_more_and_one_that_is_gone_is_taken_away(plane):
    file = f"systems/{SYSTEM}/tarmac.yaml"
    text = (ROOT / file).read_text()
    new = "services:\n  reviews: {run: [npm, start], port: 4010}\n"
    files = {file: text.replace("services:\n", new, 1).encode()}
    system = load(file, lambda path: files.get(path) or (ROOT / path).read_bytes())
    with applied(plane, artifacts_of(SYSTEM, "prod")) as before:
        names = wanted(before).keys()
        until(lambda: applications(plane).keys() == names, plane)
        uids = {one["metadata"]["uid"] for one in applications(plane).values()}
        apply(plane, sets_of(artifacts(deploy(system, "prod", KINDS), RENDERERS)))
        until(lambda: applications(plane).keys() == {*names, "reviews-prod"}, plane)
        assert uids < {one["metadata"]["uid"] for one in applications(plane).values()}
        apply(plane, before)
        until(lambda: applications(plane).keys() == names, plane)
        assert uids == {one["metadata"]["uid"] for one in applications(plane).values()}
