"""What nothing applies or runs is a warning: files that a list leaves out, jobs switched off."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePath

import pytest
import yaml
from small_system import GATES

from tarmac.base.artifact import read
from tarmac.base.report import Finding
from tarmac.check.gates.subject import Folder
from tarmac.check.gates.views.overlays.flux_patches import target_namespaces
from tarmac.check.gates.views.shapes.gaps import with_gaps
from tarmac.check.verify import folder
from tarmac.check.verify.certainty import grading
from tarmac.check.verify.named_elsewhere import granted, is_nested, printed
from tarmac.check.verify.running import Suppressions

TODAY = date(2026, 11, 20)


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Write files down, and judge them by one gate."""
    monkeypatch.chdir(tmp_path)

    def judge(files, gate):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder.judge(Path(), TODAY, [gate], lambda _: Suppressions())

    return judge


LEFT_OUT = {
    "web/kustomization.yaml": "resources: [a.yaml]\n",
    "web/a.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
    "web/b.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {prots: []}\n",
    "all/kustomization.yaml": "resources: [one/c.yaml, two/c.yaml]\n",
    "all/one/c.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: one}\n",
    "all/two/c.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: two}\n",
    "all/three/c.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: three}\nspec: {}\n",
    "alone/d.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: d}\nspec: {}\n",
}
#: Flux is led to one of two folders; of the third one, which has no list of its own, it takes all.
NEIGHBOURS = {
    "apps/web/main/kustomization.yaml": "resources: [a.yaml]\n",
    "apps/web/main/a.yaml": LEFT_OUT["web/b.yaml"],
    "apps/web/public/kustomization.yaml": "resources: [a.yaml]\n",
    "apps/web/public/a.yaml": LEFT_OUT["web/b.yaml"],
    "base/one/kustomization.yaml": "resources: [a.yaml]\n",
    "base/one/a.yaml": LEFT_OUT["web/b.yaml"],
}
ROLLOUT = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\n"
FOLLOWING = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web, namespace: flux-system}
spec: {interval: 10m, path: ./web, prune: true, sourceRef: {kind: GitRepository, name: all}}
"""


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({}, ["all/three/c.yaml:4", "alone/d.yaml:4", "web/b.yaml:4"]),
        ({"flux.yaml": FOLLOWING}, ["alone/d.yaml:4"]),
        # A rollout is of Argo's group, and applies nothing.
        ({"flux.yaml": ROLLOUT}, ["all/three/c.yaml:4", "alone/d.yaml:4", "web/b.yaml:4"]),
    ],
)
def test_what_a_list_leaves_out_is_a_warning_where_flux_or_argo_applies_all(more, wrong, judged):
    report = judged({**LEFT_OUT, **more}, GATES["VAL001"])
    found = [one for one in report.results[0].findings if "no such field" in one.what]
    assert [one.where for one in found if not one.warning] == wrong
    assert len(found) == 3


BALANCED = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {loadBalancerClass: alb, type: ClusterIP, ports: [{port: 80}]}
"""


def test_a_patch_that_the_list_above_its_folder_does_not_name_is_a_warning(judged):
    files = {
        "web/kustomization.yaml": "patches: [path: patches/a.yaml]\n",
        "web/patches/a.yaml": BALANCED,
        "web/patches/b.yaml": BALANCED,
        "flux.yaml": FOLLOWING,
    }
    (left,) = judged(files, GATES["OBJ013"]).results[0].findings
    assert (left.where, left.warning) == ("web/patches/b.yaml:4", True)
    (left,) = judged({"flux.yaml": ""}, GATES["OBJ013"]).results[0].findings
    assert (left.where, left.warning) == ("web/patches/b.yaml:4", False)


@pytest.mark.parametrize(
    ("listed", "is_error"),
    [
        ("#- patches/a.yaml\n", False),
        ("# - path: patches/a.yaml\n", False),
        ("- patches/a.yaml\n", True),
        ("#- patches/a.yaml\n- ./patches/a.yaml\n", True),
        ("# what is in patches/a.yaml is applied by hand\n", True),
        ("# patches/a.yaml intentionally not included\n", False),
        ("- patches/c.yaml # - patches/a.yaml\n", True),
    ],
)
def test_a_file_that_a_list_names_in_its_comments_alone_is_a_warning(listed, is_error, judged):
    files = {
        "web/kustomization.yaml": f"resources:\n- b.yaml\n{listed}",
        "web/patches/a.yaml": BALANCED,
        "web/patches/c.yaml": LEFT_OUT["web/a.yaml"],
        "web/b.yaml": LEFT_OUT["web/a.yaml"],
    }
    (found,) = judged(files, GATES["OBJ013"]).results[0].findings
    assert found.warning is not is_error


