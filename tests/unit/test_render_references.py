"""Nothing in a rendered tree points into the void, and nothing is there twice."""

from __future__ import annotations

from collections import Counter

import pytest
from objects import objects_of, pods_of
from rendered import TYPICAL, artifacts_of, plan_of

from tarmac.render.kubernetes.parts import configs as _configs

pytestmark = pytest.mark.parametrize(("system", "environment"), TYPICAL)


def data_of(system, environment, kind):
    return {
        manifest["metadata"]["name"]: manifest for manifest in objects_of(system, environment, kind)
    }


def secret_keys(system, environment) -> dict[str, set[str]]:
    """List the keys of every Secret that External Secrets or the script makes."""
    found: dict[str, set[str]] = {}
    for manifest in objects_of(system, environment, "ExternalSecret"):
        target = manifest["spec"]["target"]
        found[target["name"]] = set(target["template"]["data"])
    for artifact in artifacts_of(system, environment):
        if artifact.path == "scripts/secrets.sh":
            for workload in plan_of(system, environment).workloads:
                keys = _configs.secrets_in(workload)
                name = _configs.secret_name(workload.name)
                written = {key for key in keys if f'"$work/{name}/{key}"' in artifact.content}
                if f"\nsecret {name} " in artifact.content:
                    found[name] = written
    return found


