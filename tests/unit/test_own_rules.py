"""Rules of one's own: what each finds, and what is refused before one is asked."""

from __future__ import annotations

import builtins
from datetime import date
from pathlib import Path

import pytest
import yaml

from tarmac.base.errors import BadInput
from tarmac.base.places import RULES_FILE as FILE
from tarmac.base.report import Report, Status
from tarmac.check.verify.options import VerifyOptions, known_gates
from tarmac.check.verify.verify import verify

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: "nginx:1.29"}
"""
RULE = {
    "id": "ORG001",
    "title": "Every workload names the cost centre that pays for it",
    "phase": "finops",
    "source": "the rule of one's own organisation",
    "kinds": ["Deployment"],
    "expression": 'object.metadata.?labels["cost-centre"].orValue("") != ""',
    "message": "has no label `cost-centre`; add it",
    "at": "metadata",
    "good": [{"metadata": {"labels": {"cost-centre": "a"}}}],
    "bad": [{"metadata": {}}],
}


def written(folder: Path, **changes: object) -> Path:
    """Write the rule with changes beside a Deployment; a change to None takes the key away."""
    rule = {key: value for key, value in {**RULE, **changes}.items() if value is not None}
    (folder / FILE).write_text(yaml.safe_dump({"rules": [rule]}, sort_keys=False))
    (folder / "web.yaml").write_text(DEPLOYMENT)
    return folder


def judged(folder: Path) -> Report:
    return verify(VerifyOptions(None, date(2026, 11, 26), files=folder))


def found(folder: Path) -> list[str]:
    return [
        f"{Path(finding.where).name}: {finding.what}"
        for finding in judged(folder).findings
        if finding.gate.startswith("ORG")
    ]


def test_an_object_that_breaks_the_rule_is_a_finding_at_the_part_that_it_names(tmp_path):
    assert found(written(tmp_path)) == ["web.yaml:3: has no label `cost-centre`; add it"]


def test_a_message_may_name_parts_of_the_object(tmp_path):
    prefix = '.image.startsWith("registry.example/")'
    containers = "object.spec.template.spec.containers"
    example = {"name": "a", "image": "registry.example/a"}
    other = {"name": "b", "image": "b"}
    folder = written(
        tmp_path,
        expression=f"{containers}.all(c, c{prefix})",
        message=None,
        message_expression=f'{containers}.filter(c, !c{prefix})[0].name + " is not ours"',
        at="spec.template.spec.containers.0",
        good=[{"spec": {"template": {"spec": {"containers": [example]}}}}],
        bad=[{"spec": {"template": {"spec": {"containers": [example, other]}}}}],
    )
    assert found(folder) == ["web.yaml:10: web is not ours"]


def test_files_that_are_no_objects_are_chosen_by_their_names(tmp_path):
    folder = written(
        tmp_path,
        kinds=None,
        files=["compose*.yaml"],
        expression='object.services.all(name, !object.services[name].image.endsWith(":latest"))',
        message="has a tag that moves; write a version",
        at="services",
        good=[{"services": {"a": {"image": "a:1"}}}],
        bad=[{"services": {"a": {"image": "a:latest"}}}],
    )
    (folder / "compose.dev.yaml").write_text("services:\n  db:\n    image: postgres:latest\n")
    assert found(folder) == ["compose.dev.yaml:1: has a tag that moves; write a version"]


def test_an_object_of_which_it_cannot_be_said_is_a_finding_with_the_reason(tmp_path):
    folder = written(
        tmp_path,
        expression='object.metadata.labels["cost-centre"] != ""',
        bad=[{"metadata": {"labels": {"cost-centre": ""}}}],
    )
    (what,) = found(folder)
    assert "ORG001 cannot be decided" in what
    assert '"labels"' in what
    assert "ask with has(...)" in what


def test_a_comment_in_its_place_suppresses_it(tmp_path):
    folder = written(tmp_path)
    noted = DEPLOYMENT.replace("shop}\n", "shop} # tarmac: ignore[ORG001] until=2027-01-31 old\n")
    (folder / "web.yaml").write_text(noted)
    assert found(folder) == []


def test_a_rule_is_asked_of_the_tree_that_its_system_renders(tmp_path):
    (written(tmp_path) / "tarmac.yaml").write_text(
        "tarmac: 1\nsystem: small\nservices:\n  web: {run: [python, -m, http.server], port: 8080}\n"
        "environments:\n  production: {}\n"
    )
    options = VerifyOptions(tmp_path / "tarmac.yaml", date(2026, 11, 26), in_memory=True)
    (result,) = [one for one in verify(options).results if one.what == "gate:ORG001"]
    assert (result.status, result.judged) == (Status.FAIL, 1)
    assert result.findings[0].what == RULE["message"]


def test_without_the_package_it_is_skipped_with_how_to_get_it(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **options):
        if name.startswith("cel_expr_python"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    (result,) = [one for one in judged(written(tmp_path)).results if one.what == "gate:ORG001"]
    assert (result.status, result.why.rpartition("; ")[2]) == (
        Status.SKIPPED,
        "pip install 'tarmac[rules]'",
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"expression": "object.x +"}, ":8:15: is not CEL: 1:11: Syntax error"),
        (
            {"expression": "other.x == 1"},
            ":8:15: is not CEL: 1:6: undeclared reference to 'other.x'; correct it",
        ),
        ({"good": [{"metadata": {}}]}, ":12:5: this example is wrong by the rule (has no label"),
        ({"bad": [{"metadata": {"labels": {"cost-centre": "b"}}}]}, "is right by the rule"),
        ({"expression": "1"}, "it is 1, which is neither true nor false"),
        ({"expression": "'yes'"}, 'it is "yes", which is neither true nor false'),
        ({"bad": []}, "bad"),
        ({"kinds": None}, "selects nothing; write `kinds`, or `files`"),
        ({"message": None}, "needs one of `message` and `message_expression`"),
        ({"id": "NET001"}, ":2:7: NET001 is the id of another gate; choose another id"),
        ({"id": "org-1"}, "id"),
        ({"phase": "finop"}, "no such phase 'finop'; did you mean 'finops'?"),
    ],
)
def test_a_rule_that_cannot_be_right_is_refused_at_its_place(tmp_path, changes, expected):
    with pytest.raises(BadInput) as refused:
        known_gates(None, written(tmp_path, **changes))
    assert expected in str(refused.value)
    assert FILE in str(refused.value)


def test_an_expression_that_takes_too_many_steps_ends(tmp_path):
    many = f"[{', '.join('1' * 100)}]"
    loops = f"{many}.all(a, {many}.all(b, {many}.all(c, {many}.all(d, a == b))))"
    with pytest.raises(BadInput, match="Iteration budget exceeded"):
        known_gates(None, written(tmp_path, expression=loops))
