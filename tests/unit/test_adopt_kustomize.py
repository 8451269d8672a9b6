"""What Kustomize names and generates comes over, as far as files tell it."""

from __future__ import annotations

import pytest
from repository import found_in, system_of

BASE = """
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - ports: [{name: http, containerPort: 3000}]
          envFrom: [{configMapRef: {name: web-config}}, {secretRef: {name: db}}]
          readinessProbe: {httpGet: {path: /ready, port: http}}
---
kind: StatefulSet
metadata: {name: db}
spec: {template: {spec: {containers: [{image: "postgres:16"}]}}}
"""
KUSTOMIZED = {
    "web/package.json": '{"scripts": {"start": "node s.js"}}',
    "web/s.js": "".join(f"process.env.{n};" for n in ("TITLE", "SIZE", "LEVEL", "DB_URL", "PORT")),
    "a/kustomization.yaml": """
        resources: [../base]
        configMapGenerator:
          - {name: web-config, behavior: merge, literals: [TITLE=Other, LEVEL=debug]}
        """,
    "base/kustomization.yaml": """
        resources: [objects/all.yaml, "https://example.com/more.yaml"]
        configMapGenerator: [{name: web-config, literals: ["TITLE='Base'"], envs: [web.env]}, none]
        secretGenerator: [{name: db, literals: ["DB_URL=postgres://u:p@db:5432/shop"]}]
        """,
    "base/objects/all.yaml": BASE,
    "base/web.env": "SIZE=3\n",
}


def test_what_kustomize_names_and_generates_comes_over_from_the_base_first():
    file = system_of(found_in(**KUSTOMIZED)).file
    web = file.services["web"]
    assert web.env == {
        "TITLE": "Base",
        "SIZE": "3",
        "LEVEL": "debug",
        "DB_URL": "${stores.db.url}",
    }
    assert file.stores["db"].version == "16"
    assert web.probe is not None
    assert web.probe.http == "/ready"


@pytest.mark.parametrize("port", ["9000", "admin"])
def test_a_probe_of_another_port_than_its_first_does_not_come_over(port):
    other = BASE.replace("port: http}", f"port: {port}}}")
    assert (
        system_of(found_in(**KUSTOMIZED | {"base/objects/all.yaml": other}))
        .file.services["web"]
        .probe
        is None
    )


def test_a_kustomization_that_is_no_mapping_is_passed_over():
    for text in ("[a]", "a: [", "resources: 3", "configMapGenerator: {a: b}"):
        found = found_in(**KUSTOMIZED | {"base/kustomization.yaml": text})
        assert [service.name for service in found.services] == ["web"]
