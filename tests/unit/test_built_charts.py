"""Charts are templated as they are installed, and each part has the value or line to edit."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from packed import find
from small_system import GATES

from tarmac.base.artifact import Artifact, read
from tarmac.base.report import Skip
from tarmac.check.gates.views import programs
from tarmac.check.verify import folder
from tarmac.check.verify.built import charts, units
from tarmac.check.verify.built.sources import Sources
from tarmac.check.verify.built.trees import MOST_APART, trees
from tarmac.check.verify.built.unit import Build, Unit
from tarmac.check.verify.running import Suppressions

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
spec:
  {{- if gt .Values.least .Values.budget }}
  replicas: {{ .Values.least }}
  {{- end }}
  template:
    spec:
      serviceAccountName: own
      containers:
        - name: main
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          resources: {{- toYaml .Values.resources | nindent 12 }}
          securityContext: {{- toYaml .Values.security | nindent 12 }}
"""
VALUES = """\
least: 3
budget: 2
image:
  repository: example.com/web
  tag: "1.0"
resources:
  limits:
    cpu: 100m
    memory: 1Gi
security:
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
"""
CHART = {
    "charts/app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 0.1.0\n",
    "charts/app/values.yaml": VALUES,
    "charts/app/templates/web.yaml": DEPLOYMENT,
    "charts/app/templates/account.yaml": (
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: own}\n"
    ),
}
PRODUCTION = "charts/app/values-production.yaml"
CONTAINER = ("spec", "template", "spec", "containers", 0)


@pytest.fixture
def built(tmp_path, monkeypatch):
    """Write files down and build them; skips where helm is not here."""
    if beside := find("helm"):
        monkeypatch.setenv("PATH", str(Path(beside).parent), prepend=":")
    try:
        programs.find("helm")
    except Skip as missing:
        pytest.skip(str(missing))

    def shown(path):
        return path.relative_to(tmp_path).as_posix()

    def build(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        paths = sorted(path for path in tmp_path.rglob("*") if path.is_file())
        plain = [name for name in files if name.endswith(".yaml") and "/templates/" not in name]
        artifacts = tuple(one for name in plain for one in read(name, files[name]))
        sources = Sources(tmp_path, shown, paths=tuple(paths))
        return artifacts, units.build(artifacts, sources, "files")

    return build


def web_of(unit):
    return next(one for one in unit.artifacts if one.data["kind"] == "Deployment")


def test_a_part_has_the_place_of_the_value_that_it_comes_from(built):
    changed = "image:\n  tag: latest\nresources:\n  limits:\n    memory: null\n"
    _, found = built({**CHART, "charts/app/values-prod.yaml": changed})
    plain, prod = found.units
    own, file = web_of(plain), web_of(prod)
    assert own.at("spec", "replicas") == "charts/app/values.yaml:1"
    assert own.at(*CONTAINER, "image") == "charts/app/values.yaml:5"
    assert own.at(*CONTAINER, "resources", "limits", "memory") == "charts/app/values.yaml:9"
    # A switch cannot be marked; it is beside what can.
    assert own.at(*CONTAINER, "securityContext", "runAsNonRoot") == "charts/app/values.yaml:11"
    assert file.path == "charts/app/values-prod.yaml"
    assert file.at(*CONTAINER, "image") == "charts/app/values-prod.yaml:2"
    # What a file of values takes away is missing where that file speaks of it.
    limits = (*CONTAINER, "resources", "limits")
    assert file.data["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] == {
        "cpu": "100m"
    }
    assert file.at(*limits, "memory") == "charts/app/values-prod.yaml:5"
    assert file.at("spec", "template", "spec", "serviceAccountName") == (
        "charts/app/templates/web.yaml:12"
    )


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop-web}
spec:
  source:
    path: environments/prod/charts/app
    helm:
      releaseName: web
      valueFiles: [../../values/web.yaml]
      values: |
        image:
          tag: "2.0"
      parameters:
        - name: resources.limits.cpu
          value: 300m
  destination: {server: https://example.com, namespace: shop}
"""


def test_a_chart_is_installed_as_its_application_says(built):
    files = {**CHART, "values/web.yaml": "least: 5\n", "argo/web.yaml": APPLICATION}
    _, found = built(files)
    (unit,) = found.units
    web = web_of(unit)
    assert (unit.title, unit.destination) == ("app as web", "https://example.com shop")
    assert web.data["metadata"] == {"name": "web", "namespace": "shop"}
    assert {one.data["metadata"]["namespace"] for one in unit.artifacts} == {"shop"}
    container = web.data["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "example.com/web:2.0"
    assert container["resources"]["limits"]["cpu"] == "300m"
    assert web.at("spec", "replicas") == "values/web.yaml:1"
    assert web.at(*CONTAINER, "image") == "argo/web.yaml:12"
    assert web.at(*CONTAINER, "resources", "limits", "cpu") == "argo/web.yaml:7"


SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: all}
spec:
  generators: [{git: {directories: [{path: charts/*}]}}]
  template:
    metadata: {name: "{{ .path.basename }}-prod"}
    spec:
      source: {path: "{{ .path.path }}"}
      destination: {namespace: "{{.path.basename}}"}
"""


def test_a_set_installs_the_folders_that_its_pattern_names(built):
    _, found = built({**CHART, "set.yaml": SET})
    (unit,) = found.units
    assert unit.title == "app as app-prod"
    assert web_of(unit).data["metadata"] == {"name": "app-prod", "namespace": "app"}


def test_where_no_namespace_is_known_objects_have_none(built):
    _, found = built(CHART)
    (unit,) = found.units
    assert web_of(unit).data["metadata"] == {"name": "app"}


def test_a_chart_that_computes_with_numbers_keeps_the_places_of_texts(built):
    odd = DEPLOYMENT.replace(
        "{{- if gt", '{{- if gt (int .Values.least) 9 }}{{ fail "too many" }}{{ end }}\n  {{- if gt'
    )
    _, found = built({**CHART, "charts/app/templates/web.yaml": odd})
    (unit,) = found.units
    assert web_of(unit).at(*CONTAINER, "image") == "charts/app/values.yaml:5"
    assert web_of(unit).at("spec", "replicas") == "charts/app/templates/web.yaml:9"


def test_a_chart_that_counts_up_to_a_number_ends(built, monkeypatch):
    """A number's mark is a great number, and each of these loops would go as far."""
    monkeypatch.setattr(charts, "MARKED_S", 1.0)
    counted = "{{ range until (int .Values.least) }}{{ range until (int $.Values.budget) }}"
    many = f"{counted}{'{{ end }}' * 2}"
    _, found = built({**CHART, "charts/app/templates/many.yaml": many})
    (unit,) = found.units
    assert web_of(unit).at(*CONTAINER, "image") == "charts/app/values.yaml:5"
    assert web_of(unit).at("spec", "replicas") == "charts/app/templates/web.yaml:8"


def test_files_of_values_beside_the_only_chart_are_its_own(built):
    _, found = built({**CHART, "charts/values/a.yaml": "least: 4\n", "charts/values/b.yaml": ""})
    assert [unit.title for unit in found.units] == ["app as a", "app as b"]


def test_values_of_a_charts_tests_and_of_places_are_of_a_release_of_its_name(built):
    _, found = built({**CHART, "charts/app/ci/01-default-values.yaml": "", PRODUCTION: ""})
    assert [unit.title for unit in found.units] == ["app as app"] * 3


def test_a_chart_is_told_what_every_cluster_serves(built):
    asks = (
        '{{- if not (.Capabilities.APIVersions.Has "apiregistration.k8s.io/v1") }}'
        "{{ fail .Chart.Name }}{{ end }}\n"
    )
    _, found = built({**CHART, "charts/app/templates/web.yaml": asks + DEPLOYMENT})
    assert found.unbuilt == ()
    assert len(found.units) == 1


def test_what_a_charts_own_values_leave_open_is_a_warning(built, monkeypatch, tmp_path):
    text = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: "{{ .Release.Name }}-{{ .Values.colour }}"}
