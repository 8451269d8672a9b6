"""`tarmac verify` from the command line: exit codes, evidence, tests' results, edits by hand."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from git_repository import git
from rendered import artifacts_of
from small_system import MODEL, PARTS

from tarmac.base import registry
from tarmac.base.artifact import write
from tarmac.base.errors import BadInput, TarmacError
from tarmac.check import gates
from tarmac.cli.main import tarmac

ROOT = Path(__file__).parents[2]
TEST = "tests/test_a.py::test_it_holds"
CHECKLIST = f"""
    checklist: 1
    items:
      - {{id: a, phase: resilience, title: Retries, proofs: [{{gate: REL004}}]}}
      - id: b
        phase: resilience
        title: It holds
        proofs: [{{test: "{TEST}", level: observed}}]
    """
JUNIT = """<testsuites><testsuite name="pytest">
<testcase classname="tests.test_a" name="test_it_holds[1]" time="0.5"/>
<testcase classname="tests.test_a" name="test_it_holds[2]" time="0.5">{}</testcase>
<testcase classname="tests.test_b" name="test_it_holds" time="0.5"><failure/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def mini(tmp_path, monkeypatch):
    """A repository of one's own, with a model, a checklist and a test."""
    (tmp_path / "tarmac.yaml").write_text(yaml.safe_dump(MODEL))
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders/service.yaml").write_text(yaml.safe_dump(PARTS["orders"]))
    (tmp_path / "checklist.yaml").write_text(textwrap.dedent(CHECKLIST))
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_a.py").write_text("def test_it_holds(): ...\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verify(*args):
    shown = CliRunner().invoke(tarmac, ["verify", *args])
    if isinstance(shown.exception, TarmacError):
        raise shown.exception
    assert shown.exception is None or isinstance(shown.exception, SystemExit), shown.output
    return shown


def items(*args):
    shown = verify("--phase", "resilience", "--json", *args)
    return {item["id"]: item for item in json.loads(shown.output)["items"]}


def change(mini, old, new):
    file = mini / "tarmac.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_a_phase_that_holds_is_0_and_strict_fails_on_what_did_not_run(mini):
    assert "shown: 1 of 2 checklist items: a\n" in verify("--phase", "resilience").output
    shown = verify("--phase", "resilience", "-v")
    assert shown.exit_code == 0
    assert "  pass           a  Retries  [tested@tree]" in shown.output
    assert "pytest tests/test_a.py --junitxml=tests.xml" in shown.output
    assert verify("--phase", "resilience", "--strict").exit_code == 1


def test_a_finding_is_1_and_names_the_line_of_the_model(mini):
    change(mini, "retries: 1", "retries: 3")
    shown = verify("--phase", "resilience")
    assert shown.exit_code == 1
    line = (mini / "tarmac.yaml").read_text().splitlines().index("      stock:") + 1
    assert f"tarmac.yaml:{line}:7: REL004: web -> orders -> stock" in shown.output


def test_evidence_says_what_decided_and_how_to_repeat_it(mini):
    verify("--phase", "resilience")
    folder = mini / ".tarmac/evidence"
    found = json.loads((folder / "production-gate-REL004.json").read_text())
    assert (found["status"], found["level"], found["target"]) == ("pass", "tested", "tree")
    assert found["command"] == "tarmac verify tarmac.yaml --env production"
    assert found["rule"].startswith("Retries along a path")
    assert found["tools"]["tarmac"]
    assert found["machine"]["processors"]
    assert len(found["inputs"]) == 64
    assert (mini / ".tarmac/.gitignore").read_text() == "*\n"


def test_what_tests_found_is_kept_until_the_model_or_the_test_changes(mini):
    (mini / "junit.xml").write_text(JUNIT.format(""))
    item = items("--junit", "junit.xml")["b"]
    assert (item["status"], item["reached"]) == ("pass", "observed@local")
    assert items()["b"]["status"] == "pass"
    (mini / "tests/test_a.py").write_text("def test_it_holds(): assert 1\n")
    assert items()["b"]["status"] == "stale"
    items("--junit", "junit.xml")
    change(mini, "retries: 1", "retries: 2")
    item = items()["b"]
    assert (item["status"], item["reached"]) == ("stale", "")
    assert "with another model or test" in item["why"]


