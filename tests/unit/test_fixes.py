"""What can be meant in one way is corrected in its line, and nothing else of a file changes."""

from __future__ import annotations

import stat

import pytest
from click.testing import CliRunner

from tarmac.base.errors import only_near
from tarmac.base.report import Finding, Fix
from tarmac.check.schemas import fixes
from tarmac.check.verify.fixes import apply, patches
from tarmac.cli.main import tarmac

BUDGET = """\
# At least one.
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: web}  # its name
spec:
  minAvailable: 1
  selector: {matchLabels: {app: web}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: "3"   # three
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSecond: 30
      containers:
        - name: web
          image: web:1.0.0
          imagePullPolicy: ifNotPresent
          env: [{name: PORT, value: 8080}, {name: DEBUG, value: true}]
"""


def found(path, line, fix):
    return list(patches([Finding(f"{path}:{line}", "wrong", fix=fix)]))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(BUDGET)
    return path


def verify(*args):
    return CliRunner().invoke(tarmac, ["verify", "--files", *args])


def test_the_patch_is_shown_and_written_and_a_second_run_has_none(tmp_path):
    for name, text in {"a.yaml": BUDGET, "b.yaml": DEPLOYMENT}.items():
        (tmp_path / name).write_text(text)
    shown = verify(str(tmp_path), "--diff")
    assert shown.exit_code == 1
    for line in (
        "+apiVersion: policy/v1",
        "+  replicas: 3   # three",
        "+      terminationGracePeriodSeconds: 30",
        "+          imagePullPolicy: IfNotPresent",
        '+          env: [{name: PORT, value: "8080"}, {name: DEBUG, value: "true"}]',
    ):
        assert line in shown.output.splitlines()
    assert (tmp_path / "b.yaml").read_text() == DEPLOYMENT
    assert "can be corrected by --fix" in verify(str(tmp_path)).output
    written = verify(str(tmp_path), "--fix")
    assert f"corrected: {tmp_path / 'a.yaml'} (1), {tmp_path / 'b.yaml'} (5)" in written.output
    assert (tmp_path / "a.yaml").read_text() == BUDGET.replace("v1beta1", "v1")
    assert "VAL001: " not in written.output
    assert verify(str(tmp_path), "--diff").exit_code == 0
    assert "corrected: nothing" in verify(str(tmp_path), "--fix").output


def test_an_object_that_its_new_version_would_refuse_is_left_to_its_owner(tmp_path):
    backend = "backend: {serviceName: web, servicePort: 80}"
    rules = f"rules: [{{host: www, http: {{paths: [{{path: /, {backend}}}]}}}}]"
    (tmp_path / "a.yaml").write_text(
        "apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\n"
        f"metadata: {{name: web}}\nspec: {{{rules}}}\n"
    )
    assert "Ingress is there as networking.k8s.io/v1" in verify(str(tmp_path)).output
    assert verify(str(tmp_path), "--diff").output == ""


def test_a_version_of_a_group_that_is_gone_is_found(tmp_path):
    (tmp_path / "a.yaml").write_text(DEPLOYMENT.replace("apps/v1", "extensions/v1beta1"))
    shown = verify(str(tmp_path), "--diff").output.splitlines()
    assert "+apiVersion: apps/v1" in shown
    assert "+  replicas: 3   # three" in shown


def test_fixes_are_of_files_without_a_model():
    shown = CliRunner().invoke(tarmac, ["verify", "shop", "--fix"])
    assert shown.exit_code == 2
    assert "need --files" in shown.output


def test_line_ends_a_byte_order_mark_and_permissions_stay(file):
    before = b"\xef\xbb\xbf" + BUDGET.replace("\n", "\r\n").encode()
    file.write_bytes(before)
    file.chmod(0o640)
    (patch,) = found(file, 2, Fix("policy/v1beta1", "policy/v1"))
    apply(patch)
    assert file.read_bytes() == before.replace(b"v1beta1", b"v1")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        (3, Fix("policy/v1beta1", "policy/v1")),  # in another line
        (7, Fix("app", "name")),  # once, and no scalar of its own where it is `app: web`
        (2, Fix("policy", "apps")),  # a part of a scalar
        (5, Fix("spec", "[")),  # what is left is no YAML
        (99, Fix("web", "www")),
    ],
)
def test_what_is_not_one_whole_scalar_of_its_line_is_left(file, line, fix):
    file.write_text(BUDGET.replace("{app: web}", "{app: app}"))
    assert found(file, line, fix) == []


def test_a_link_is_left(file, tmp_path):
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    assert found(link, 2, Fix("policy/v1beta1", "policy/v1")) == []


def test_the_same_fix_of_two_gates_is_made_once(file):
    fix = Fix("policy/v1beta1", "policy/v1")
    (patch,) = patches([Finding(f"{file}:2", what, fix=fix) for what in ("one", "other")])
    assert patch.number == 1


@pytest.mark.parametrize(
    ("value", "types", "wanted"),
    [
        (8080, ["string"], Fix("8080", '"8080"')),
        (True, ["string", "null"], Fix("true", '"true"')),
        ("3", ["integer"], Fix("3", "3")),
        ("007", ["integer"], None),
        ("three", ["integer"], None),
        ("true", ["boolean"], Fix("true", "true")),
        ("yes", ["boolean"], None),
        (["a"], ["string"], None),
    ],
)
def test_a_value_of_another_type_is_quoted_or_not(value, types, wanted):
    assert fixes.retyped(value, types) == wanted


def test_a_name_is_corrected_only_where_it_is_like_one_other():
    assert only_near("concurencyPolicy", ["concurrencyPolicy", "suspend"]) == "concurrencyPolicy"
    assert only_near("orders-db-3", ["orders-db-1", "orders-db-2"]) is None
    assert only_near("port", ["port"]) is None
    assert fixes.renamed("replica", ["replicas"], {"replicas": 1, "replica": 2}) is None