spec:
  rules: {{ .Values.hosts }}
"""
    built({**CHART, "charts/app/templates/web.yaml": text})
    monkeypatch.chdir(tmp_path)
    gates = [GATES["OBJ010"], GATES["OBJ013"]]
    report = folder.judge(Path(), date(2026, 11, 20), gates, lambda _: Suppressions())
    said = {one.gate: one.warning for one in report.findings}
    assert said == {"OBJ010": True, "OBJ013": True}


@pytest.mark.parametrize(
    ("values", "is_warning"),
    [
        ({"charts/app/ci/a-values.yaml": "port: 0\n"}, True),
        ({"charts/app/values.yaml": "port: 0\n"}, False),
    ],
)
def test_what_values_of_a_charts_tests_make_of_a_template_is_a_warning(
    built, values, is_warning, monkeypatch, tmp_path
):
    text = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {a: b}
{{ if hasKey .Values "port" }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {a: c}
{{ end }}
"""
    chart = {"charts/app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 0.1.0\n"}
    built({**chart, "charts/app/templates/web.yaml": text, **values})
    monkeypatch.chdir(tmp_path)
    report = folder.judge(Path(), date(2026, 11, 20), [GATES["OBJ003"]], lambda _: Suppressions())
    assert [one.warning for one in report.findings] == [is_warning]


