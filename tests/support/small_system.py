"""A small good system for gates, and fixtures that say what differs from it.

The objects are made here and not by the renderers: a gate must hold whoever rendered them.
"""

from __future__ import annotations

import copy
import errno
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from live_system import live_system

from tarmac.base import registry
from tarmac.base.artifact import Artifact, Format, recognised
from tarmac.catalog import stores
from tarmac.check import gates
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.inputs import Form, Forms, MemoryUse, Original, StepSeconds
from tarmac.check.gates.subject import Subject
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy

FOLDER = Path(__file__).parents[1] / "gates"
GATES: dict[str, Gate] = registry.load(gates, "GATE")
KINDS = registry.load(stores, "STORE")
NAME = "app.kubernetes.io/name"
TODAY = date(2026, 6, 1)

MODEL: dict[str, Any] = {
    "tarmac": 1,
    "system": "mini",
    "domain": "mini.example.com",
    "env": {"JWT_ISSUER": "https://${system.domain}"},
    "services": {
        "web": {
            "run": ["npm", "start"],
            "port": 8080,
            "public": {"host": "www", "paths": ["/"]},
            "calls": {"orders": {"timeout": "3s", "retries": 1}},
            "probe": {"http": "/up"},
        },
        "orders": {
            "source": "orders",
            "port": 3003,
            "stores": {"db": "orders-db"},
            "calls": {"stock": {"timeout": "2s", "retries": 1}},
            "externals": ["bank"],
            "env": {"JWKS_URL": "http://keys.example.com"},
        },
        "stock": {
            "run": ["go", "run", "."],
            "port": 9000,
            "stores": {"cache": "cache"},
            "env": {"CACHE": "${stores.cache.url}"},
        },
    },
    "stores": {"orders-db": "postgres", "cache": "redis"},
    "externals": {"bank": {"hosts": ["api.bank.example"]}},
    "environments": {
        "production": {
            "zones": 3,
            "registry": "registry.example.com/mini",
            "servers": {"rds": ["orders-db"]},
            "stores": {"rds": {"connections": 94}},
            "replicas": {"min": 3, "max": 6, "cpu": 70},
            "quota": {"cpu": 4, "memory": "8Gi"},
            "ingress": {"kind": "ingress", "controller": "nginx", "namespace": "ingress-nginx"},
        },
    },
}
PARTS: dict[str, Any] = {
    "orders": {
        "part": "orders",
        "package": "tarmac_orders",
        "slots": {"db": {"kind": "postgres", "env": "DATABASE_URL"}},
        "settings": {
            "JWKS_URL": {"required": True, "about": "where the keys are"},
            "JWT_ISSUER": {"required": True, "about": "who signs"},
            "TTL_S": {"default": "900"},
        },
    }
}
#: Service -> its port, the path of its two health questions, whom it is called by.
SERVERS = {
    "web": (8080, "/up", "/up"),
    "orders": (3003, "/health/live", "/health/ready"),
    "stock": (9000, "", ""),
}
SECRETS = {"orders": ["database-url"], "stock": ["cache"], "cache": ["users.acl"]}


def labels(name: str) -> dict[str, str]:
    return {
        NAME: name,
        "app.kubernetes.io/part-of": "mini",
        "app.kubernetes.io/managed-by": "tarmac",
    }


def an_object(api: str, kind: str, name: str, owner: str, **body: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "mini", "labels": labels(owner)}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **body}


def pod(
    name: str, image: str, port: int, probes: dict[str, Any], **container: Any
) -> dict[str, Any]:
    return {
        "metadata": {"labels": labels(name)},
        "spec": {
            "serviceAccountName": name,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 30,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": key,
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": {NAME: name}},
                }
                for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
            ],
            "tolerations": [
                {
                    "key": f"node.kubernetes.io/{why}",
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": 30,
                }
                for why in ("not-ready", "unreachable")
            ],
            "containers": [
                {
                    "name": name,
                    "image": image,
                    "ports": [{"name": "main", "containerPort": port}],
                    **probes,
                    "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "128Mi"},
                        "limits": {"cpu": "500m", "memory": "256Mi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    **container,
                }
            ],
        },
    }