@pytest.mark.parametrize(
    ("outcome", "status"), [("<failure/>", "fail"), ("<error/>", "fail"), ("<skipped/>", "skipped")]
)
def test_one_case_of_a_test_that_does_not_pass_is_enough(mini, outcome, status):
    (mini / "junit.xml").write_text(JUNIT.format(outcome))
    assert items("--junit", "junit.xml")["b"]["status"] == status


def test_a_file_that_is_no_junit_is_refused(mini):
    (mini / "junit.xml").write_text("passed")
    with pytest.raises(
        BadInput, match=r"junit.xml: is not JUnit XML .*; give the file of pytest's"
    ):
        verify("--junit", "junit.xml")


def test_a_suppressed_finding_is_shown_with_its_reason_and_ends(mini):
    change(mini, "retries: 1", "retries: 3")
    (mini / "suppressions.yaml").write_text(
        "suppressions:\n  - {gate: REL004, reason: until the cut-over, until: 2026-06-30}\n"
    )
    shown = verify("--phase", "resilience", "--date", "2026-06-30")
    assert shown.exit_code == 0
    assert "0 errors, 0 warnings, 1 suppressed" in shown.output
    shown = verify("--phase", "resilience", "--date", "2026-06-30", "-v")
    assert "(because: until the cut-over)" in shown.output
    shown = verify("--phase", "resilience", "--date", "2026-07-01")
    assert shown.exit_code == 1
    assert "suppressions.yaml:2:5: suppressions: the suppression of REL004 expired" in shown.output


@pytest.mark.parametrize("written", ["text", "json", "junit", "sarif", "github"])
def test_every_format_has_the_same_exit_code(mini, written):
    assert verify("--phase", "resilience", "--format", written).exit_code == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--env", "prod"], r"environment 'prod' does not exist; choose one of: production"),
        (["--phase", "kubernets"], r"no such phase; did you mean 'kubernetes'\?"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(mini, args, said):
    with pytest.raises(BadInput, match=said):
        verify(*args)


def test_a_wrong_checklist_is_refused_with_its_lines_and_nothing_is_checked(mini):
    (mini / "checklist.yaml").write_text(
        "checklist: 1\nitems:\n- {id: a, phase: services, title: T, proofs: [{gate: REL04}]}\n"
    )
    with pytest.raises(BadInput, match=r"checklist.yaml:3:\d+: item a names unknown gate 'REL04'"):
        verify()
    assert not (mini / ".tarmac/evidence").exists()


def test_a_rendered_tree_is_checked_as_it_stands_edits_by_hand_included(tmp_path, monkeypatch):
    file = tmp_path / "tarmac.yaml"  # evidence is kept beside it
    model = (ROOT / "systems/starter/tarmac.yaml").read_text()
    file.write_text(model.replace("../../services", str(ROOT / "services")))
    tree = tmp_path / "tree"
    for artifact in artifacts_of("starter", "production"):
        path = tree / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write(artifact, "rendered"))
    monkeypatch.chdir(tmp_path)
    args = ("--env", "production", "--phase", "containers", "--tree", "tree")
    shown = verify(*args, "-v")
    assert "  pass    IMG001  (references to images: production 4)" in shown.output.splitlines()
    assert "tree of production: tree, as the model renders it" in shown.output.splitlines()
    edited = tree / "k8s/order-service/deployment.yaml"
    edited.write_text(edited.read_text().replace("/order-service:0.1.0", "/order-service:latest"))
    shown = verify(*args)
    assert shown.exit_code == 1
    assert "k8s/order-service/deployment.yaml: IMG001: container order-service" in shown.output


