"""Kustomizations are built once each, and each part of their objects has the line to edit."""

from __future__ import annotations

import os
import textwrap
from datetime import date
from pathlib import Path

import pytest
from small_system import GATES

from tarmac.base.artifact import read
from tarmac.base.report import Skip
from tarmac.check.verify import folder
from tarmac.check.verify.built import kustomizations, layers, units
from tarmac.check.verify.built.sources import Sources
from tarmac.check.verify.running import Suppressions

BASE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {tier: front}
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: proxy
          image: envoy
        - name: web
          image: example.com:5000/web:1.0
          env:
            - name: FIRST
              value: "1"
            - name: LAST
              value: "2"
          resources:
            limits: {memory: 1Gi, cpu: 100m}
"""
OBJECTS = {
    "base/web.yaml": BASE,
    "base/kustomization.yaml": "resources: [web.yaml]\n",
}
CONTAINER = ("spec", "template", "spec", "containers", 1)


@pytest.fixture
def built(tmp_path):
    """Write files down and build them; skips where no program is here that does."""
    try:
        kustomizations.program()
    except Skip as missing:
        pytest.skip(str(missing))

    def build(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return made(tmp_path)

    return build


def made(root):
    paths = sorted(path for path in root.rglob("*") if not path.is_dir())

    def shown(path):
        return path.relative_to(root).as_posix()

    sources = Sources(root, shown, paths=tuple(paths))
    texts = {sources.shown(path): path for path in paths if path.suffix == ".yaml"}
    regular = {name: path for name, path in texts.items() if path.is_file()}
    artifacts = tuple(one for name, path in regular.items() for one in read(name, path.read_text()))
    return units.build(artifacts, sources, "files")


def overlay(text, **more):
    head = "resources: [../../base]\n"
    files = {**OBJECTS, "overlays/prod/kustomization.yaml": head + textwrap.dedent(text)}
    return {**files, **{f"overlays/prod/{name}.yaml": body for name, body in more.items()}}


def test_a_part_that_no_layer_changes_is_the_bases(built):
    (unit,) = built(overlay("")).units
    (web,) = unit.artifacts
    assert (unit.title, unit.form) == ("overlays/prod", "kustomization")
    assert (web.path, web.built_by) == ("base/web.yaml", "overlays/prod/kustomization.yaml")
    assert web.at() == "base/web.yaml:1"
    assert web.at("spec", "replicas") == "base/web.yaml:7"
    assert web.at(*CONTAINER, "env", 1, "value") == "base/web.yaml:23"
    assert web.at(*CONTAINER, "image") == "base/web.yaml:18"


MERGE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          env:
            - name: FIRST
              $patch: delete
          resources:
            limits:
              memory: null
"""


def test_a_merge_patch_is_the_place_of_what_it_sets_and_of_what_it_removed_from(built):
    (unit,) = built(overlay("patches: [{path: p.yaml}]\n", p=MERGE)).units
    (web,) = unit.artifacts
    # kustomize puts what it merges first.
    names = [one["name"] for one in web.data["spec"]["template"]["spec"]["containers"]]
    patched = (*CONTAINER[:-1], names.index("web"))
    assert web.at(*patched, "resources", "limits", "memory") == "overlays/prod/p.yaml:14"
    assert web.at(*patched, "resources", "limits", "cpu") == "base/web.yaml:25"
    assert web.at(*patched, "env") == "overlays/prod/p.yaml:10"
    assert web.at(*patched, "env", 0) == "base/web.yaml:22"


PROBED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          resources:
            limits:
              cpu: 200m
