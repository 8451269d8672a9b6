"""Gates that judge files without a plan: each finds its bad ones at their line, and no good ones.

A fixture holds whole files, as somebody keeps them; they are written down and read as `verify
--files` reads them.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from joined_forms import FORMS as JOINED
from other_forms import FORMS as OTHER
from small_system import GATES

from tarmac.base.errors import BadInput
from tarmac.base.report import Finding, Skip, Status
from tarmac.check.verify import folder
from tarmac.check.verify.built import kustomizations
from tarmac.check.verify.built.trees import trees
from tarmac.check.verify.running import Suppressions

TODAY = date(2026, 11, 20)
FOLDER = Path(__file__).parent
#: What programs of others find is in tests/gates/test_programs.py.
OF_FILES = {name: gate for name, gate in GATES.items() if gate.of_files and not gate.program}
SERVED = "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
FIXTURES = [p for p in sorted(FOLDER.glob("*/*.yaml")) if "\nfiles:" in f"\n{p.read_text()}"]
GOOD = [path for path in FIXTURES if path.name.startswith("good-")]
BAD = [path for path in FIXTURES if path.name.startswith("bad-")]
#: What is in the root of a repository is near to no folder; in a folder, to those below it.
NEARER = ("OBJ008/good-files-elsewhere", "OBJ009/good-files-elsewhere", "SEC023/bad-files-only")
FORMS = OTHER | JOINED
BASE_SIXTY = ["IMG016/good-files-merged", "IMG048/bad-files-docker", "IMG048/bad-files-podman"]
TWICE = ["INF097/bad-files-twice", "INF097/good-files-whole"]
OVERRIDDEN = ["IMG027/bad-files-variables", "IMG027/bad-files-volumes"]
#: What is not the same in another form: these are of the form itself, or of names across files.
OTHERWISE = {
    # What a digest names, or a mirror has, may still be there.
    "images with digests": [
        "GIT016/bad-files-extract",
        "GIT016/good-files-marked",
        *BASE_SIXTY,
        "VER005/bad-files-others",
        "VER005/bad-files-pods",
    ],
    "images of a mirror": [
        "OBJ017/bad-files-beside-good",
        *(f"VER005/bad-files-{name}" for name in ("others", "pods")),
    ],
    "images by default": BASE_SIXTY,
    # A file of variables may be that of several services.
    "variables in files": [
        *(f"IMG016/bad-files-{name}" for name in ("itself", "looked-up", "store-host")),
        "IMG027/bad-files-variables",
        "IMG033/bad-files-keys",
        "IMG033/bad-files-quotes",
    ],
    # Of what a ConfigMap gives, the kubelet does not know the value when it runs a probe.
    "variables in ConfigMaps": [
        "ENV021/bad-files-pods",
        *(f"OBJ007/bad-files-{n}" for n in ("optional", "order", "other-values", "same-twice")),
        "OBJ016/good-files-probes",
        "OBJ016/good-files-value-in-a-probe",
        "OBJ038/bad-files-own",
    ],
    "settings in ConfigMaps": [
        "IMG036/bad-files-compose",
        "IMG065/bad-files-envoy",
        "OBS004/bad-files-folder",
        "OBS004/bad-files-kustomization",
        # What is mounted beside them is in a Compose file, which mounts the file itself.
        "OBS049/bad-files-ending",
        "OBS049/bad-files-folder-below",
        "OBS089/bad-files-scraped",
    ],
    # What an overriding file adds to is written in another one.
    "services extended": BASE_SIXTY,
    "Compose files included": OVERRIDDEN,
    "variables in lists": sorted(["IMG033/bad-files-keys", "IMG033/bad-files-quotes", *BASE_SIXTY]),
    # An action has neither its job's folder nor numbers or inputs of a type; it may be a container,
    # or install a program.
    "steps in actions": [
        "PIP013/bad-files-booleans",
        "PIP015/bad-files-folder",
        "PIP016/bad-files-versions",
        "PIP031/bad-files-name",
        "VER008/bad-files-compose",
        "VER008/bad-files-terraform",
    ],
    # What failed may be in the workflow that calls; groups of runs stay there; 3.10 becomes 3.1.
    # The form has no comments, and so no version beside a commit.
    "jobs called": [
        "PIP015/bad-files-concurrency",
        "PIP016/bad-files-versions",
        "PIP019/bad-files-alone",
        "PIP019/bad-files-artifact-of-a-commit",
        "VER002/bad-files-workflows",
        "VER004/bad-files-commits",
    ],
    # A child pipeline is read where another one starts it.
    "pipelines included": ["PIP062/bad-files-rules"],
    "bases in stages": ["IMG014/bad-files-computed", "IMG083/bad-files-base"],
    # The form moves a module, and leaves the files that it reads where they are.
    "values in arguments": [
        *(f"INF010/bad-files-{name}" for name in ("provider", "variable")),
        "INF025/good-files-substitute",
        "INF055/bad-files-batch",
        "INF056/bad-files-unknown",
        *(f"INF058/bad-files-{name}" for name in ("misspelt", "shell")),
        "INF086/bad-files-databases",
        "INF096/bad-files-given",
        *TWICE,
    ],
    "values in locals": ["INF010/good-files-follows", *TWICE],
    "values in variables": ["INF010/bad-files-provider", "INF010/bad-files-variable", *TWICE],
}
#: These judge kustomizations as they were written, whose parts are objects.
OF_KUSTOMIZATIONS = ("OBJ017", "OBJ045")
OF_NO_OBJECTS = [
    path
    for path in BAD
    if not GATES[path.parent.name].of_objects and path.parent.name not in OF_KUSTOMIZATIONS
]
OF_EACH = [path for path in FIXTURES if GATES[path.parent.name].alone]


def name_of(path):
    return f"{path.parent.name}/{path.stem}"


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Write files down, and judge them by some gates."""
    monkeypatch.chdir(tmp_path)

    def judge(files, *gates):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder.judge(Path(), TODAY, gates, lambda _: Suppressions())

    return judge


