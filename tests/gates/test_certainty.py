"""What of files alone is an error: assets/certain.yaml says it, and where a file is."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePath

import pytest
import yaml
from small_system import GATES

from tarmac.base.report import Finding
from tarmac.check.verify import certainty, doubt, folder
from tarmac.check.verify.running import Suppressions

TESTS = Path(__file__).parents[1]
TODAY = date(2026, 11, 20)
FIXTURES = sorted(Path(__file__).parent.glob("*/bad-*.yaml"))
BAD = [path for path in FIXTURES if path.read_text().startswith("files:")]
OF_FILES = {name: gate for name, gate in GATES.items() if gate.of_files}
#: What programs and kustomize say is in tests/gates/test_programs.py and tests/unit.
OWN = {name for name, gate in OF_FILES.items() if not gate.program}


def test_the_table_says_of_each_gate_of_files_what_is_certain():
    assert set(certainty.bases()) == {*OF_FILES, folder.READING}


def test_what_depends_on_other_files_is_an_error_where_one_was_true_elsewhere():
    judged = yaml.load((TESTS / "precision.yaml").read_text(), yaml.CSafeLoader)
    errors = [error for one in judged for error in one.get("errors", ())]
    confirmed = {error["gate"] for error in errors if error["verdict"] == "true"}
    confirmed |= set(yaml.safe_load((TESTS / "confirmed.yaml").read_text()))
    printed = yaml.safe_load((TESTS / "mistakes/mistakes.yaml").read_text())
    confirmed |= {one["gate"] for one in printed.values()}
    doubtful = {gate for gate, basis in certainty.bases().items() if basis.beside}
    assert doubtful <= confirmed, "write `likely` in place of `beside`, or where it was true"


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Collect what the bad files of each gate make it say, as the gate itself grades it."""
    found = {name: set() for name in OWN}
    place = tmp_path_factory.mktemp("fixtures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder, "grading", lambda _: lambda finding: finding)
        for number, path in enumerate(BAD):
            own = place / str(number)
            for name, text in yaml.safe_load(path.read_text())["files"].items():
                (own / name).parent.mkdir(parents=True, exist_ok=True)
                (own / name).write_text(text, encoding="utf-8")
            gate = GATES[path.parent.name]
            report = folder.judge(own, TODAY, [gate], lambda _: Suppressions())
            found[gate.id] |= {one.what for one in report.findings if not one.warning}
    return found


@pytest.mark.parametrize("gate", sorted(OWN))
def test_each_entry_of_the_table_is_something_that_a_gate_says(gate, texts):
    basis = certainty.bases()[gate]
    for pattern in (*basis.closed, *basis.beside, *basis.likely):
        assert any(map(pattern.search, texts[gate])), pattern.pattern


def certain(what, path="k8s/a.yaml", line="", gate="OBJ008"):
    return certainty.severity(Finding("a:1", what, gate), PurePath(path), line) == "error"


NAMED = "Pod web names ConfigMap wbe, which does not exist; did you mean 'web'?"
ASKED = "service db has no port 5433, and web asks for it; write 5432"


def test_what_no_repository_has_confirmed_is_likely_and_a_warning_in_samples(monkeypatch):
    patterns = (re.compile("has no port"),)
    bases = {"NET099": certainty.Basis(closed=(), beside=(), likely=patterns)}
    monkeypatch.setattr(certainty, "bases", lambda: bases)
    finding = Finding("compose.yaml:3", ASKED, "NET099")
    assert certainty.severity(finding, PurePath("compose.yaml")) == "likely"
    assert certainty.severity(finding, PurePath("examples/compose.yaml")) == "warning"
    (found,) = map(certainty.grading(Path("/none")), [replace(finding, where="/none/a.yaml:3")])
    assert (found.warning, found.severity) == (True, "likely")


FIELD = "spec.{}: no such field; did you mean 'spec'?"


@pytest.mark.parametrize(
    ("number", "gate", "what", "severity"),
    [
        (doubt.MANY - 1, "OBJ008", NAMED, "error"),
        (doubt.MANY, "OBJ008", NAMED, "likely"),
        (doubt.MANY, "VAL001", FIELD, "error"),
        (doubt.MANY, "ACME001", "is not so", "error"),
    ],
)
def test_what_depends_on_others_and_is_so_in_many_files_is_likely(number, gate, what, severity):
    found = [Finding(f"{n}.yaml:1", what.format(f"field{n}"), gate) for n in range(number)]
    assert {one.severity for one in doubt.doubting(found)} == {severity}
    same = [Finding(f"a.yaml:{line}", what, gate) for line in range(number)]
    assert {one.severity for one in doubt.doubting(same)} == {"error"}


def test_what_is_so_very_many_times_is_likely_in_one_file_as_well():
    for number, severity in ((doubt.OFTEN - 1, "error"), (doubt.OFTEN, "likely")):
        found = [Finding(f"a.yaml:{line}", NAMED, "OBJ008") for line in range(number)]
        assert {one.severity for one in doubt.doubting(found)} == {severity}


@pytest.mark.parametrize(
    ("path", "is_error"),
    [
        ("deploy/bundle.yaml", True),
        ("deploy/bundle-v1beta1.yaml", False),
        ("deploy/v1beta1/bundle.yaml", False),
        ("deploy/bundle-v1beta2.yaml", True),
        ("deploy/images-pre-4.6/cronjob.yaml", False),
        ("deploy/upgrade-from-v1.2-crds.yaml", False),
        ("deploy/legacy/cronjob.yaml", False),
        ("deploy/before_1.22.yaml", False),
        ("deploy/k8s_before_v1_18.yaml", False),
        ("deploy/prefix-4.6/cronjob.yaml", True),
    ],
)
def test_a_file_that_is_called_by_an_old_version_is_for_old_clusters(path, is_error):
    what = "kind: unknown kind apiextensions.k8s.io/v1beta1 CustomResourceDefinition; it is gone"
    assert certain(what, path, gate="VAL001") is is_error
    assert certain("spec: has no 'names'", path, gate="VAL001")


@pytest.mark.parametrize(
    ("said", "is_error"),
    [
        ("# shop\n\n## Deprecated\n\nKept for reference.\n", False),
        ("# shop (Deprecated)\n", False),
        ("# shop\n\nThis Helm chart is no longer maintained; use store.\n", False),
        ("# shop\n\nThe deprecated flag `--old` is no longer supported.\n", True),
        ("# shop\n\n## Deprecated settings\n", True),
    ],
)
def test_what_its_readme_gives_up_is_a_warning(said, is_error, tmp_path):
    (tmp_path / "shop/k8s").mkdir(parents=True)
    (tmp_path / "shop/README.md").write_text(said)
    finding = Finding(str(tmp_path / "shop/k8s/a.yaml:1"), FIELD.format("a"), "VAL001")
    assert (certainty.grading(tmp_path)(finding).severity == "error") is is_error


@pytest.mark.parametrize(
    ("said", "is_error"), [("true", False), ("true # by web", False), ("false", True)]
)
def test_what_its_chart_gives_up_is_a_warning(said, is_error, tmp_path):
    (tmp_path / "shop/templates").mkdir(parents=True)
    (tmp_path / "shop/Chart.yaml").write_text(f"apiVersion: v2\nname: shop\ndeprecated: {said}\n")
    finding = Finding(str(tmp_path / "shop/templates/a.yaml:1"), FIELD.format("a"), "VAL001")
    assert (certainty.grading(tmp_path)(finding).severity == "error") is is_error


@pytest.mark.parametrize(
    ("embeds", "field", "is_error"),
    [
        ("//go:embed resources/*.yaml\nvar all embed.FS\n", "redirectURIs", False),
        ("//go:embed resources\nvar all embed.FS\n", "redirectURIs", False),
        ("//go:embed resources/*.yaml\nvar all embed.FS\n", "redirectURLs", True),
        ("//go:embed others/*.yaml\nvar all embed.FS\n", "redirectURIs", True),
        ("// resources/*.yaml are applied\n", "redirectURIs", True),
    ],
)
def test_a_program_in_go_finds_the_fields_of_its_own_files_in_any_case(
    embeds, field, is_error, tmp_path
):
    (tmp_path / "seed/resources").mkdir(parents=True)
    (tmp_path / "seed/pkg.go").write_text(f"package seed\n\n{embeds}")
    what = f"spec.redirecturis: no such field; did you mean '{field}'?"
    finding = Finding(str(tmp_path / "seed/resources/a.yaml:1"), what, "VAL001")
    assert (certainty.grading(tmp_path)(finding).severity == "error") is is_error


def test_what_is_gone_is_a_warning_in_a_release_that_has_a_newer_one_beside_it(tmp_path):
    for release in ("0.0.9", "0.0.10", "0.1.0", "other"):
        (tmp_path / "catalog" / release).mkdir(parents=True)
    (tmp_path / "few/1.0").mkdir(parents=True)
    (tmp_path / "few/1.1").mkdir()
    gone = "kind: unknown kind apiextensions.k8s.io/v1beta1 CustomResourceDefinition; it is gone"
    graded = certainty.grading(tmp_path)
    for name, is_error in (
        ("catalog/0.0.9", False),
        ("catalog/0.0.10", False),
        ("catalog/0.1.0", True),
        ("catalog/other", True),
        ("few/1.0", True),
    ):
        where = str(tmp_path / name / "a_crd.yaml:2")
        assert (graded(Finding(where, gone, "VAL001")).severity == "error") is is_error
        assert graded(Finding(where, FIELD.format("a"), "VAL001")).severity == "error"


def test_what_is_gone_is_a_warning_in_a_file_that_has_one_for_newer_clusters_beside_it(tmp_path):
    for name in ("disks.yaml", "disks-v1.22.yaml", "shares.yaml", "shares-2.yaml"):
        (tmp_path / name).write_text("kind: StorageClass\n")
    gone = "kind: unknown kind storage.k8s.io/v1beta1 StorageClass; it is gone"
    graded = certainty.grading(tmp_path)
    found = [graded(Finding(f"{one}:1", gone, "VAL001")) for one in sorted(tmp_path.iterdir())]
    assert [one.severity for one in found] == ["error", "warning", "error", "error"]


def test_what_is_gone_is_a_warning_in_a_file_that_is_kept_as_the_old_one_of_another(tmp_path):
    for name in ("web.yaml", "web-old.yaml", "shop_old.yaml"):
        (tmp_path / name).write_text("kind: Ingress\n")
    gone = "kind: unknown kind extensions/v1beta1 Ingress; it is gone"
    graded = certainty.grading(tmp_path)
    found = [graded(Finding(f"{one}:1", gone, "VAL001")) for one in sorted(tmp_path.iterdir())]
    assert [one.severity for one in found] == ["error", "warning", "error"]


def test_what_is_gone_is_a_warning_in_the_file_of_a_release_that_has_newer_ones_beside(tmp_path):
    for name in ("csi-v1.9.0", "csi-v1.10.0", "csi-v2.0.0", "web-1.0.0", "web-1.1.0"):
        (tmp_path / f"{name}.yaml").write_text("kind: CSIDriver\n")
    gone = "kind: unknown kind storage.k8s.io/v1beta1 CSIDriver; it is gone"
    graded = certainty.grading(tmp_path)
    found = {
        one.stem: graded(Finding(f"{one}:1", gone, "VAL001")).severity for one in tmp_path.iterdir()
    }
    assert [name for name, severity in sorted(found.items()) if severity == "error"] == [
        "csi-v2.0.0",
        "web-1.0.0",
        "web-1.1.0",
    ]


def test_a_file_that_the_code_of_a_test_beside_it_reads_is_its_input(tmp_path):
    for name in ("tool/test_tool.py", "tool/test_release.yaml", "tool/release.yaml", "test_a.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    graded = certainty.grading(tmp_path)
    found = [
        graded(Finding(str(tmp_path / f"{name}:1"), FIELD.format("a"), "VAL001")).severity
        for name in ("tool/test_release.yaml", "tool/release.yaml", "test_a.yaml")
    ]
    assert found == ["warning", "error", "error"]


def test_a_host_for_examples_in_a_charts_values_is_one_to_be_given():
    for path, is_error in (("web/values.yaml", False), ("web/certificate.yaml", True)):
        assert (
            certain("Certificate a is for a.example.com, and b asks", path, gate="INF007")
            is is_error
        )


def test_a_mistake_that_was_copied_into_each_file_is_an_error():
    found = [Finding(f"{n}.yaml:1", FIELD.format(n), "VAL001") for n in range(doubt.OFTEN)]
    assert {one.severity for one in doubt.doubting(found)} == {"error"}


@pytest.mark.parametrize(
    "path", ["docs/a.yaml", "k8s/demo-app/a.yaml", "compose.example.yaml", "cka/yaml/a.yaml"]
)
def test_what_depends_on_other_files_is_a_warning_in_samples(path):
    assert certain(NAMED)
    assert not certain(NAMED, path)
    assert certain("the object: has no 'spec'", path, gate="VAL001")


@pytest.mark.parametrize(
    "path",
    [
        "tests/a.yaml",
        "overlays/test/a.yaml",
        "e2e/x/a.yaml",
        "t/data/a.yaml",
        "roles/web/molecule/default/a.yaml",
        "schemas/invalid-a.yaml",
        "my-tests/a.yaml",
        "test-data/a.yaml",
        "pkg/fake/a.yaml",
        "third_party/a.yaml",
        "_archived/a.yaml",
        "app/notused/a.yaml",
        "BACKUP-ALB-OLD/a.yaml",
        "kube-manifests-old/a.yaml",
        "a/ci/b-values.yaml",
        "a/ci/b-values-2.yaml",
        "test-configs/web/a.yaml",
    ],
)
def test_all_is_a_warning_in_what_tests_read_and_others_wrote(path):
    assert not certain("the object: has no 'spec'", path, gate="VAL001")


@pytest.mark.parametrize(
    "path",
    [
        "latest/a.yaml",
        "contest/a.yaml",
        "cmd/test-exporter/a.yaml",
        "accounts/platform-test/a.yaml",
        "default/a.yaml",
        "k8s/a.test.yaml",
        ".github/workflows/invalid-issues.yml",
    ],
)
def test_a_folder_is_known_by_whole_words(path):
    assert certain(NAMED, path)


@pytest.mark.parametrize(
    "line",
    [
        "  key: ${KEY}",
        "  key: <periods * most == seconds>",
        "  key: $KEY_OF_MINE",
        '  - key: "$KEY"  # as in .env',
        "  host: web.domain_name",
        "  key: {{ k }}",
    ],
)
def test_a_line_that_is_to_be_filled_in_is_not_certain(line):
    assert not certain('spec.replicas: is "x"; it must be a whole number', line=line, gate="VAL001")
    assert certain(
        'spec.replicas: is "x"; it must be a whole number', line="  key: x", gate="VAL001"
    )
    assert certain("needs test, which is not a job", line=line, gate="PIP001")


@pytest.mark.parametrize("line", ["  key: <your key>", "  key: YOUR_KEY", '  key: "((key))"'])
def test_a_sign_that_no_reader_has_is_filled_in_for_each_gate(line):
    assert not certain('spec.replicas: is "x"; it must be a whole number', line=line, gate="VAL001")
    assert not certain("needs test, which is not a job", line=line, gate="PIP001")


@pytest.mark.parametrize(
    ("path", "line", "is_error"),
    [
        ("examples/import.sh", "run import?at=<cluster-endpoint>&key=1", False),
        ("examples/import.sh", "run import?at=<(", True),
        ("scripts/import.sh", "run import?at=<cluster-endpoint>&key=1", True),
        ("scripts/password.sh", "kubectl get secret <secret name> -n <ns>", False),
    ],
)
def test_a_command_of_a_sample_that_a_reader_completes_is_not_certain(path, line, is_error):
    what = "Couldn't parse this redirection https://www.shellcheck.net/wiki/SC1073"
    assert certain(what, path, line, gate="VAL003") is is_error


@pytest.mark.parametrize(
    ("word", "other", "is_one"),
    [
        ("wbe", "web", True),
        ("succes", "success", True),
        ("publik", "public", True),
        ("app=wbe", "app=web", True),
        ("group:default/order-team", "orders-team", True),
        ("web-1", "web-2", False),
        ("db", "dc", False),
        ("stock", "stock-orders", False),
        ("web", "web", False),
    ],
)
def test_a_name_is_a_typo_of_another_by_one_character(word, other, is_one):
    assert certainty.is_typo(f"names {word}, which is not here; did you mean '{other}'?") is is_one


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("apiVersion: batch/v1\nkind: Job\nspec: {}\n", True),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n", True),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: []\n", False),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", False),
    ],
)
def test_a_part_of_an_object_is_a_warning_in_a_guide_alone(text, is_one, tmp_path):
    for name in ("docs", "k8s"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(f"a: 1\n---\n{text}")
    grade = certainty.grading(tmp_path)
    lacks = "spec: has no 'containers', which is required"
    found = [grade(Finding(f"{tmp_path}/{d}/a.yaml:4", lacks, "VAL001")) for d in ("docs", "k8s")]
    assert [one.warning for one in found] == [is_one, False]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\n", True),
        (
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a}\n",
            True,
        ),
        ("apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {}\n", False),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: a_b}\n", False),
    ],
)
def test_what_names_an_object_with_pods_and_no_more_is_not_certain(text, is_one, tmp_path):
    (tmp_path / "a.yaml").write_text(f"a: 1\n---\n{text}")
    said = "the object: has no 'spec', which is required"
    found = certainty.grading(tmp_path)(Finding(f"{tmp_path}/a.yaml:4", said, "VAL001"))
    assert found.warning is is_one