"""


def test_a_small_mapping_is_where_a_part_of_it_was_set_and_a_large_one_is_the_bases(built):
    (unit,) = built(overlay("patches: [{path: p.yaml}]\n", p=PROBED)).units
    (web,) = unit.artifacts
    names = [one["name"] for one in web.data["spec"]["template"]["spec"]["containers"]]
    patched = (*CONTAINER[:-1], names.index("web"))
    assert web.at(*patched, "resources") == "overlays/prod/p.yaml:9"
    assert web.at(*patched, "resources", "limits", "memory") == "base/web.yaml:25"
    assert web.at(*patched) == "base/web.yaml:17"
    assert web.at("spec", "template") == "base/web.yaml:10"


OPERATIONS = """
    patches:
      - target: {kind: Deployment}
        patch: |-
          - op: remove
            path: /spec/template/spec/containers/1/env/0
          - op: replace
            path: /spec/replicas
            value: 7
          - op: add
            path: /spec/template/spec/containers/1/env/-
            value:
              name: MORE
              value: "3"
"""


def test_an_operation_is_the_place_of_what_it_sets_and_of_what_it_removed_from(built):
    (unit,) = built(overlay(OPERATIONS)).units
    (web,) = unit.artifacts
    env = web.data["spec"]["template"]["spec"]["containers"][1]["env"]
    assert [one["name"] for one in env] == ["LAST", "MORE"]
    file = "overlays/prod/kustomization.yaml"
    assert web.at("spec", "replicas") == f"{file}:10"
    assert web.at("spec") == "base/web.yaml:6"
    assert web.at(*CONTAINER, "env") == f"{file}:7"
    assert web.at(*CONTAINER, "env", 1, "value") == f"{file}:15"


TRANSFORMED = """
    namespace: shop
    namePrefix: a-
    labels:
      - pairs: {team: red}
        includeTemplates: true
    commonAnnotations:
      owner: us
    replicas:
      - name: web
        count: 5
    images:
      - name: example.com:5000/web
        newTag: latest
    replacements:
      - source: {kind: Deployment, name: web, fieldPath: metadata.name}
        targets:
          - select: {kind: Deployment}
            fieldPaths: ["spec.template.spec.containers.[name=web].env.[name=LAST].value"]
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("metadata", "namespace"), 3),
        (("metadata", "name"), 4),
        (("metadata", "labels", "team"), 6),
        (("spec", "template", "metadata", "labels", "team"), 6),
        (("metadata", "annotations", "owner"), 9),
        (("spec", "replicas"), 12),
        ((*CONTAINER, "image"), 15),
        ((*CONTAINER, "env", 1, "value"), 19),
    ],
)
def test_a_transformer_is_the_place_of_what_it_sets(path, line, built):
    (unit,) = built(overlay(TRANSFORMED)).units
    (web,) = unit.artifacts
    assert web.at(*path) == f"overlays/prod/kustomization.yaml:{line}"


def test_a_generated_object_has_the_lines_of_its_entries(built):
    files = overlay("""
        secretGenerator:
          - name: keys
            literals:
              - TOKEN=abc
            envs: [more.env]
        """)
    (unit,) = built({**files, "overlays/prod/more.env": "# two\nOTHER=x\n"}).units
    secret = next(one for one in unit.artifacts if one.data["kind"] == "Secret")
    assert secret.data["metadata"]["name"].startswith("keys-")
    assert secret.at() == "overlays/prod/kustomization.yaml:4"
    assert secret.at("data", "TOKEN") == "overlays/prod/kustomization.yaml:6"
    assert secret.at("data", "OTHER") == "overlays/prod/more.env:2"


def test_a_component_patches_the_objects_of_its_parent(built):
    files = overlay("components: [../../parts/many]\n")
    files["parts/many/kustomization.yaml"] = (
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
        "replicas:\n  - name: web\n    count: 9\n"
    )
    (unit,) = built(files).units
    assert unit.artifacts[0].data["spec"]["replicas"] == 9
    assert unit.artifacts[0].at("spec", "replicas") == "parts/many/kustomization.yaml:5"