def test_a_folder_is_left_out_where_flux_is_led_to_its_neighbour(judged):
    led = (
        FOLLOWING.replace("./web", "./apps/web/main") + "---\n" + FOLLOWING.replace("./web", "base")
    )
    report = judged({**NEIGHBOURS, "flux.yaml": led}, GATES["VAL001"])
    found = [one for one in report.findings if "/a.yaml:" in one.where]
    wrong = {one.where.partition(":")[0]: one.warning for one in found}
    assert wrong == {
        "apps/web/main/a.yaml": False,
        "apps/web/public/a.yaml": True,
        "base/one/a.yaml": False,
    }


#: One of two folders is commented out of the list above them; another list has a third one.
FOLDERS = {
    "flux.yaml": FOLLOWING.replace("./web", "./core"),
    "core/kustomization.yaml": "resources:\n  - block\n#  - shares\n#  - lent\n",
    "core/block/kustomization.yaml": "resources: [a.yaml]\n",
    "core/block/a.yaml": LEFT_OUT["web/b.yaml"],
    "core/shares/kustomization.yaml": "resources: [hook]\n",
    "core/shares/hook/kustomization.yaml": "resources: [a.yaml]\n",
    "core/shares/hook/a.yaml": LEFT_OUT["web/b.yaml"],
    "core/shares/b.yaml": "a: {\n",
    "core/lent/kustomization.yaml": "resources: [a.yaml]\n",
    "core/lent/a.yaml": LEFT_OUT["web/b.yaml"],
    "other/kustomization.yaml": "resources: [../core/lent/a.yaml]\n",
}


def test_what_is_below_a_folder_that_the_list_above_leaves_out_is_a_warning(judged):
    report = judged(FOLDERS, GATES["VAL001"])
    found = [one for one in report.findings if re.match(r"core/.*[ab]\.yaml", one.where)]
    wrong = {one.where.partition(":")[0]: one.warning for one in found}
    assert wrong == {
        "core/block/a.yaml": False,
        "core/shares/hook/a.yaml": True,
        "core/shares/b.yaml": True,
        "core/lent/a.yaml": False,
    }


@pytest.mark.parametrize(("condition", "warning"), [("a == 'b'", False), ("a && false", True)])
def test_what_is_wrong_in_a_job_that_is_switched_off_is_a_warning(condition, warning, judged):
    job = "\n    needs: [absent]\n    runs-on: ubuntu-24.04\n    steps: [{run: make}]\n"
    jobs = f"jobs:\n  one:\n    if: {condition}{job}  two:{job}"
    report = judged({".github/workflows/a.yml": f"on: push\n{jobs}"}, GATES["PIP001"])
    found = [one for one in report.results[0].findings if "needs absent" in one.what]
    assert [one.warning for one in found] == [warning, False]


FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: films, namespace: flux-system}
spec:
  interval: 10m
  path: ./films
  prune: true
  sourceRef: {kind: GitRepository, name: all}
  postBuild: {substitute: {ZONE: example.org}}
"""
SCRIPT = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: films}
data:
  run.sh: |
    #!/bin/sh
    section=4
    echo "${section}"
"""


@pytest.mark.parametrize(("listed", "found"), [("films.yaml", 1), ("other.yaml", 0)])
def test_variables_are_not_lost_where_no_list_leads_to_what_fills_them_in(judged, listed, found):
    other = FLUX.replace("films", "other")
    texts = {
        "clusters/home/kustomization.yaml": f"resources: [{listed}]\n",
        "clusters/home/films.yaml": FLUX,
        "clusters/home/other.yaml": other,
        "films/script.yaml": SCRIPT,
    }
    findings = judged(texts, GATES["GIT015"]).results[0].findings
    assert len(findings) == found


@pytest.mark.parametrize(
    ("target", "is_error"), [({"kind": "CronJob"}, False), ({"name": "old"}, True)]
)
def test_a_patch_of_a_kind_is_for_what_is_added_later(target, is_error, judged):
    listed = {"target": target, "patch": "- {op: test}"}
    files = {
        "kustomization.yaml": yaml.safe_dump({"resources": ["web.yaml"], "patches": [listed]}),
        "web.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {}\n",
    }
    (result,) = judged(files, GATES["OBJ017"]).results
    assert [one.warning for one in result.findings] == [not is_error]