def test_each_gate_of_files_has_fixtures_of_files_here():
    assert {path.parent.name for path in BAD} == OF_FILES.keys()
    assert {path.parent.name for path in GOOD} == OF_FILES.keys()


@pytest.mark.parametrize("path", GOOD, ids=name_of)
def test_good_files_are_left_alone(path, judged):
    fixture = yaml.safe_load(path.read_text())
    report = judged(fixture["files"], GATES[path.parent.name])
    (result,), said = report.results, fixture.get("remarks", [])
    assert [str(finding) for finding in result.findings] == []
    assert all(any(one in str(remark) for one in said) for remark in report.remarks)
    assert result.status is (Status.PASS if result.judged else Status.NOT_APPLICABLE)


def _without_objects(files):
    """Leave out the files that have nothing but objects."""
    return {
        name: text
        for name, text in files.items()
        if not name.endswith((".yaml", ".yml")) or "{{" in text or not _is_of_objects(text)
    }


def _is_of_objects(text):
    documents = [one for one in yaml.safe_load_all(text) if one]
    return all(isinstance(one, dict) and {"apiVersion", "kind"} <= one.keys() for one in documents)


@pytest.mark.parametrize("path", OF_NO_OBJECTS, ids=name_of)
def test_a_gate_that_judges_no_objects_finds_the_same_without_them(path, judged, tmp_path):
    files = yaml.safe_load(path.read_text())["files"]
    before = judged(files, GATES[path.parent.name]).findings
    for name in files:
        (tmp_path / name).unlink()
    assert list(judged(_without_objects(files), GATES[path.parent.name]).findings) == list(before)


def test_a_gate_that_judges_no_objects_is_asked_once_of_all_trees(judged, monkeypatch):
    asked = []
    gates = [
        replace(GATES[name], of_files=lambda _, name=name: asked.append(name) or ())
        for name in ("IMG014", "REL001")
    ]
    monkeypatch.setattr(folder, "trees", lambda artifacts, _: [artifacts, artifacts])
    monkeypatch.setattr(folder.parallel, "processors", lambda: 1)  # what is asked is noted here
    judged({"Dockerfile": "FROM a"}, *gates)
    assert asked == ["IMG014", "REL001", "REL001"]


@pytest.mark.parametrize(
    "path", [path for path in FIXTURES if path.parent.name in OF_KUSTOMIZATIONS], ids=name_of
)
def test_a_kustomization_as_it_was_written_is_judged_alike_in_each_tree(path, judged):
    files, gate = yaml.safe_load(path.read_text())["files"], GATES[path.parent.name]
    once, again = (judged(files, replace(gate, of_objects=of_trees)) for of_trees in (False, True))
    assert once.findings == again.findings


def judged_apart(path, files, judged, monkeypatch):
    """Judge files by a gate that is asked of all at once, and that is asked of each by itself."""
    gate = GATES[path.parent.name]
    together = judged(files, replace(gate, alone=False))
    with monkeypatch.context() as patched:
        patched.setattr(
            folder, "trees", lambda *found: [(one,) for tree in trees(*found) for one in tree]
        )
        apart = judged(files, gate)
    return together, apart