def probes(port: int, live: str, ready: str) -> dict[str, Any]:
    def ask(path: str) -> dict[str, Any]:
        asked = {"httpGet": {"path": path, "port": port}} if path else {"tcpSocket": {"port": port}}
        return {**asked, "periodSeconds": 10, "timeoutSeconds": 3}

    return {
        "startupProbe": ask(live),
        "livenessProbe": ask(live),
        "readinessProbe": ask(ready),
    }


def service_objects(plan: Any, name: str) -> list[dict[str, Any]]:
    port, live, ready = SERVERS[name]
    selector = {"matchLabels": {NAME: name}}
    keys = SECRETS.get(name, [])
    variables = {key.upper().replace("-", "_"): key for key in keys}
    secret = [
        {"name": variable, "valueFrom": {"secretKeyRef": {"name": f"{name}-secrets", "key": key}}}
        for variable, key in variables.items()
    ]
    env = plan.workload(name).env
    config = {key: "".join(map(str, env[key].value)) for key in env if key not in variables}
    container = {"env": secret, "envFrom": [{"configMapRef": {"name": f"{name}-config"}}]}
    template = pod(name, plan.workload(name).image, port, probes(port, live, ready), **container)
    caller_tokens(name, template["spec"])
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return [
        an_object("v1", "ServiceAccount", name, name),
        an_object("v1", "ConfigMap", f"{name}-config", name, data=config),
        an_object(
            "apps/v1",
            "Deployment",
            name,
            name,
            spec={
                "selector": selector,
                "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "template": template,
            },
        ),
        an_object(
            "v1",
            "Service",
            name,
            name,
            spec={
                "selector": {NAME: name},
                "ports": [{"name": "main", "port": port, "targetPort": port}],
            },
        ),
        an_object(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            name,
            name,
            spec={"scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 6},
        ),
        an_object(
            "policy/v1",
            "PodDisruptionBudget",
            name,
            name,
            spec={"minAvailable": 2, "selector": selector},
        ),
    ]


def caller_tokens(name: str, spec: dict[str, Any]) -> None:
    """Give a pod the tokens of its calls, and the keys of its callers' tokens."""
    folder = "/var/run/secrets/tarmac.dev"
    held: dict[str, list[dict[str, Any]]] = {}
    if callee := {"web": "orders", "orders": "stock"}.get(name):
        held["callers"] = [{"serviceAccountToken": {"audience": callee, "path": callee}}]
    if name == "orders":
        authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
        held["keys"] = [{"serviceAccountToken": {"path": "token"}}, {"configMap": authority}]
    spec["volumes"] = [{"name": key, "projected": {"sources": e}} for key, e in held.items()]
    spec["containers"][0]["volumeMounts"] = [
        {"name": key, "mountPath": f"{folder}/{key}", "readOnly": True} for key in held
    ]


def store_objects(plan: Any) -> list[dict[str, Any]]:
    ask = {"tcpSocket": {"port": 6379}}
    asked = {f"{name}Probe": ask for name in ("startup", "liveness", "readiness")}
    workload = plan.workload("cache")
    files = {"volumeMounts": [{"name": "files", "mountPath": "/x", "subPath": "users.acl"}]}
    template = pod("cache", workload.image, 6379, asked, **files)
    template["spec"]["volumes"] = [{"name": "files", "secret": {"secretName": "cache-secrets"}}]
    template["spec"]["containers"][0]["lifecycle"] = {}
    spec = {"replicas": 1, "selector": {"matchLabels": {NAME: "cache"}}, "template": template}
    service = {"selector": {NAME: "cache"}, "ports": [{"name": "main", "port": 6379}]}
    return [
        an_object("v1", "ServiceAccount", "cache", "cache"),
        an_object("apps/v1", "StatefulSet", "cache", "cache", spec=spec),
        an_object("v1", "Service", "cache", "cache", spec=service),
    ]


def policies() -> list[dict[str, Any]]:
    def to(name: str) -> list[dict[str, Any]]:
        return [{"podSelector": {"matchLabels": {NAME: name}}}]

    def on(port: int) -> list[dict[str, Any]]:
        return [{"port": port, "protocol": "TCP"}]

    ingress = [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
    ]
    dns = {"ports": [{"port": 53, "protocol": "UDP"}]}
    database = {"to": [{"ipBlock": {"cidr": "10.0.0.0/16"}}], "ports": on(5432)}
    world = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}
    rules = {
        "web": ([{"from": ingress, "ports": on(8080)}], [{"to": to("orders"), "ports": on(3003)}]),
        "orders": (
            [{"from": to("web"), "ports": on(3003)}],
            [
                {"to": to("stock"), "ports": on(9000)},
                database,
                {"to": [world], "ports": on(443)},
                {"to": [{"ipBlock": {"cidr": "10.0.0.0/16"}}], "ports": on(443)},
            ],
        ),
        "stock": (
            [{"from": to("orders"), "ports": on(9000)}],
            [{"to": to("cache"), "ports": on(6379)}],
        ),
        "cache": ([{"from": to("stock"), "ports": on(6379)}], []),
    }
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [dns]}
    made = [an_object("networking.k8s.io/v1", "NetworkPolicy", "default-deny", "mini", spec=deny)]
    for name, (entering, leaving) in rules.items():
        spec = {
            "podSelector": {"matchLabels": {NAME: name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": entering,
            "egress": leaving,
        }
        made.append(an_object("networking.k8s.io/v1", "NetworkPolicy", name, name, spec=spec))
    return made


def shared_objects() -> list[dict[str, Any]]:
    backend = {"service": {"name": "web", "port": {"number": 8080}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    rules = [{"host": "www.mini.example.com", "http": {"paths": [path]}}]
    ingress = an_object(
        "networking.k8s.io/v1",
        "Ingress",
        "mini",
        "mini",
        spec={"ingressClassName": "nginx", "rules": rules},
    )
    ingress["metadata"]["annotations"] = {
        "nginx.ingress.kubernetes.io/proxy-body-size": "1048576",
        "nginx.ingress.kubernetes.io/limit-rps": "1000",
    }
    space = an_object("v1", "Namespace", "mini", "mini")
    del space["metadata"]["namespace"]
    space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    hard = {"requests.cpu": "4", "requests.memory": "8Gi"}
    return [
        space,
        an_object("v1", "ResourceQuota", "mini", "mini", spec={"hard": hard}),
        ingress,
        *(
            an_object(
                "external-secrets.io/v1",
                "ExternalSecret",
                f"{name}-secrets",
                name,
                spec={
                    "target": {"name": f"{name}-secrets"},
                    "data": [
                        {"secretKey": key, "remoteRef": {"key": f"mini/stores/{name}/{key}"}}
                        for key in keys
                    ],
                },
            )
            for name, keys in SECRETS.items()
        ),
    ]


@dataclass
class Fixture:
    """What a file of `tests/gates/` says: how its system differs, and what is to be found."""

    about: str
    #: Path (`Deployment/web spec replicas`, `model services web port`) -> its value there.
    set: dict[str, Any] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    #: Objects, or {path, text} for a file that is none.
    add: list[dict[str, Any]] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    #: Title -> another form of the objects of a service: `of`, and what differs (`set`, `remove`).
    forms: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: What is said of the files as the model renders them, which are compared with (GIT007):
    #: `ejected` and `outdated` paths. None: there are none.
    rendered: dict[str, list[str]] | None = None
    #: What its cluster has, by the fields of a LiveSystem.
    live: dict[str, Any] = field(default_factory=dict)
    #: Each finding: `what` is in its text, `where` in its place; `line` is the model's line there.
    expect: list[dict[str, str]] = field(default_factory=list)


def read(path: Path) -> Fixture:
    return Fixture(**yaml.safe_load(path.read_text(encoding="utf-8")))


def subject_of(fixture: Fixture) -> tuple[Subject, list[str]]:
    """Build the system of a fixture; return it and the lines of its model."""
    documents = {"model": copy.deepcopy(MODEL), "part": copy.deepcopy(PARTS)}
    for key, value in fixture.set.items():
        _change(documents, key, value)
    for key in fixture.remove:
        _change(documents, key, None)
    files = {"tarmac.yaml": yaml.safe_dump(documents["model"], sort_keys=False)}
    for name, part in documents["part"].items():
        files[f"{name}/service.yaml"] = yaml.safe_dump(part)

    def opened(path: str) -> bytes:
        name = path.removeprefix("./")
        if name not in files:
            raise FileNotFoundError(errno.ENOENT, "not there")
        return files[name].encode()

    system = load("tarmac.yaml", opened)
    plan = deploy(system, "production", KINDS)
    made = [manifest for name in SERVERS for manifest in service_objects(plan, name)]
    made += [*store_objects(plan), *policies(), *shared_objects()]
    objects = {f"{e['kind']}/{e['metadata']['name']}": copy.deepcopy(e) for e in made}
    original = _original(fixture, _files(copy.deepcopy(objects)))
    for key, value in fixture.set.items():
        _change(objects, key, copy.deepcopy(value))
    for key in fixture.remove:
        _change(objects, key, None)
    artifacts = _files(objects)
    for number, added in enumerate(fixture.add):
        path, text = added.get("path"), added.get("text")
        content = text or added.get("content") or added
        artifacts.append(
            Artifact(path or f"added-{number}.yaml", content, format=recognised(content))
        )
    forms = tuple(_form(title, objects, changes) for title, changes in fixture.forms.items())
    subject = Subject(
        system,
        plan,
        tuple(artifacts),
        TODAY,
        inputs=(
            MemoryUse(fixture.measured),
            StepSeconds(fixture.seconds),
            Forms(forms),
            original,
            live_system(fixture.live),
        ),
    )
    return subject, files["tarmac.yaml"].splitlines()


def _files(objects: dict[str, Any]) -> list[Artifact]:
    return [
        Artifact(f"{name.lower().replace('/', '-')}.yaml", content, format=recognised(content))
        for name, content in objects.items()
    ]


def _original(fixture: Fixture, artifacts: list[Artifact]) -> Original:
    """Say what is rendered of a fixture's system, as it is before it is changed."""
    if fixture.rendered is None:
        return Original()
    kept = (one for one in artifacts if one.path not in fixture.rendered.get("ejected", ()))
    outdated = frozenset(fixture.rendered.get("outdated", ()))
    return Original(tuple(kept), "tarmac render mini --env production", outdated)


def _form(title: str, objects: dict[str, Any], changes: dict[str, Any]) -> Form:
    """Make another form of a service's objects, as an overlay or a chart would."""
    own = {
        name: copy.deepcopy(content)
        for name, content in objects.items()
        if content["metadata"]["labels"].get(NAME) == changes["of"]
    }
    for key, value in changes.get("set", {}).items():
        _change(own, key, value)
    for key in changes.get("remove", []):
        _change(own, key, None)
    artifacts = (
        Artifact(f"packed/{name.lower().replace('/', '-')}.yaml", content, format=Format.OBJECT)
        for name, content in own.items()
    )
    return Form(title, tuple(artifacts))


def _change(documents: dict[str, Any], key: str, value: Any) -> None:
    """Set or (with None) take away what stands at a path; a path of other documents is left."""
    first, *steps = key.split()
    if first not in documents:
        if "/" not in first and first not in ("model", "part"):
            raise KeyError(key)
        return
    if not steps:
        del documents[first]
        return
    at = documents[first]
    for step in steps[:-1]:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    last: Any = int(steps[-1]) if isinstance(at, list) else steps[-1]
    if value is None:
        del at[last]
    elif last == len(at) and isinstance(at, list):
        at.append(value)
    else:
        at[last] = value
