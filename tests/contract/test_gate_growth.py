"""Twice the objects are twice the work for each gate of files, counted in lines of Python."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml
from growth import MOST, copies, counted

from tarmac.base import registry
from tarmac.base.artifact import Artifact, read
from tarmac.check import gates
from tarmac.check.gates.subject import Folder
from tarmac.check.verify import folder

GATES = registry.load(gates, "GATE")
OF_FILES = {name: gate for name, gate in GATES.items() if gate.of_files and not gate.program}
COUNTS = (16, 32)
FIXTURES = Path(__file__).parents[1] / "gates"
#: The first of them is not counted: what is read once is read then.
FOLDERS = (1, 12, 24)
#: Gates that ask each of some things of each of others, with what no index finds.
PAIRS = {
    "FIN002": "pods of each pool, which takes them by expressions and taints",
    "GIT005": "folders of each Application, whose path is one's end",
    "GIT010": "folders of each Application, whose path is one's end",
    "GIT011": "folders of each Application, whose path is one's end",
    "GIT021": "folders of each Application, whose path is one's end",
    "INF015": "ExternalSecrets of each entry that is written",
    "MSH002": "egress of each pod, by selectors with expressions",
    "MSH005": "accounts that are almost those of a caller",
    "OBJ002": "folders of each Application, whose path is one's end",
    "OBJ009": "labels that are almost those of a selector",
    "OBS024": "monitors of all namespaces, by selectors with expressions",
    "OBS025": "files of rules by the patterns of each Prometheus",
    "OBS026": "alerts by the matchers of each rule that mutes",
    "OBS032": "alerts by the matchers of each rule that mutes",
    "PLT001": "entities of each reference, by a part of their name",
}
#: A team's objects of each kind that another one names or selects.
TEAM = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: d@, labels: {app: a@}}
spec:
  selector: {matchLabels: {app: a@}}
  template:
    metadata: {labels: {app: a@}}
    spec:
      serviceAccountName: sa@
      volumes: [{name: v, configMap: {name: c@}}]
      containers:
        - name: c
          image: x/y:1.0
          envFrom: [{configMapRef: {name: c@}}]
          env: [{name: URL, value: "http://s@:80/"}]
          volumeMounts: [{name: v, mountPath: /v}]
          ports: [{containerPort: 80, name: http}]
          readinessProbe: {httpGet: {port: 80, path: /}}
---
apiVersion: v1
kind: Service
metadata: {name: s@, labels: {app: a@}}
spec: {selector: {app: a@}, ports: [{port: 80, name: http}]}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c@}, data: {A: b}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: sa@}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: p@}
spec: {minAvailable: 1, selector: {matchLabels: {app: a@}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: h@}
spec:
  minReplicas: 2
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d@}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: n@}
spec:
  podSelector: {matchLabels: {app: a@}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {app: a0}}}], ports: [{port: 80}]}]
  egress:
    - {to: [{podSelector: {matchLabels: {app: a@}}}], ports: [{port: 80}]}
    - {to: [{namespaceSelector: {}}], ports: [{port: 53, protocol: UDP}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i@}
spec:
  rules:
    - host: h@.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: s@, port: {number: 80}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r@}
spec:
  parentRefs: [{name: g}]
  hostnames: [r@.example.com]
  rules: [{backendRefs: [{name: s@, port: 80}]}]
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: m@, namespace: x}
spec: {selector: {matchLabels: {app: a@}}, endpoints: [{port: http}]}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: pr@}
spec:
  groups:
    - name: g@
      rules:
        - {record: "r@:x", expr: "sum(rate(x@_total[5m]))"}
        - {alert: A@, expr: "r@:x > 1", labels: {severity: page}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: ap@, namespace: argocd}
spec:
  project: pj@
  source: {repoURL: "https://example.com/x.git", path: k/f@, targetRevision: main}
  destination: {server: "https://kubernetes.default.svc", namespace: x@}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: pj@, namespace: argocd}
spec:
  sourceRepos: ["https://example.com/x.git"]
  destinations: [{server: "https://kubernetes.default.svc", namespace: x@}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: ro@}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: rb@}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: ro@}
subjects: [{kind: ServiceAccount, name: sa@, namespace: x}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: dr@}
spec: {host: s@, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vs@}
spec: {hosts: [s@], http: [{route: [{destination: {host: s@, subset: v1}}]}]}
---
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: ca@}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: d@}
  service: {port: 80}
  analysis: {interval: 1m, threshold: 5, maxWeight: 50, stepWeight: 10}
"""