@pytest.mark.parametrize("path", OF_EACH, ids=name_of)
def test_what_a_gate_judges_alone_is_as_it_is_beside_others(path, judged, monkeypatch):
    files = yaml.safe_load(path.read_text())["files"]
    together, apart = judged_apart(path, files, judged, monkeypatch)
    assert apart.findings == together.findings
    assert apart.results[0].judged == together.results[0].judged


def test_a_gate_that_judges_alone_is_asked_of_each_document_once(judged, monkeypatch):
    asked = []

    def note(found, name):
        asked.append((name, [one.path for one in found.artifacts]))
        return ()

    gates = [
        replace(GATES[name], of_files=lambda found, name=name: note(found, name))
        for name in ("OBJ041", "REL001")
    ]
    monkeypatch.setattr(
        folder, "trees", lambda artifacts, _: [artifacts[:1], artifacts, artifacts[1:]]
    )
    monkeypatch.setattr(folder.parallel, "processors", lambda: 1)  # what is asked is noted here
    judged({"a.yaml": "a: 1", "b.yaml": "b: 1"}, *gates)
    both = ["a.yaml", "b.yaml"]
    assert [paths for name, paths in asked if name == "OBJ041"] == [["a.yaml"], ["b.yaml"], []]
    assert [paths for name, paths in asked if name == "REL001"] == [["a.yaml"], both, ["b.yaml"]]


@pytest.mark.parametrize("gate", OF_FILES)
def test_some_good_files_of_each_gate_are_judged(gate, judged):
    own = [path for path in GOOD if path.parent.name == gate]
    numbers = [judged(yaml.safe_load(p.read_text())["files"], GATES[gate]).results[0] for p in own]
    assert [result for result in numbers if result.status is Status.PASS]


@pytest.mark.parametrize("path", BAD, ids=name_of)
def test_bad_files_are_found_at_their_line(path, judged):
    fixture = yaml.safe_load(path.read_text())
    report = judged(fixture["files"], GATES[path.parent.name])
    (result,) = report.results
    assert result.judged
    assert [finding.where for finding in result.findings] == [e["where"] for e in fixture["expect"]]
    for found, wanted in zip(result.findings, fixture["expect"], strict=True):
        assert wanted["what"] in found.what
        assert found.warning is wanted.get("warning", found.warning)
    for remark, wanted in zip(report.remarks, fixture.get("remarks", []), strict=True):
        assert wanted in str(remark)


def test_a_part_has_the_line_of_its_key_in_every_document(judged, monkeypatch):
    seen = []
    gate = GATES["NET050"]
    monkeypatch.setattr(
        "tarmac.check.verify.folder.run_files", lambda files, *_: seen.extend(files.artifacts) or ()
    )
    judged({"a.yaml": "a: 1\n---\n# two\nb:\n  - c\n  - d: {e: 2}\n"}, gate)
    first, second = seen
    assert first.at("a") == "a.yaml:1"
    assert second.at() == "a.yaml:4"
    assert second.at("b", 1, "d", "e") == "a.yaml:6"
    assert second.at("b", 0, "nothing", "there") == "a.yaml:5"