def test_a_script_among_templates_of_no_chart_is_filled_in(tmp_path):
    graded = certainty.grading(tmp_path)
    for place in ("roles/web/templates", "chart/templates"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "chart/Chart.yaml").write_text("name: web\n")
    what = "Couldn't parse this https://www.shellcheck.net/wiki/SC1073"
    found = [
        graded(Finding(f"{tmp_path}/{place}/a.sh:1", what, "VAL003")).warning
        for place in ("roles/web/templates", "chart/templates")
    ]
    assert found == [True, False]


@pytest.mark.parametrize(
    ("path", "is_error"),
    [("samples/a.yaml", False), ("starter/a.yaml", False), ("web-starter/a.yaml", True)],
)
def test_a_sample_that_is_to_be_completed_is_not_certain(path, is_error, tmp_path):
    file = tmp_path / path
    file.parent.mkdir()
    file.write_text("spec:\n  # Add fields here\n  foo: bar\n")
    found = certainty.grading(tmp_path)(Finding(f"{file}:3", "spec.foo: no such field", "VAL001"))
    assert found.warning is not is_error


@pytest.mark.parametrize(
    ("path", "host", "is_error"),
    [
        ("web/templates/a.yaml", "localhost:8080", False),
        ("web/templates/a.yaml", "shop:8080", True),
        ("k8s/a.yaml", "localhost:8080", True),
    ],
)
def test_a_host_of_this_machine_in_a_chart_is_one_to_be_given(path, host, is_error):
    what = f"spec.rules.0.host of Ingress web is '{host}'; use a DNS name in lower case"
    found = Finding(f"{path}:1", what, "OBJ013")
    assert (certainty.severity(found, PurePath(path)) == "error") is is_error