def test_a_removed_object_is_not_there(built):
    delete = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n$patch: delete\n"
    other = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
    files = overlay("patches: [{path: p.yaml}]\n", p=delete)
    files |= {"base/s.yaml": other, "base/kustomization.yaml": "resources: [web.yaml, s.yaml]\n"}
    (unit,) = built(files).units
    assert [one.data["kind"] for one in unit.artifacts] == ["Service"]


def chosen(files, *named):
    folder = Path("/r")
    sources = Sources(folder, lambda path: path.relative_to(folder).as_posix())
    known = {name: list(read(name, text)) for name, text in files.items()}
    places = [folder / name for name in files]
    sources = Sources(folder, sources.shown, known)
    found = layers.find(places, sources)
    return [sources.shown(one.folder) for one in layers.roots(found, [folder / n for n in named])]


def test_what_another_one_includes_is_no_root(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "is_dir", lambda path: not path.suffix)
    lists = "resources: [web, api]\n"
    files = {
        "base/kustomization.yaml": lists,
        "base/web/kustomization.yaml": "resources: [a.yaml]\n",
        "base/api/kustomization.yaml": "resources: [a.yaml]\n",
        "prod/kustomization.yaml": lists,
        "prod/web/kustomization.yaml": "resources: [../../base/web]\nnamespace: a\n",
        "prod/api/kustomization.yaml": "resources: [../../base/api]\nnamespace: a\n",
    }
    assert chosen(files) == ["prod"]
    # A list of bases that overlays include is built where an Application follows it; what a
    # root lists is built with it.
    assert chosen(files, "base", "prod/web") == ["prod", "base"]
    files["prod/kustomization.yaml"] = f"{lists}namePrefix: x-\n"
    assert chosen(files, "prod/web") == ["prod", "prod/web"]
    only_patches = {"kustomization.yaml": "patches: [{path: a.yaml}]\n"}
    assert chosen(only_patches) == []


@pytest.mark.parametrize(
    "name",
    [
        "https://example.com/base?ref=v1",
        "github.com/example/demo/base?version=v1",
        "github.com/example/demo/base",
        "../../../elsewhere",
    ],
)
def test_nothing_is_fetched_and_nothing_outside_is_read(name, built):
    found = built(overlay(f"components: [{name}]\n"))
    (finding,) = found.unbuilt
    assert finding.warning
    assert f"it includes {name}, which is not in this folder" in finding.what
    assert [unit.title for unit in found.units] == ["base"]  # what it has of this folder


def test_a_pipe_is_not_waited_for(built, tmp_path):
    (tmp_path / "overlays/prod").mkdir(parents=True)
    os.mkfifo(tmp_path / "overlays/prod/p.yaml")
    (finding,) = built(overlay("patches: [{path: p.yaml}]\n")).unbuilt
    assert "a named pipe, not a regular file" in finding.what


def test_one_that_cannot_be_built_is_a_finding_in_the_same_words_each_time(built):
    (finding,) = built(overlay("configMapGenerator: [{name: c, behavior: merge}]\n")).unbuilt
    assert (finding.where, finding.warning) == ("overlays/prod/kustomization.yaml", False)
    assert "its objects were not judged" in finding.what
    assert "0x" not in finding.what


def test_a_namespace_that_what_includes_it_sets_is_a_warning(built):
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
    ref = "{kind: Service, name: web, apiVersion: v1}"
    of_space = f"vars: [{{name: s, objref: {ref}, fieldref: {{fieldpath: metadata.namespace}}}}]\n"
    files = {"kustomization.yaml": f"resources: [a.yaml]\n{of_space}", "a.yaml": service}
    (finding,) = built(files).unbuilt
    assert finding.warning
    assert "not judged: field specified in var" in finding.what


