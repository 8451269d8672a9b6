"""Every pod of every system is one that `restricted` lets in, and that the cluster can ask."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from objects import named, objects_of, pods_of
from rendered import TYPICAL, plan_of

from tarmac.base.launch import Secret

pytestmark = pytest.mark.parametrize(("system", "environment"), TYPICAL)


def test_every_pod_is_restricted_and_writes_to_no_image(system, environment):
    for pods in pods_of(system, environment):
        security = pods.spec["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert "hostNetwork" not in pods.spec
        for container in pods.containers:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["readOnlyRootFilesystem"] is True
            assert own["capabilities"] == {"drop": ["ALL"]}
        for volume in pods.spec["volumes"]:
            assert set(volume) - {"name"} <= {
                "configMap",
                "emptyDir",
                "persistentVolumeClaim",
                "projected",
                "secret",
            }


def test_every_container_says_what_it_needs_and_the_most_that_it_takes(system, environment):
    for pods in pods_of(system, environment):
        for container in pods.containers:
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert container["resources"]["limits"].keys() == {"cpu", "memory"}


def test_what_keeps_running_has_three_probes_on_ports_that_it_has(system, environment):
    for pods in pods_of(system, environment):
        if pods.of["kind"] not in ("Deployment", "StatefulSet"):
            continue
        container = pods.spec["containers"][0]  # what is beside it is not waited for
        open_there = {port["containerPort"] for port in container["ports"]}
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            probe = container[name]
            asked = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc")
            assert asked["port"] in open_there if asked else probe["exec"]["command"]


def test_no_object_holds_a_secrets_value_or_a_url_with_a_password(system, environment):
    paths = set()
    for workload in plan_of(system, environment).workloads:
        for setting in workload.env.values():
            paths |= {part.path for part in setting.value if isinstance(part, Secret)}
    assert paths
    for manifest in objects_of(system, environment, "ConfigMap"):
        for name, value in manifest["data"].items():
            address = urlsplit(value)
            assert address.password is None, name
            # A tracker's key may send and read nothing: it stands in every page.
            assert address.username is None or name == "SENTRY_DSN", name
    assert objects_of(system, environment, "Secret") == []


def test_a_store_has_one_server_with_a_disk_in_a_folder_of_its_own(system, environment):
    plan = plan_of(system, environment)
    for store in plan.stores:
        spec = named(system, environment, "StatefulSet", store.name)["spec"]
        assert spec["replicas"] == 1
        (claim,) = spec["volumeClaimTemplates"]
        assert claim["spec"]["resources"]["requests"]["storage"] == store.disk
        container = spec["template"]["spec"]["containers"][0]
        assert "command" not in container, "its image's entry point does the first set-up"
        (data,) = [mount for mount in container["volumeMounts"] if mount["name"] == "data"]
        assert (data["mountPath"], data["subPath"]) == (store.volumes["data"], "data")
        written = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert {"/tmp", *store.scratch} <= written
        assert spec["template"]["spec"]["terminationGracePeriodSeconds"] >= 30