@pytest.mark.parametrize(
    ("text", "said", "warning"),
    [
        ("a: {\n", "a.yaml:2: cannot be read as YAML", False),
        ("a: {{ .Values.b }}\nc: [\n", "a.yaml: is a template, which is not judged", True),
        ("a: {PREFIX}.16\nb: 1\n", "a.yaml: is a template, which is not judged", True),
        ("a: %%%REPLACE_ADDR%%%/32\nb: 1\n", "a.yaml: is a template, which is not judged", True),
        ("<% require 'a' %>\n\n# A\nb: 1\n", "a.yaml: is a template, which is not judged", True),
        ('a:\n  - ${b ? "c" : "d"}\n', "a.yaml: is a template, which is not judged", True),
        ("${HEADER}\n# a\n\n# b\na: 1\n", "a.yaml: is a template, which is not judged", True),
        ("a: ${HEADER}\n# a\nb: [\n", "a.yaml:4: cannot be read as YAML", False),
        ("a:\n$ROUTES\n  b: 1\n", "a.yaml: is a template, which is not judged", True),
        ("a: [YOUR_HOST]/[YOUR_PROJECT]/b\n", "a.yaml: is a template, which is not judged", True),
        ("a: {PREFIX}\nb: 1\nc: [\n", "a.yaml:4: cannot be read as YAML", False),
        ("a:\n  b: @project.name@\n", "a.yaml: is a template, which is not judged", True),
        ("a:\n  [urn:uid]: b\n", "a.yaml:2: cannot be read as YAML", True),
        ("a:\n  {b: c}: d\n", "a.yaml:2: cannot be read as YAML", False),
        ("a: 1\n\n<<: !include ./b.yaml\n", "a.yaml:3: cannot be read as YAML", True),
        ("a:\n  - &isAlone?\n    b: 1\n", "a.yaml:2: cannot be read as YAML", True),
        ("jobs:\n  - &isAlone?\n    b: 1\n", "a.yaml:2: cannot be read as YAML", False),
        (f"{SERVED}metadata:\n  name: {{name}}\n", "a.yaml: is a template, which is not", True),
        ("a: 1\n<<: b\n", "a.yaml:2: cannot be read as YAML", False),
        ("a: !Ref b\n", "a.yaml:1: cannot be read as YAML", True),
        ("...\na:\n  ...\n  b: [\n", "a.yaml:1: cannot be read as YAML", True),
        ("    - a: 1\n      b: 2\nc: 3\n", "cannot be read as YAML", True),
        ("a: [\n...\n", "a.yaml:2: cannot be read as YAML", False),
        ("# a.yaml\n# Generated by Shroud. Do not edit.\na: [\n", "cannot be read as YAML", True),
        ("# Do not edit what is generated.\na: [\n", "cannot be read as YAML", False),
    ],
)
def test_what_cannot_be_read_is_said_and_not_passed_over(text, said, warning, judged):
    report = judged({"a.yaml": text, "b.yaml": SERVED}, GATES["NET050"])
    (remark,) = report.remarks
    assert said in str(remark)
    assert remark.warning is warning
    assert report.passed(strict=False) is warning


def test_a_value_of_the_wrong_type_is_reported_and_crashes_no_gate(judged):
    odd = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  annotations: [1]\n"
    report = judged({"a.yaml": odd}, *OF_FILES.values())
    # With its schemas, VAL001 says the same; it has neither rules (OBJ010) nor a name (OBJ013).
    others = {"VAL001", "OBJ010", "OBJ013"}
    assert {finding.gate for finding in report.findings} - others == {"OBJ005"}
    assert not report.passed(strict=False)
    assert Status.ERROR not in {result.status for result in report.results}


def test_what_others_wrote_is_not_read(judged):
    bad = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  annotations: "
    bad += "{a/rewrite-target: /}\n"
    others = {f"{name}/a.yaml": bad for name in ("node_modules/x", "vendor", ".git", ".terraform")}
    assert judged({**others, "mine.yaml": "a: 1\n"}, GATES["NET050"]).findings == ()


def test_a_folder_without_anything_to_read_is_refused(judged):
    with pytest.raises(BadInput, match="it has no file that a gate reads"):
        judged({"a.png": ""}, GATES["NET050"])