@pytest.mark.parametrize(
    ("beside", "is_warning"),
    [
        ({"web/id.tpl": "kind: ${KIND}\n"}, True),
        ({".gitignore": "*.log\nweb/id.yaml\n"}, True),
        ({".gitignore": "# made\n/web/id*\n"}, True),
        ({".gitignore": "# web/id.yaml\n!id.yaml\n"}, False),
        ({"web/write.sh": "sed s/A/B/ id.txt > id.yaml\n"}, True),
        ({"web/id-list.yaml": "", "a.sh": "cp a b/id.yaml", ".gitignore": "b/id.yaml\n"}, False),
    ],
)
def test_a_file_that_is_made_before_the_build_is_a_warning(built, beside, is_warning):
    web = {"web/kustomization.yaml": "resources: [a.yaml]\npatches: [{path: id.yaml}]\n"}
    web |= {"web/a.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n"}
    (finding,) = built({**web, **beside}).unbuilt
    assert finding.warning is is_warning


@pytest.mark.parametrize("name", ["webhook/manifests.yaml", "a.clusterserviceversion.yaml", "bare"])
def test_what_a_tool_writes_of_code_and_a_folder_that_git_ignores_may_be_absent(built, name):
    files = {"config/bare/a": "", ".gitignore": "config/bare/kustomization.yaml\n"}
    files |= {"config/all/kustomization.yaml": f"resources: [../{name}]\n"}
    assert [finding.warning for finding in built(files).unbuilt] == [True]


def test_a_secret_of_a_file_that_is_not_committed_is_a_warning(built):
    web = {"web/kustomization.yaml": "secretGenerator: [{name: a, files: [b=key.json]}]\n"}
    assert [("key.json" in one.what, one.warning) for one in built(web).unbuilt] == [(True, True)]


def test_what_a_deletion_left_is_a_warning(built):
    left = {"gone/kustomization.yaml": "resources: [role.yaml]\n"}
    wrong = {"wrong/kustomization.yaml": "resources: [../bsae]\n"}
    found = built({**left, **wrong}).unbuilt
    assert [(one.where, one.warning) for one in found] == [
        ("gone/kustomization.yaml", True),
        ("wrong/kustomization.yaml", False),
    ]


def test_one_that_nothing_follows_is_a_leftover_where_others_are_followed(built):
    wrong = {"wrong/kustomization.yaml": "resources: [../bsae]\n"}
    assert [one.warning for one in built({**overlay(""), **wrong}).unbuilt] == [False]
    found = built({"argo.yaml": FOLLOWED["argo.yaml"]}).unbuilt
    assert [(one.where, one.warning) for one in found] == [("wrong/kustomization.yaml", True)]


def test_without_the_program_that_is_a_warning_and_a_patch_is_still_no_object(built, monkeypatch):
    def missing(name):
        raise Skip(f"{name} is not on this machine; see https://example.com")

    monkeypatch.setattr("tarmac.check.gates.views.programs.find", missing)
    monkeypatch.setattr(
        "tarmac.check.verify.built.kustomizations.cache_folder", lambda: Path("/none")
    )
    found = built(overlay("patches: [{path: p.yaml}]\n", p=MERGE))
    said = {finding.where for finding in found.unbuilt if finding.warning}
    assert said == {"overlays/prod/kustomization.yaml", "base/kustomization.yaml"}
    assert all("kubectl is not on this machine" in finding.what for finding in found.unbuilt)
    assert [path.name for path in found.parts] == ["p.yaml"]


def test_a_second_build_starts_no_program(built, monkeypatch):
    first = built(overlay("namespace: seen-before\n")).units
    monkeypatch.setattr("tarmac.check.gates.views.programs.run", None)
    again = built(overlay("namespace: seen-before\n")).units
    assert [one.data for one in again[0].artifacts] == [one.data for one in first[0].artifacts]


def test_a_link_out_of_the_folder_is_not_followed(built, tmp_path, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "kustomization.yaml").write_text("resources: []\n")
    (tmp_path / "link").symlink_to(outside)
    (finding,) = built(overlay("components: [../../link]\n")).unbuilt
    assert "it includes ../../link, which is not in this folder" in finding.what