@pytest.mark.parametrize(("system", "env"), [("shop", "production"), ("hello-dd", "kind")])
def test_a_tree_fresh_from_render_is_as_good_as_its_model(system, env, tmp_path, monkeypatch):
    model = (ROOT / f"systems/{system}/tarmac.yaml").read_text()
    (tmp_path / "tarmac.yaml").write_text(model.replace("../../services", str(ROOT / "services")))
    for artifact in artifacts_of(system, env):
        path = tmp_path / "tree" / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write(artifact, "rendered"))
    monkeypatch.chdir(tmp_path)
    args = ("--env", env, "--phase", "kubernetes", "--tree", "tree", "--json")
    gates = json.loads(verify(*args).stdout)["results"]
    assert len(gates) > 10
    assert [gate for gate in gates if gate["status"] == "fail"] == []


def test_an_empty_tree_and_a_tree_of_nobody_knows_which_environment_are_refused(mini):
    (mini / "tree").mkdir()
    with pytest.raises(BadInput, match=r"tree: it has no files; `tarmac render`"):
        verify("--tree", "tree")
    change(mini, "environments:\n", "environments:\n  kind: {}\n")
    with pytest.raises(BadInput, match=r"say with --env whose tree it is: kind, production"):
        verify("--tree", "tree")


def test_a_system_that_does_not_run_cannot_be_measured(mini):
    with pytest.raises(TarmacError, match=r"the system is not running; `tarmac up`"):
        verify("--target", "local")


def test_a_gate_is_explained_by_its_id():
    shown = CliRunner().invoke(tarmac, ["explain", "NET002"])
    assert shown.exit_code == 0
    assert shown.output.startswith("NET002  The policies allow every declared edge")
    assert "suppressions.yaml" in shown.output
    written = CliRunner().invoke(tarmac, ["explain", "NET002", "--json"]).output
    assert json.loads(written)["phase"] == "kubernetes"
    assert verify("--explain", "NET002").output == shown.output
    assert verify("--explain", "NET002", "--json").output == written
    assert "needs      a model" in shown.output
    assert "needs      no model" in verify("--explain", "GIT004").output
    with pytest.raises(BadInput, match="NET00: no such gate; did you mean 'NET0") as refused:
        verify("--explain", "NET00")
    assert refused.value.exit_code == 2


INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
"""


def test_files_are_judged_without_a_model_and_write_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/web.yaml").write_text(INGRESS)
    shown = verify("--files", "deploy")
    assert shown.exit_code == 1
    assert "  deploy/web.yaml:5: NET050: Ingress web sends every path to /" in shown.output
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deploy", "web.yaml"]
    nothing = verify("--files", "deploy", "--phase", "mesh")
    assert nothing.exit_code == 1
    assert "no gate found input here" in nothing.output
    with pytest.raises(BadInput, match="no such phase"):
        verify("--files", "deploy", "--phase", "mash")


def test_a_folder_in_which_nothing_applies_is_1_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("a: 1\n")
    shown = verify("--files", ".")
    assert shown.exit_code == 1
    last = shown.output.splitlines()[-2:]
    assert re.fullmatch(
        r"0 errors, 0 warnings; gates: \d+ not applicable \(-v lists them\)", last[0]
    )
    assert last[1].startswith(".: no gate found input")


def test_the_tree_that_render_wrote_is_judged_edits_by_hand_included(mini):
    made = CliRunner().invoke(tarmac, ["render", "--env", "production"])
    assert made.exit_code == 0, made.output
    args = ("--env", "production", "--phase", "finops")
    assert "tree of production: deploy/production, as the model renders it" in verify(*args).output
    (quota,) = (mini / "deploy/production").rglob("*quota*.yaml")
    text = quota.read_text()
    assert "requests.cpu: '4'" in text or "requests.cpu: 4" in text
    quota.write_text(re.sub(r"requests.cpu: .*", "requests.cpu: '3'", text))
    shown = verify(*args)
    assert shown.exit_code == 1
    assert "SCL003: requests.cpu is 3; the environment's quota is 4" in shown.output
    assert "deploy/production, 1 of its files differ from what the model renders" in shown.output
    report = json.loads(verify(*args, "--json").output)
    tree = {"environment": "production", "folder": "deploy/production", "differing": 1}
    assert report["trees"] == [{**tree, "context": ""}]
    assert "rendered in memory" in verify(*args, "--in-memory").output
    assert "requests.cpu is 3" not in verify(*args, "--in-memory").output


def test_an_edit_in_a_tree_is_drift_until_it_is_kept_or_dropped(mini):
    def render(*args):
        return CliRunner().invoke(tarmac, ["render", "--env", "production", *args])

    def drift():
        found = verify("--env", "production", "--phase", "gitops", "--json")
        return [
            finding["what"]
            for result in json.loads(found.output)["results"]
            if result["what"] == "gate:GIT007"
            for finding in result["findings"]
        ]

    assert render().exit_code == 0
    assert drift() == []
    quota, *_ = (mini / "deploy/production").rglob("*quota*.yaml")
    service, *_ = (mini / "deploy/production").rglob("service.yaml")
    quota.write_text(re.sub(r"requests.cpu: .*", "requests.cpu: '3'", quota.read_text()))
    service.write_text(f"{service.read_text()}# ours\n")
    (edited,) = drift()  # a comment is none
    assert "spec.hard.requests.cpu is 3, and 4 is rendered" in edited
    assert "--patch" in edited
    named = [str(path.relative_to(mini / "deploy/production")) for path in (quota, service)]
    assert render("--patch", named[0], "--eject", named[1]).exit_code == 0
    assert drift() == []
    change(mini, "max: 6", "max: 7")
    (outdated,) = drift()
    assert "older than the model" in outdated
    (mini / "patches/production" / f"{named[0]}.patch").write_text("no patch")
    shown = verify("--env", "production", "--phase", "gitops")
    assert "the tree was not compared with its model" in shown.output


def test_an_edit_in_a_tree_is_judged_by_gates_of_files_too(mini):
    def render(*args):
        return CliRunner().invoke(tarmac, ["render", "--env", "production", *args])

    def of_files():
        found = verify("--env", "production", "--phase", "kubernetes", "--json")
        return [
            (finding["where"], finding["what"])
            for result in json.loads(found.output)["results"]
            if result["what"] == "gate:NET006"
            for finding in result["findings"]
        ]

    assert render().exit_code == 0
    assert of_files() == []
    tree = mini / "deploy/production"
    own = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    own |= {"metadata": {"name": "own", "namespace": "mini"}, "spec": {"policyTypes": ["Ingress"]}}
    (tree / "k8s/own.yaml").write_text(yaml.safe_dump(own))  # of the tree's owner
    ((where, what),) = of_files()
    assert where.startswith("k8s/own.yaml:")
    assert "has no podSelector" in what
    (tree / "k8s/own.yaml").unlink()
    policy = tree / "k8s/orders/networkpolicy.yaml"
    edited = yaml.safe_load(policy.read_text())
    edited["spec"]["policyTypes"] = ["Egress"]
    policy.write_text(yaml.safe_dump(edited))
    (one,) = of_files()
    assert "its policyTypes do not name Ingress" in one[1]
    assert render("--patch", "k8s/orders/networkpolicy.yaml").exit_code == 0
    assert of_files() == [one]  # an edit that is kept does the same harm
    assert render("--eject", "k8s/orders/networkpolicy.yaml").exit_code == 0
    assert of_files() == [one]


def test_a_gate_that_breaks_is_one_line_and_its_traceback_with_debug(mini, monkeypatch):
    def check(subject):
        raise KeyError(subject.plan.namespace)

    gate = registry.load(gates, "GATE")["REL004"]
    broken = {"REL004": replace(gate, check=check)}
    monkeypatch.setattr("tarmac.check.verify.options.registry.load", loading(broken))
    shown = verify("--phase", "resilience")
    assert shown.exit_code == 1
    assert "gate REL004 failed: KeyError: 'mini'; run with --debug" in shown.output
    assert "Traceback" not in shown.output
    assert "Traceback" in verify("--phase", "resilience", "--debug").output


def loading(broken):
    """Load extensions as ever, with some gates in place of others."""
    load = registry.load
    return lambda package, constant: {
        **load(package, constant),
        **(broken if constant == "GATE" else {}),
    }


def test_a_folder_of_files_bears_what_its_own_suppressions_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "web.yaml").write_text(INGRESS)
    suppressions = {
        "gate": "NET050",
        "where": "web.yaml:*",
        "reason": "one page",
        "until": "2027-01-31",
    }
    (tmp_path / "suppressions.yaml").write_text(yaml.safe_dump({"suppressions": [suppressions]}))
    shown = verify("-v", "--files", ".", "--date", "2026-12-01")
    assert shown.exit_code == 0
    assert "(because: one page)" in shown.output
    assert verify("--files", ".", "--date", "2027-02-01").exit_code == 1


def test_a_model_and_files_beside_it_are_judged_together(mini):
    (mini / "extra").mkdir()
    (mini / "extra/web.yaml").write_text(INGRESS)
    shown = verify(".", "--files", "extra", "--phase", "kubernetes", "--json")
    report = json.loads(shown.output)
    assert report["system"] == "mini"
    assert {result["target"] for result in report["results"]} >= {"tree", "files"}
    found = [f["where"] for result in report["results"] for f in result["findings"]]
    assert "extra/web.yaml:5" in found
    assert "extra" not in verify(".", "--phase", "kubernetes").output


def test_a_comment_suppresses_a_finding_in_its_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    comment = "  # tarmac: ignore[NET050] until=2027-01-31 one page\n  annotations"
    (tmp_path / "web.yaml").write_text(INGRESS.replace("  annotations", comment))
    shown = verify("-v", "--files", ".", "--date", "2026-12-01")
    assert shown.exit_code == 0
    assert "(because: one page)" in shown.output
    late = verify("--files", ".", "--date", "2027-02-01")
    assert late.exit_code == 1
    assert "web.yaml:5: suppressions: the suppression of NET050 expired on 2027-01-31" in (
        late.output
    )


def test_a_comment_in_the_model_suppresses_a_finding_there(mini):
    args = ("--env", "production", "--phase", "resilience", "--json")
    change(mini, "retries: 1", "retries: 9")
    (wrong,) = [r for r in json.loads(verify(*args).output)["results"] if r["findings"]]
    place = wrong["findings"][0]["where"]
    file, line = mini / place.split(":")[0], int(place.split(":")[1])
    lines = file.read_text().splitlines()
    lines[line - 1] += f"  # tarmac: ignore[{wrong['findings'][0]['gate']}] measured"
    file.write_text("\n".join(lines))
    report = json.loads(verify(*args).output)
    assert [hidden["reason"] for hidden in report["suppressed"]] == ["measured"]
    assert [r["what"] for r in report["results"] if r["status"] == "fail"] == []


def test_a_comment_in_an_edited_file_of_a_tree_suppresses_a_finding_there(mini):
    CliRunner().invoke(tarmac, ["render", "--env", "production"])
    (quota,) = (mini / "deploy/production").rglob("*quota*.yaml")
    text = re.sub(r"requests.cpu: .*", "requests.cpu: '3'", quota.read_text())
    comment = "# tarmac: ignore[SCL003] the new nodes come later\n"
    args = ("--env", "production", "--phase", "finops", "--json")
    quota.write_text(comment + text)
    (hidden,) = json.loads(verify(*args).output)["suppressed"]
    assert "requests.cpu is 3" in hidden["what"]
    assert hidden["reason"] == "the new nodes come later"
    quota.write_text(text.replace("spec:\n", f"{comment}spec:\n"))
    report = json.loads(verify(*args).output)
    (remark,) = report["remarks"]
    assert "its finding has no line: move it above all content of the file" in remark["what"]
    assert report["suppressed"] == []


def test_only_what_a_change_touches_fails(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.yaml").write_text(INGRESS)
    for words in (("init", "-b", "main"), ("add", "-A"), ("commit", "-m", "first")):
        git(tmp_path, *words)
    args = ("--files", ".", "--changed", "main", "--format", "github")
    assert verify("--files", ".").exit_code == 1
    assert verify(*args).exit_code == 0
    (tmp_path / "new.yaml").write_text(INGRESS)
    shown = verify(*args)
    assert shown.exit_code == 1
    assert "::error file=new.yaml,line=5,title=NET050::" in shown.output
    assert "old.yaml" not in shown.output


def test_changed_is_about_files(mini):
    with pytest.raises(BadInput, match="--changed: applies to files without a model; add --files"):
        verify("--changed", "main")