@pytest.mark.parametrize(
    ("patch", "is_error"),
    [("$patch: delete\nkind: Service\nmetadata: {name: old}", False), ("- {op: test}", True)],
)
def test_what_is_to_be_deleted_and_is_gone_is_a_warning(patch, is_error, judged):
    listed = {"target": {"kind": "Service", "name": "old"}, "patch": patch}
    files = {
        "kustomization.yaml": yaml.safe_dump({"resources": ["web.yaml"], "patches": [listed]}),
        "web.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {}\n",
    }
    (result,) = judged(files, GATES["OBJ017"]).results
    assert [one.warning for one in result.findings] == [not is_error]


@pytest.mark.parametrize(("name", "is_error"), [("wbe.yaml", False), ("other.yaml", True)])
def test_what_ends_a_build_is_told_once(name, is_error, judged, monkeypatch):
    said = "is a kustomization, and its objects were not judged: kubectl: ended with 1"
    build = folder.units.build
    unbuilt = (Finding("kustomization.yaml", said, folder.READING),)
    monkeypatch.setattr(folder.units, "build", lambda *a: replace(build(*a), unbuilt=unbuilt))
    files = {
        "kustomization.yaml": f"resources: [a.yaml, {name}]\n",
        "a.yaml": LEFT_OUT["web/a.yaml"],
        "web.yaml": LEFT_OUT["web/a.yaml"],
    }
    report = judged(files, GATES["OBJ012"])
    listed = [one for one in report.results[0].findings if "lists" in one.what]
    assert [one.warning for one in listed] == [is_error]
    assert [one.warning for one in report.remarks] == [not is_error]


def test_a_part_of_an_object_lacks_nothing():
    note = "argocd.argoproj.io/sync-options"
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, annotations: {%s: '%s'}}\n"
    options = {"part": "ServerSideApply=true, Validate=false", "whole": "ServerSideApply=true"}
    there = [one for name, told in options.items() for one in read(name, text % (note, told))]
    assert list(with_gaps(there)) == ["part"]


@pytest.mark.parametrize(("by", "is_found"), [("", True), ("prod", False)])
def test_a_route_that_is_built_ends_at_no_service_of_another_folder(by, is_found):
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"
    route = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: web}\n"
        "spec: {http: [{route: [{destination: {host: web, port: {number: 8080}}}]}]}\n"
    )
    there = [replace(one, built_by=by) for one in read("prod/web.yaml", route)]
    every = (*read("lab/service.yaml", service), *there)
    found = list(GATES["NET004"].of_files(Folder(every, TODAY, Path())))
    assert bool(found) is is_found


def test_a_probe_that_a_charts_own_values_leave_open_is_given_by_others():
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
        "spec: {containers: [{name: web, image: 'web:1', livenessProbe: {}}]}\n"
    )
    found = {}
    for by in ("web/templates/pod.yaml", ""):
        there = tuple(replace(one, built_by=by) for one in read("web/values.yaml", text))
        (said,) = GATES["OBJ007"].of_files(Folder(there, TODAY, Path()))
        found[by] = said.warning
    assert list(found.values()) == [True, False]


def test_what_flux_puts_into_a_namespace_is_known_wherever_it_is_asked(tmp_path):
    (tmp_path / "apps/web").mkdir(parents=True)
    (tmp_path / "apps/web/ks.yaml").write_text(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        "metadata: {name: web}\nspec:\n  path: ./apps/web/app\n  targetNamespace: shop\n"
    )
    listed = tuple(read("apps/kustomization.yaml", "resources: [web/ks.yaml]\n"))
    assert list(target_namespaces(Folder(listed, TODAY, tmp_path))) == ["apps/web/app"]


def test_a_grant_of_another_tree_allows_what_it_names():
    text = (
        "apiVersion: gateway.networking.k8s.io/v1\nkind: ReferenceGrant\n"
        "metadata: {name: web, namespace: shop}\nspec: {to: [{kind: Service, name: web}]}\n"
    )
    is_granted = granted(read("grant.yaml", text))
    what = "HTTPRoute a names Service %s of the namespace shop, where no ReferenceGrant allows it"
    named = [Finding("a.yaml:1", what % name, "NET008") for name in ("web", "website")]
    assert list(map(is_granted, named)) == [True, False]