FOLLOWED = {
    "argo.yaml": """\
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {name: web}
        spec:
          source: {path: environments/overlays/prod}
          destination: {name: main, namespace: shop}
        """,
    "flux.yaml": """\
        apiVersion: kustomize.toolkit.fluxcd.io/v1
        kind: Kustomization
        metadata: {name: web}
        spec: {path: ./overlays/prod, targetNamespace: shop}
        """,
}


@pytest.mark.parametrize(("by", "where"), [("argo.yaml", "main shop"), ("flux.yaml", "flux shop")])
def test_objects_without_a_namespace_get_the_one_that_they_are_installed_in(by, where, built):
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n"
    files = {**overlay(""), by: FOLLOWED[by], "base/role.yaml": role}
    files["base/kustomization.yaml"] = "resources: [web.yaml, role.yaml]\n"
    (unit,) = built(files).units
    spaces = {one.data["kind"]: one.data["metadata"].get("namespace") for one in unit.artifacts}
    assert spaces == {"Deployment": "shop", "ClusterRole": None}
    assert unit.destination == where


def test_one_to_which_flux_adds_components_is_a_warning_where_it_cannot_be_built(built):
    web = {"web/kustomization.yaml": "resources: [a.yaml]\npatches: [{path: patch.yaml}]\n"}
    web |= {
        "web/a.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n",
        "web/patch.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {}\n",
    }
    flux = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web}
spec: {path: ./web, components: [../parts]}
"""
    (with_parts,) = built({**web, "flux.yaml": flux}).unbuilt
    (alone,) = built({"flux.yaml": flux.replace(", components: [../parts]", "")}).unbuilt
    assert [with_parts.warning, alone.warning] == [True, False]


def test_an_application_means_the_folder_that_is_next_to_it(built):
    files = {}
    for name in ("one", "two"):
        files |= {f"{name}/{path}": text for path, text in overlay("").items()}
        files[f"{name}/argo.yaml"] = FOLLOWED["argo.yaml"].replace("shop", name)
    spaces = {unit.title: unit.destination for unit in built(files).units}
    assert spaces == {"one/overlays/prod": "main one", "two/overlays/prod": "main two"}


def test_what_one_that_needs_files_from_elsewhere_includes_is_built(built):
    files = overlay("commonLabels: {app: web}\n")
    files["all/kustomization.yaml"] = """\
        resources: [../overlays/prod, ../more, "https://example.org/a.yaml"]
        """
    files["more/kustomization.yaml"] = "configMapGenerator: [{name: a, literals: [b=c]}]\n"
    made = built(files)
    assert [unit.title for unit in made.units] == ["overlays/prod", "more"]
    assert len({unit.destination for unit in made.units}) == 1  # they are applied together
    (said,) = made.unbuilt
    assert (said.where, said.warning) == ("all/kustomization.yaml", True)
    assert "it includes https://example.org/a.yaml, which is not in this folder" in said.what


def test_what_an_object_lacks_is_a_warning_where_what_completes_it_cannot_be_built(
    built, monkeypatch, tmp_path
):
    kept = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: kept}\n"
    files = {"base/kustomization.yaml": "resources: [kept.yaml]\n", "base/kept.yaml": kept}
    files["prod/kustomization.yaml"] = """\
        resources: [../base]
        patches: [{path: patch.yaml}]
        secretGenerator: [{name: a, files: [a.pem]}]
        """
    files["prod/patch.yaml"] = kept + "provisioner: a\n"
    files["alone.yaml"] = kept.replace("kept", "alone")
    built(files)
    monkeypatch.chdir(tmp_path)
    gates = [GATES["VAL001"]]
    report = folder.judge(Path(), date(2026, 11, 20), gates, lambda _: Suppressions())
    (result,) = report.results
    found = {one.where.split(":")[0]: one.warning for one in result.findings}
    assert found == {"alone.yaml": False, "base/kept.yaml": True}