CHART = {
    "helm/Chart.yaml": "apiVersion: v2\nname: service\nversion: 0.1.0\n",
    "helm/values.yaml": "port: 3000\nprobe: /health\n",
    "helm/templates/deployment.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  template:
    spec:
      containers:
        - name: service
          {{- with .Values.port }}
          ports: [{containerPort: {{ . }}}]
          {{- end }}
          livenessProbe: {httpGet: {path: {{ .Values.probe }}, port: 3000}}
""",
}


def test_a_chart_is_judged_by_what_each_file_of_values_gives(judged):
    # The roadmap's own way to the mistake: one chart for all, and a worker that has no port.
    files = {**CHART, "helm/values/worker.yaml": "port: null\n"}
    report = judged(files, GATES["NET001"])
    (found,) = report.findings
    # The probe is the template's own; the release that it is wrong for is said.
    assert found.where == "helm/templates/deployment.yaml:12"
    assert "livenessProbe asks port 3000, and worker has no port" in found.what
    assert judged({"helm/values/worker.yaml": "port: 3000\n"}, GATES["NET001"]).findings == ()


OVERLAY = {
    "base/web.yaml": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {}}\n"
        "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\n"
        "spec: {scaleTargetRef: {kind: Deployment, name: web}}\n"
    ),
    "base/kustomization.yaml": "kind: Kustomization\nresources: [web.yaml]\n",
    "prod/kustomization.yaml": (
        "kind: Kustomization\nresources: [../base]\npatches: [{path: web.yaml}]\n"
    ),
    "prod/web.yaml": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 3\n"
    ),
}


def test_an_overlay_is_judged_by_what_it_builds_once_and_at_its_patch(judged):
    try:
        kustomizations.program()
    except Skip as missing:
        pytest.skip(str(missing))
    report = judged(OVERLAY, GATES["GIT004"])
    (found,) = report.findings
    assert found.where == "prod/web.yaml:5"
    assert "replicas of Deployment web is 3" in found.what
    assert report.remarks == ()


def test_two_files_of_values_are_not_mixed(judged):
    scaler = "{{ if .Values.scaled }}" + yaml.safe_dump(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "a"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "a"}},
        }
    )
    fixed = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n"
    fixed += "  {{- if not .Values.scaled }}\n  replicas: 2\n  {{- end }}\n  template: {}\n"
    files = {
        "a/Chart.yaml": CHART["helm/Chart.yaml"],
        "a/templates/scaler.yaml": f"{scaler}{{{{ end }}}}",
        "a/templates/a.yaml": fixed,
        "a/values-many.yaml": "scaled: true\n",
    }
    assert judged(files, GATES["GIT004"]).findings == ()


def test_a_chart_that_cannot_be_rendered_is_said(judged):
    files = {**CHART, "helm/templates/broken.yaml": "{{ .Values.no.such }}"}
    (remark,) = judged(files, GATES["NET001"]).remarks
    assert remark.warning
    assert remark.where == "helm/templates"
    assert "its objects were not judged: helm: ended with 1" in remark.what


def test_without_helm_a_chart_is_said_not_to_be_judged(judged, monkeypatch):
    monkeypatch.setattr("tarmac.check.gates.views.programs.find_program", lambda *_, **__: None)
    (remark,) = judged(CHART, GATES["NET001"]).remarks
    assert "its objects were not judged: helm is not on this machine" in remark.what


def test_what_a_program_finds_in_a_line_that_an_own_gate_names_is_left_out(judged):
    def other(line):
        found = Finding(f"a.yaml:{line}:5", "no such namespace")
        return replace(GATES["VAL003"], of_files=lambda _: [found], scope=GATES["OBJ002"].scope)

    files = yaml.safe_load((FOLDER / "OBJ002/bad-files-scaler.yaml").read_text())["files"]
    files = {"a.yaml": "---\n".join(files.values())}
    (own,) = judged(files, GATES["OBJ002"]).findings
    line = own.position[1]
    same, another = (judged(files, GATES["OBJ002"], other(at)) for at in (line, line + 1))
    assert [found.gate for found in same.findings] == ["OBJ002"]
    assert {found.gate for found in another.findings} == {"OBJ002", "VAL003"}


@pytest.mark.parametrize(
    "path", [one for one in FIXTURES if name_of(one) not in NEARER], ids=name_of
)
def test_a_folder_is_judged_from_outside_as_from_inside(path, tmp_path, monkeypatch):
    place = tmp_path / "one folder"
    for name, text in yaml.safe_load(path.read_text())["files"].items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")

    def found(begin, judged):
        monkeypatch.chdir(begin)
        report = folder.judge(judged, TODAY, [GATES[path.parent.name]], lambda _: Suppressions())
        return [(one.where.removeprefix("one folder/"), one.warning) for one in report.findings]

    assert found(tmp_path, Path("one folder")) == found(place, Path())


@pytest.mark.parametrize("form", FORMS)
def test_the_same_is_found_in_another_form(form, tmp_path, monkeypatch):
    other = []
    for path in FIXTURES:
        files = yaml.safe_load(path.read_text())["files"]
        if (changed := FORMS[form](files)) is None:
            continue
        counts = []
        for number, given in enumerate((files, changed)):
            begin = tmp_path / path.parent.name / path.stem / str(number)
            for name, text in given.items():
                (begin / name).parent.mkdir(parents=True, exist_ok=True)
                (begin / name).write_text(text, encoding="utf-8")
            monkeypatch.chdir(begin)
            gates = (GATES[path.parent.name],)
            report = folder.judge(Path(), TODAY, gates, lambda _: Suppressions())
            counts.append(len(report.findings))
        other += [name_of(path)] if counts[0] != counts[1] else []
    assert other == OTHERWISE.get(form, [])


@pytest.mark.parametrize("form", JOINED)
def test_what_a_gate_judges_alone_stays_alone_in_another_form(form, judged, monkeypatch, tmp_path):
    other = []
    for path in OF_EACH:
        if (changed := JOINED[form](yaml.safe_load(path.read_text())["files"])) is not None:
            for left in tmp_path.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            together, apart = judged_apart(path, changed, judged, monkeypatch)
            other += [name_of(path)] if apart.findings != together.findings else []
    assert other == []