def test_workflows_where_github_looks_for_none_are_warnings(tmp_path):
    (tmp_path / ".github/workflows").mkdir(parents=True)
    is_unread = is_nested(tmp_path)
    paths = (".github/workflows/a.yml", "apps/web/.github/workflows/a.yml")
    assert [is_unread(PurePath(one)) for one in paths] == [False, True]
    assert not is_nested(tmp_path / "apps")(PurePath("web/.github/workflows/a.yml"))


def test_what_helm_printed_of_a_chart_that_is_here_is_a_copy(tmp_path):
    (tmp_path / "charts/web").mkdir(parents=True)
    (tmp_path / "charts/web/Chart.yaml").touch()
    for name in ("web", "other"):
        (tmp_path / f"{name}.yaml").write_text(f"---\n# Source: {name}/templates/a.yaml\na: 1\n")
    is_printed = printed(tmp_path)
    assert [is_printed(PurePath(f"{name}.yaml")) for name in ("web", "other")] == [True, False]


@pytest.mark.parametrize(
    ("trigger", "is_error"), [("push: {tags: ['v*']}", False), ("pull_request: {}", True)]
)
def test_a_tag_that_writers_alone_name_is_a_warning(trigger, is_error, judged):
    files = {
        ".github/workflows/release.yml": f"name: Release\non: {{{trigger}}}\njobs: {{}}\n",
        ".github/workflows/tell.yml": (
            "on: {workflow_run: {workflows: [Release], types: [completed]}}\njobs:\n  tell:\n"
            "    steps: [{run: 'echo ${{ github.event.workflow_run.head_branch }}'}]\n"
        ),
    }
    found = judged(files, GATES["PIP004"]).results[0].findings
    assert bool(found) is is_error


def test_a_namespace_that_a_template_leaves_empty_is_given_by_a_release():
    text = (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: a}\n"
        "roleRef: {kind: ClusterRole, name: view}\n"
        "subjects: [{kind: ServiceAccount, name: a, namespace: ''}]\n"
    )
    found = []
    for by in ("web/templates/a.yaml", ""):
        there = tuple(replace(one, built_by=by) for one in read("web/values.yaml", text))
        found += [one.warning for one in GATES["SEC013"].of_files(Folder(there, TODAY, Path()))]
    assert found == [True, False]


BASE = {
    "base/kustomization.yaml": (
        "resources: [release.yaml]\npatches: [{path: name.yaml, options: {allowNameChange: true},"
        " target: {kind: HelmRelease, name: base-web}}]\n"
        "configMapGenerator: [{name: settings, literals: [a=b]}]\n"
    ),
    "base/release.yaml": (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: base-web}\n"
        "spec: {valuesFrom: [{kind: ConfigMap, name: settings}]}\n"
    ),
    "base/name.yaml": (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: shop--web}\n"
    ),
}


@pytest.mark.parametrize(("name", "is_found"), [("shop--web", False), ("web", True)])
def test_a_patch_is_for_an_object_by_the_name_that_another_one_gives(name, is_found, judged):
    listed = {"target": {"kind": "HelmRelease", "name": name}, "patch": "- {op: test}"}
    above = yaml.safe_dump({"resources": ["../base"], "patches": [listed]})
    files = {**BASE, "prod/kustomization.yaml": above}
    (result,) = judged(files, GATES["OBJ017"]).results
    assert any("patches HelmRelease" in one.what for one in result.findings) is is_found


@pytest.mark.parametrize(("rules", "is_found"), [("configurations: [a.yaml]", False), ("", True)])
def test_what_includes_a_kustomization_may_say_where_names_stand(rules, is_found, judged):
    files = {**BASE, "prod/kustomization.yaml": f"resources: [../base]\n{rules}\n"}
    (result,) = judged(files, GATES["OBJ017"]).results
    assert any("with a hash" in one.what for one in result.findings) is is_found


def test_a_sample_of_a_release_that_was_copied_with_its_licence_is_not_certain(tmp_path):
    graded = grading(tmp_path)
    for place in (".", "modules/eks"):
        (tmp_path / place / "examples/all").mkdir(parents=True)
        (tmp_path / place / "LICENSE").write_text("MIT\n")
    files = ("examples/all/main.tf", "modules/eks/main.tf", "modules/eks/examples/all/main.tf")
    found = [
        graded(Finding(f"{tmp_path}/{file}:1", "EKS 1.20 is gone", "INF003")) for file in files
    ]
    assert [one.warning for one in found] == [False, False, True]
