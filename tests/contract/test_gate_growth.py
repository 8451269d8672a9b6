"""Twice the objects are twice the work for each gate of files, counted in lines of Python."""

from __future__ import annotations

from datetime import date

import pytest
import yaml
from growth import MOST, counted

from tarmac.base import registry
from tarmac.base.artifact import read
from tarmac.check import gates
from tarmac.check.gates.subject import Folder

GATES = registry.load(gates, "GATE")
OF_FILES = {name: gate for name, gate in GATES.items() if gate.of_files and not gate.program}
COUNTS = (16, 32)
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