@pytest.mark.parametrize(
    ("path", "got", "is_error"),
    [
        ("samples/a.yaml", "'abc...'", False),
        ("k8s/a.yaml", "'abc...'", True),
        ("samples/a.yaml", "'abc'", True),
    ],
)
def test_what_a_sample_leaves_out_is_not_certain(path, got, is_error):
    what = f"metadata.annotations: expected a mapping, got {got}, so no gate judged it; correct it"
    found = Finding(f"{path}:1", what, "OBJ005")
    assert (certainty.severity(found, PurePath(path)) == "error") is is_error


@pytest.mark.parametrize(("api", "is_error"), [("extensions/v1beta1", False), ("apps/v1", True)])
def test_what_else_is_wrong_with_an_object_of_a_removed_version_is_not_certain(
    api, is_error, tmp_path
):
    file = tmp_path / "a.yaml"
    file.write_text(f"kind: Pod\n---\napiVersion: {api}\nkind: Deployment\nspec: {{}}\n---\n")
    grade = certainty.grading(tmp_path)
    what = "Deployment web does not select its own pods"
    assert grade(Finding(f"{file}:5", what, "OBJ009")).warning is not is_error
    assert not grade(Finding(f"{file}:4", "kind: unknown kind", "VAL001")).warning


@pytest.mark.parametrize(
    ("comment", "is_error"),
    [
        ("# No eviction: there is one pod.", False),
        ("# At least one.", True),
        ("# -- How many stay while a node is drained", True),
        ("# Pod Disruption Budget", True),
    ],
)
def test_what_a_comment_above_says_is_meant_is_not_certain(comment, is_error, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(f"server:\n  {comment}\n  pdb:\n    minAvailable: 1\n")
    what = "PodDisruptionBudget web keeps 1 of at least 1: no node could ever be drained"
    found = certainty.grading(tmp_path)(Finding(f"{file}:4", what, "SCL005"))
    assert found.warning is not is_error


@pytest.mark.parametrize(("place", "is_error"), [("values.yaml", False), ("values.yaml:3", True)])
def test_what_a_packed_dependency_makes_is_not_certain(place, is_error, tmp_path):
    (tmp_path / "charts").mkdir()
    what = "Down: its texts show job, which its result does not have (it has none)"
    (tmp_path / "charts/web-1.0.0.tgz").touch()
    found = Finding(f"{tmp_path}/{place}", what, "OBS028")
    assert certainty.grading(tmp_path)(found).warning is not is_error


def test_a_gate_of_others_says_itself_what_is_an_error():
    assert certain("whatever", gate="ACME001")
    assert not certain("whatever", "tests/a.yaml", "overlays/test/a.yaml", gate="ACME001")
    assert not certain("whatever")