def objects(count, apart):
    """Read the objects of so many teams from one file, or from a folder of each."""
    return tuple(
        artifact
        for number in range(count)
        for artifact in read(
            f"k/f{number}/a.yaml" if apart else "a.yaml", TEAM.replace("@", str(number))
        )
    )


@pytest.fixture(scope="module", params=[False, True], ids=["one file", "a folder each"])
def trees(request):
    """Two trees, one of twice the size."""
    return [objects(count, request.param) for count in COUNTS]


def test_the_objects_of_a_team_are_read():
    documents = list(yaml.safe_load_all(TEAM))
    assert len({document["kind"] for document in documents}) == len(documents) > 15


def test_twice_the_objects_are_twice_the_work_of_each_gate(trees):
    def work(gate, artifacts):
        files = Folder(artifacts, date(2026, 11, 20))
        files.objects()
        return counted(lambda: (list(gate.of_files(files)), gate.scope.of_files(files)))

    grown = {}
    for name, gate in OF_FILES.items():
        small, large = (work(gate, artifacts) for artifacts in trees)
        if large / small > MOST:
            grown[name] = round(large / small, 2)
    assert grown == {}


def read_all(files, place):
    """Write files down and read them as `verify --files` does."""
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return tuple(
        found
        for path in folder.paths_of(Path())
        for found in folder._read(path, Path())
        if isinstance(found, Artifact)
    )


def growth_of(check, files, tmp_path, monkeypatch):
    """Say how much more work twice the copies of files are, each with names of its own."""
    work = []
    for count in FOLDERS:
        place = tmp_path / str(count)
        place.mkdir()
        monkeypatch.chdir(place)
        subject = Folder(read_all(copies(files, count), place), date(2026, 11, 20), Path())
        subject.objects()
        work.append(counted(lambda subject=subject: check(subject)))
    return work[-1] / work[-2]


def good_files(gate):
    """Read all good files of a gate, each fixture in a folder."""
    fixtures = (FIXTURES / gate).glob("good-*.yaml")
    return {
        f"{path.stem}/{name}": text
        for path in fixtures
        if path.read_text().startswith("files:")
        for name, text in yaml.safe_load(path.read_text())["files"].items()
    }


@pytest.mark.parametrize("name", sorted(OF_FILES))
def test_twice_the_good_files_of_a_gate_are_twice_its_work(name, tmp_path, monkeypatch):
    gate = OF_FILES[name]

    def check(subject):
        return list(gate.of_files(subject)), gate.scope.of_files(subject)

    grown = growth_of(check, good_files(name), tmp_path, monkeypatch)
    assert (grown > MOST) <= (name in PAIRS), grown


def test_a_gate_that_looks_for_each_claim_among_all_is_noticed(tmp_path, monkeypatch):
    def check(subject):
        claims = subject.objects("PersistentVolumeClaim")
        for pods in subject.objects("Deployment"):
            for claim in claims:
                if claim.data["metadata"] == pods.data["metadata"]:
                    break

    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: web}\n"
    pods = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
    files = {"web.yaml": f"{claim}---\n{pods}"}
    assert growth_of(check, files, tmp_path, monkeypatch) > MOST


def test_copies_have_names_of_their_own():
    files = {"a.yaml": "{name: web, image: example.com/web:1, to: web}\n"}
    assert list(copies(files, 2).items()) == [
        ("team-0/a.yaml", "{name: web-0, image: example.com/web:1, to: web-0}\n"),
        ("team-1/a.yaml", "{name: web-1, image: example.com/web:1, to: web-1}\n"),
    ]
