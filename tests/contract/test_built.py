"""A defect in an overlay or in a chart's values is found, at the line that was edited.

The plain objects beside them stay as they were rendered: only what is built has the defect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from packed import find, written
from rendered import artifacts_of, plan_of, system_of
from small_system import GATES, TODAY

from tarmac.base.artifact import Artifact
from tarmac.base.report import Skip
from tarmac.check.gates.inputs import Forms
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views import programs
from tarmac.check.verify import disk_tree, forms
from tarmac.check.verify.built import kustomizations
from tarmac.check.verify.running import Suppressions, run

ENVIRONMENTS = {"shop": "production", "travel": "prod"}
OVERLAY, BASE = "kustomize/overlays/production/order-service/", "kustomize/base/order-service/"
VALUES = "charts/values/cart.yaml"
OF_OBJECTS = [gate for gate in GATES.values() if not gate.program]


@dataclass(frozen=True)
class Defect:
    """An edit by hand, and the gate that has to find it."""

    about: str
    file: str
    old: str
    new: str
    gate: str
    #: The text of the line that is found in the edited file; empty: wherever in it.
    line: str = ""


OPERATION = """- path: pdb.yaml
- target: {kind: Deployment, name: order-service}
  patch: |-
    - op: remove
      path: /spec/template/spec/containers/0/env/0"""
LITERAL = "secretGenerator:\n- name: keys\n  literals:\n  - PASSWORD=hunter2hunter2\nimages:"
INSECURE = (
    "        securityContext:\n          allowPrivilegeEscalation: true\n        resources:\n"
)
ROOT = "      securityContext:\n        runAsNonRoot: false\n      nodeSelector:"
IN_OVERLAYS = [
    Defect("a memory limit is dropped", f"{OVERLAY}deployment.yaml",
           "            memory: 512Mi\n", "", "RES001", "limits:"),
    Defect("a memory limit is removed by null", f"{OVERLAY}deployment.yaml",
           "            memory: 512Mi\n", "            memory: null\n", "RES001", "memory: null"),
    Defect("one replica, of which the budget keeps two", f"{OVERLAY}hpa.yaml",
           "minReplicas: 3", "minReplicas: 1", "SCL001", "minReplicas: 1"),
    Defect("an autoscaler's maximum below its minimum", f"{OVERLAY}hpa.yaml",
           "maxReplicas: 20", "maxReplicas: 2", "SCL001", "maxReplicas: 2"),
    Defect("a budget that keeps every pod", f"{OVERLAY}pdb.yaml",
           "minAvailable: 2", "minAvailable: 3", "SCL001", "minAvailable: 3"),
    Defect("an image without a fixed version", f"{OVERLAY}kustomization.yaml",
           "newTag: 0.1.0", "newTag: latest", "IMG001", "newTag: latest"),
    Defect("another namespace", f"{OVERLAY}kustomization.yaml",
           "namespace: ecommerce-prod", "namespace: shop", "OBJ002", "namespace: shop"),
    Defect("a pod that may run as root", f"{OVERLAY}deployment.yaml",
           "      nodeSelector:", ROOT, "SEC001", "runAsNonRoot: false"),
    Defect("a container that may gain privileges", f"{OVERLAY}deployment.yaml",
           "        resources:\n", INSECURE, "SEC001", "allowPrivilegeEscalation: true"),
    Defect("an object that a patch deletes", f"{OVERLAY}pdb.yaml",
           "spec:", "$patch: delete\nspec:", "OBJ006", "$patch: delete"),
    Defect("a variable that a JSON patch removes", f"{OVERLAY}kustomization.yaml",
           "- path: pdb.yaml", OPERATION, "ENV001",
           "path: /spec/template/spec/containers/0/env/0"),
    Defect("a secret in a generator", f"{OVERLAY}kustomization.yaml",
           "images:", LITERAL, "SEC002"),
    Defect("a policy for another caller", f"{OVERLAY}networkpolicy.yaml",
           "app.kubernetes.io/name: api-gateway", "app.kubernetes.io/name: storefront", "OBJ006",
           "app.kubernetes.io/name: storefront"),
    Defect("an address on another port", f"{OVERLAY}configmap-config.yaml",
           "CATALOG_URL: http://product-service:8000", "CATALOG_URL: http://product-service:8080",
           "OBJ006", "CATALOG_URL: http://product-service:8080"),
    Defect("a secret of another environment", f"{OVERLAY}externalsecret-secrets.yaml",
           "key: shop/production/stores/broker", "key: shop/staging/stores/broker", "OBJ006"),
    Defect("a probe's path in the base", f"{BASE}deployment.yaml",
           "path: /health/ready", "path: /ready", "REL001", "path: /ready"),
    Defect("a port in the base", f"{BASE}service.yaml",
           "port: 3003", "port: 3004", "NET001", "port: 3004"),
    Defect("a selector in the base", f"{BASE}service.yaml",
           "  selector:\n    app.kubernetes.io/name: order-service",
           "  selector:\n    app.kubernetes.io/name: orders", "OBJ001",
           "app.kubernetes.io/name: orders"),
]  # fmt: skip
IN_VALUES = [
    Defect("a probe's path", VALUES,
           "path: /health/ready", "path: /ready", "REL001", "path: /ready"),
    Defect("a port", VALUES, "  http: 4003", "  http: 4033", "NET001", "http: 4033"),
    Defect("an image without a fixed version", VALUES,
           "  tag: 0.1.0", "  tag: latest", "IMG001", "tag: latest"),
    Defect("a variable that is removed", VALUES,
           "  CATALOG_URL: http://catalog:4002\n", "", "ENV001", "config:"),
    Defect("an address of another service", VALUES,
           "CATALOG_URL: http://catalog:4002", "CATALOG_URL: http://auth:4001", "OBJ006",
           "CATALOG_URL: http://auth:4001"),
    Defect("a pod that may run as root", VALUES,
           "image:\n", "podSecurityContext:\n  runAsNonRoot: false\nimage:\n", "SEC001",
           "runAsNonRoot: false"),
    Defect("a memory limit is removed by null", VALUES,
           "image:\n", "resources:\n  limits:\n    memory: null\nimage:\n", "RES001",
           "memory: null"),
    Defect("another number of replicas than the model's", VALUES,
           "  minReplicas: 3", "  minReplicas: 5", "SCL001", "minReplicas: 5"),
    Defect("a pause longer than the grace period", VALUES,
           "      seconds: 5\n", "      seconds: 60\n", "REL002", "seconds: 60"),
    Defect("an issuer of another domain", "charts/values/frontend.yaml",
           "JWT_ISSUER: https://auth.travelsources.com", "JWT_ISSUER: https://auth.example.com",
           "OBJ006", "JWT_ISSUER: https://auth.example.com"),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def tools():
    """Skip where a builder is not here; the dev group brings helm."""
    with pytest.MonkeyPatch.context() as patch:
        if beside := find("helm"):
            patch.setenv("PATH", str(Path(beside).parent), prepend=":")
        try:
            kustomizations.program()
            programs.find("helm")
        except Skip as missing:
            pytest.skip(str(missing))
        yield


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """Write the rendered trees down, and read them once."""
    read = {}
    for system, environment in ENVIRONMENTS.items():
        made, plan = artifacts_of(system, environment), plan_of(system, environment)
        folder = written(made, tmp_path_factory.mktemp(system))
        read[system] = disk_tree.find(folder, Path("model"), plan, made, in_memory=False)
    return read


def subject_of(system, judged):
    plan = plan_of(system, ENVIRONMENTS[system])
    built, unbuilt = forms.build(judged, plan)
    assert unbuilt == ()
    return Subject(
        system_of(system), plan, judged.artifacts, TODAY, judged.folder, inputs=(Forms(built),)
    )


def found_with(defect, system, judged):
    """Edit a file of the tree, and list what is found: the findings and the edited lines."""
    path = judged.folder / defect.file
    before = path.read_text()
    assert defect.old in before
    path.write_text(before.replace(defect.old, defect.new, 1))
    try:
        subject = subject_of(system, judged)
        lines = path.read_text().splitlines()
    finally:
        path.write_text(before)
    asked = [GATES[name] for name in dict.fromkeys((defect.gate, "OBJ006"))]
    results = list(forms.judge(subject, asked, Suppressions()))
    return [finding for result in results for finding in result.findings], lines


@pytest.mark.parametrize(
    ("system", "defect"),
    [*(("shop", defect) for defect in IN_OVERLAYS), *(("travel", defect) for defect in IN_VALUES)],
    ids=lambda value: value.about.replace(" ", "-") if isinstance(value, Defect) else value,
)
def test_a_defect_is_found_at_the_line_that_was_edited(system, defect, trees):
    findings, lines = found_with(defect, system, trees[system])
    for gate in {defect.gate, "OBJ006"}:
        places = [e.where for e in findings if e.gate == gate and e.where.startswith(defect.file)]
        assert places, findings
        said = {lines[int(place.rpartition(":")[2]) - 1].strip(" -") for place in places}
        assert not defect.line or defect.line in said, places


@pytest.mark.parametrize("system", ENVIRONMENTS)
def test_what_is_rendered_is_the_same_in_all_forms_and_each_passes_every_gate(system, trees):
    subject = subject_of(system, trees[system])
    assert [form.title for form in subject.given(Forms).built][-1] == "the chart"
    assert len(subject.given(Forms).built) == {"shop": 2, "travel": 1}[system]
    assert GATES["OBJ006"].scope.count(subject) >= 100
    assert list(GATES["OBJ006"].check(subject)) == []
    known = {(e.gate, e.what) for e in findings_of(run(subject, OF_OBJECTS, Suppressions()))}
    for form in subject.given(Forms).built:
        results = list(run(forms.with_form(subject, form), OF_OBJECTS, Suppressions()))
        more = [e for e in findings_of(results) if (e.gate, e.what) not in known]
        assert list(map(str, more)) == []


def findings_of(results):
    return [finding for result in results for finding in result.findings]


def test_a_finding_of_the_plain_objects_is_not_repeated_for_a_form(trees):
    judged = trees["shop"]
    subject = subject_of("shop", judged)
    changed = tuple(without_limit(one) for one in judged.artifacts)
    (found,) = findings_of(
        forms.judge(replace(subject, artifacts=changed), [GATES["RES001"]], Suppressions())
    )
    assert found.where.startswith("k8s/order-service/deployment.yaml")


def without_limit(artifact: Artifact):
    if artifact.path != "k8s/order-service/deployment.yaml":
        return artifact
    content = dict(artifact.data)
    pod = content["spec"]["template"]["spec"]
    container = {**pod["containers"][0]}
    limits = {"cpu": container["resources"]["limits"]["cpu"]}
    container["resources"] = {**container["resources"], "limits": limits}
    template = {**content["spec"]["template"], "spec": {**pod, "containers": [container]}}
    return replace(artifact, content={**content, "spec": {**content["spec"], "template": template}})