def test_no_identity_occurs_twice(system, environment):
    found = Counter(
        (o["apiVersion"], o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"])
        for o in objects_of(system, environment)
    )
    assert [identity for identity, count in found.items() if count > 1] == []


def test_every_key_of_a_config_map_or_secret_that_a_pod_asks_for_is_there(system, environment):
    configs = {n: o["data"] for n, o in data_of(system, environment, "ConfigMap").items()}
    secrets = secret_keys(system, environment)
    asked = 0
    for pods in pods_of(system, environment):
        for container in pods.containers:
            for source in container.get("envFrom", []):
                assert configs[source["configMapRef"]["name"]]
                asked += 1
            for variable in container.get("env", []):
                if "valueFrom" in variable:
                    reference = variable["valueFrom"]["secretKeyRef"]
                    assert reference["key"] in secrets[reference["name"]]
                    asked += 1
            held = {
                volume["name"]: configs[volume["configMap"]["name"]]
                if "configMap" in volume
                else secrets[volume["secret"]["secretName"]]
                for volume in pods.spec["volumes"]
                if "configMap" in volume or "secret" in volume
            }
            for mount in container.get("volumeMounts", []):
                if mount["name"] in held:
                    names = [s["configMapRef"]["name"] for s in container.get("envFrom", [])]
                    own = [configs[name] for name in names]
                    assert files_of(mount, own) <= {*held[mount["name"]]}
                    asked += 1
    assert asked > len(pods_of(system, environment))


def files_of(mount, configs):
    """Name the files of a mount that programs look for: one, or those of a folder."""
    if "subPath" in mount:
        return {mount["subPath"]}
    told = (value for config in configs for value in config.values())
    folder = f"{mount['mountPath']}/"
    return {value.removeprefix(folder) for value in told if value.startswith(folder)}


def test_every_mount_has_a_volume_and_every_volume_a_mount_and_a_claim(system, environment):
    claims = data_of(system, environment, "PersistentVolumeClaim")
    for pods in pods_of(system, environment):
        volumes = {volume["name"]: volume for volume in pods.spec["volumes"]}
        templates = pods.of["spec"].get("volumeClaimTemplates", [])
        known = {*volumes, *(template["metadata"]["name"] for template in templates)}
        used = {mount["name"] for c in pods.containers for mount in c.get("volumeMounts", [])}
        assert used == known
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims


def test_every_pod_has_an_identity_of_its_workload(system, environment):
    accounts = data_of(system, environment, "ServiceAccount")
    for pods in pods_of(system, environment):
        assert pods.spec["serviceAccountName"] in accounts
        assert pods.spec["automountServiceAccountToken"] is False


def test_a_service_selects_exactly_its_workloads_pods_and_their_ports(system, environment):
    every = pods_of(system, environment)
    for manifest in objects_of(system, environment, "Service"):
        spec = manifest["spec"]
        chosen = [p for p in every if spec["selector"].items() <= p.labels.items()]
        assert [p.of["kind"] for p in chosen] in (["Deployment"], ["StatefulSet"])
        (pods,) = chosen
        open_there = {p["containerPort"] for c in pods.spec["containers"] for p in c["ports"]}
        assert {port.get("targetPort", port["port"]) for port in spec["ports"]} <= open_there
        assert len({port["name"] for port in spec["ports"]}) == len(spec["ports"])


def test_controllers_select_their_own_pods_and_nobody_elses(system, environment):
    every = pods_of(system, environment)
    for pods in every:
        if pods.of["kind"] in ("Deployment", "StatefulSet"):
            wanted = pods.of["spec"]["selector"]["matchLabels"]
            assert [p.name for p in every if wanted.items() <= p.labels.items()] == [pods.name]
    services = data_of(system, environment, "Service")
    for manifest in objects_of(system, environment, "StatefulSet"):
        assert services[manifest["spec"]["serviceName"]]["spec"]["clusterIP"] == "None"


def test_routes_lead_to_services_and_ports_that_are_there(system, environment):
    ports = {
        name: {port["port"] for port in manifest["spec"]["ports"]}
        for name, manifest in data_of(system, environment, "Service").items()
    }
    backends = []
    for manifest in objects_of(system, environment, "Ingress"):
        for rule in manifest["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                backends.append((service["name"], service["port"]["number"]))
    for manifest in objects_of(system, environment, "HTTPRoute"):
        for rule in manifest["spec"]["rules"]:
            backends += [(b["name"], b["port"]) for b in rule.get("backendRefs", [])]
    assert backends
    assert [(name, port) for name, port in backends if port not in ports.get(name, ())] == []


def of_canary(canary):
    """Make the Service that Flagger makes for a new version."""
    service = canary["spec"]["service"]
    ports = [{"name": service["portName"], "port": service["port"]}]
    return {"metadata": {"labels": service["canary"]["labels"]}, "spec": {"ports": ports}}


def test_a_monitor_asks_a_port_of_a_service_that_its_policy_opens(system, environment):
    plan = plan_of(system, environment)
    services = {
        **data_of(system, environment, "Service"),
        **{n: of_canary(canary) for n, canary in data_of(system, environment, "Canary").items()},
    }
    policies = data_of(system, environment, "NetworkPolicy")
    for manifest in objects_of(system, environment, "ServiceMonitor"):
        name = manifest["metadata"]["name"]
        (endpoint,) = manifest["spec"]["endpoints"]
        (port,) = [
            p["port"] for p in services[name]["spec"]["ports"] if p["name"] == endpoint["port"]
        ]
        wanted = manifest["spec"]["selector"]["matchLabels"]
        assert wanted.items() <= services[name]["metadata"]["labels"].items()
        from_monitoring = [
            rule["ports"][0]["port"]
            for rule in policies[name]["spec"]["ingress"]
            if plan.settings.monitoring in str(rule["from"])
        ]
        assert from_monitoring == [port]


def test_external_secrets_ask_a_store_that_is_there(system, environment):
    stores = data_of(system, environment, "SecretStore")
    accounts = data_of(system, environment, "ServiceAccount")
    asked = {}
    for manifest in objects_of(system, environment, "ExternalSecret"):
        reference = manifest["spec"]["secretStoreRef"]
        assert reference["kind"] == "SecretStore"
        aws = stores[reference["name"]]["spec"]["provider"]["aws"]
        account = aws["auth"]["jwt"]["serviceAccountRef"]["name"]
        role = accounts[account]["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
        assert account == manifest["metadata"]["labels"]["app.kubernetes.io/name"]
        granted = plan_of(system, environment).roles[account]
        assert role == granted.arn
        keys = {entry["remoteRef"]["key"] for entry in manifest["spec"]["data"]}
        asked[account] = keys | asked.get(account, set())
        assert aws["region"] == plan_of(system, environment).settings.region
    for account, keys in asked.items():
        granted = plan_of(system, environment).roles[account]
        assert keys == set(granted.secrets), "it reads what its pods are told, and no more"


def test_names_are_such_as_the_api_takes(system, environment):
    for manifest in objects_of(system, environment):
        assert len(manifest["metadata"]["name"]) <= (52 if manifest["kind"] == "CronJob" else 63)
    for pods in pods_of(system, environment):
        for container in pods.containers:
            for port in container.get("ports", []):
                assert len(port.get("name", "")) <= 15