def test_what_values_of_a_charts_tests_make_likely_is_a_warning(built, monkeypatch, tmp_path):
    text = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, image: "web:1"}]}}}
{{ if .Values.scaled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 4
  metrics:
    - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}
{{ end }}
"""
    chart = {"charts/app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 0.1.0\n"}
    values = {"charts/app/ci/a-values.yaml": "scaled: true\n"}
    built({**chart, "charts/app/templates/web.yaml": text, **values})
    monkeypatch.chdir(tmp_path)
    report = folder.judge(Path(), date(2026, 11, 20), [GATES["OBJ021"]], lambda _: Suppressions())
    assert {one.severity for one in report.findings} == {"warning"}


def test_releases_of_one_destination_are_one_tree_and_others_are_not(built):
    other = APPLICATION.replace("shop-web", "b").replace("releaseName: web", "releaseName: b")
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: '{{ .Release.Name }}'}\n"
    files = {**CHART, "charts/app/templates/account.yaml": account, "values/web.yaml": ""}
    files |= {"a.yaml": APPLICATION, "b.yaml": other, "plain.yaml": "kind: Other\n"}
    together = trees(*built(files))
    assert [len([one for one in tree if one.built_by]) for tree in together] == [4]
    assert [one.path for one in together[0]].count("plain.yaml") == 1
    files["b.yaml"] = other.replace("namespace: shop", "namespace: else")
    assert [len([one for one in tree if one.built_by]) for tree in trees(*built(files))] == [2, 2]


def test_very_many_units_are_side_by_side_unless_they_share_an_object_or_a_file():
    def unit(number, file, name, destination=""):
        data = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
        one = Artifact(file, data)
        return Unit(f"units/{number}", "kustomization", (one,), destination)

    alone = [unit(number, f"{number}.yaml", f"a{number}") for number in range(MOST_APART)]
    assert len(trees((), Build(tuple(alone)))) == MOST_APART
    more = [
        unit("other", "other.yaml", "a0"),
        unit("overlay", "0.yaml", "another"),
        unit("placed", "placed.yaml", "placed", "shop"),
    ]
    placed, *found = trees((), Build((*alone, *more)))
    assert [one.path for one in placed] == ["placed.yaml"]
    assert [[one.path for one in tree] for tree in found] == [
        [f"{number}.yaml" for number in range(MOST_APART)],
        ["other.yaml", "0.yaml"],
    ]


def test_an_object_that_is_there_as_it_is_as_well_is_judged_as_both(built):
    files = {**CHART, "k8s.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: own}\n"}
    plain, tree = trees(*built(files))
    assert [one.path for one in plain if "kind" in one.data] == ["k8s.yaml"]
    assert sorted({one.path for one in tree if "kind" in one.data}) == [
        "charts/app/templates/account.yaml",
        "charts/app/templates/web.yaml",
    ]


def test_a_file_of_values_is_found_from_the_root_of_another_source(built):
    app = APPLICATION.replace("../../values/web.yaml", "$other/deploy/values/web.yaml")
    _, found = built({**CHART, "values/web.yaml": "least: 5\n", "argo.yaml": app})
    assert web_of(found.units[0]).data["spec"]["replicas"] == 5
    assert found.unbuilt == ()


def test_settings_of_an_application_that_are_not_judged_are_reported(built):
    lacking = APPLICATION.replace("../../values/web.yaml", "../../values/none.yaml")
    own = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n"
    other = lacking.replace("shop-web", "plain").replace("charts/app", "deploy/own")
    files = {
        **CHART,
        "a.yaml": lacking,
        "b.yaml": other.replace("    helm:\n", "    kustomize: {namePrefix: x-}\n    helm:\n"),
        "deploy/own/kustomization.yaml": "resources: [a.yaml]\n",
        "deploy/own/a.yaml": own,
    }
    _, found = built(files)
    told = [one for one in found.unbuilt if "not on this machine" not in one.what]
    assert all(one.warning for one in told)
    assert [one.where for one in told] == ["a.yaml:5", "b.yaml:5"]
    assert "with ../../values/none.yaml, which is not in this folder" in told[0].what
    assert "changes the objects of deploy/own by its own `kustomize`" in told[1].what


@pytest.mark.parametrize("file", ["Chart.yaml", "requirements.yaml"])
def test_a_chart_is_judged_without_charts_that_it_depends_on_and_that_are_not_here(built, file):
    needs = "dependencies: [{name: redis, version: 20.0.0, repository: https://example.com}]\n"
    version = "apiVersion: v2" if file == "Chart.yaml" else "apiVersion: v1"
    own = CHART["charts/app/Chart.yaml"].replace("apiVersion: v2", version)
    files = {**CHART, "charts/app/Chart.yaml": own, "charts/app/values-prod.yaml": ""}
    path = f"charts/app/{file}"
    _, found = built({**files, path: files.get(path, "") + needs})
    assert [len(unit.artifacts) for unit in found.units] == [2, 2]
    (told,) = found.unbuilt
    assert (told.where, told.warning) == ("charts/app/Chart.yaml", True)
    assert told.what.startswith("depends on redis, which charts/ has not: its own templates were")


def test_a_chart_that_only_depends_on_others_gives_no_tree(built):
    files = {
        "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies:\n"
        "  - {name: app, version: 1.0.0, repository: https://example.com}\n",
        "web/values.yaml": "app: {replicas: 2}\n",
    }
    _, found = built(files)
    assert found.units == ()
    assert len(found.unbuilt) == 1
