"""`tarmac verify --ready` from the command line: exit codes, attestations, what ends them."""

from __future__ import annotations

import json
import textwrap

import pytest
import yaml
from click.testing import CliRunner
from small_system import MODEL, PARTS

from tarmac.base.errors import BadInput, TarmacError
from tarmac.cli.main import tarmac

DAY = "2026-11-21"
CHECKLIST = """
    checklist: 1
    items:
      - {id: a, phase: resilience, title: Retries, proofs: [{gate: REL004}]}
      - id: b
        phase: recovery
        title: Backups
        needs: cloud
    """
ATTESTATION = """\
        attestation:
          - what: The snapshot was restored into a second instance, in 14 minutes
            day: 2026-11-02
            by: ops@example.com
            evidence: evidence/restore.md
            until: 2027-02-02
            target: cloud
"""


@pytest.fixture
def mini(tmp_path, monkeypatch):
    """A repository of one's own, with a model and a checklist of which one item waits."""
    (tmp_path / "tarmac.yaml").write_text(yaml.safe_dump(MODEL))
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders/service.yaml").write_text(yaml.safe_dump(PARTS["orders"]))
    (tmp_path / "checklist.yaml").write_text(textwrap.dedent(CHECKLIST))
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence/restore.md").write_text("Restored.\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verify(*args, date=DAY):
    shown = CliRunner().invoke(tarmac, ["verify", "--date", date, *args])
    if isinstance(shown.exception, TarmacError):
        raise shown.exception
    assert shown.exception is None or isinstance(shown.exception, SystemExit), shown.output
    return shown


def attest(mini, old="", new=""):
    text = textwrap.dedent(CHECKLIST) + textwrap.indent(textwrap.dedent(ATTESTATION), "    ")
    assert old in text
    (mini / "checklist.yaml").write_text(text.replace(old, new) if old else text)


def test_an_item_that_waits_fails_it_and_is_told_last_with_what_to_do(mini):
    assert verify().exit_code == 0
    assert verify("--strict").exit_code == 1, "gates that read a tree were skipped"
    shown = verify("--ready")
    assert shown.exit_code == 1
    assert shown.output.endswith(
        "\nnot ready: 1 of 2 checklist items is open\n"
        "  needs-cloud    b  Backups\n"
        "                    checklist.yaml:5:9: test it in its environment, and record "
        "the observation under `attestation`\n"
    )


def test_an_attestation_closes_an_item_until_its_last_day(mini):
    attest(mini)
    shown = verify("--ready", "-v")
    assert shown.exit_code == 0
    assert "  pass           b  Backups  [observed@cloud, attested]\n" in shown.output
    assert (
        "attested 2026-11-02 by ops@example.com (observed@cloud until 2027-02-02)" in shown.output
    )
    assert shown.output.endswith("\nready: 2 of 2 checklist items pass, 1 attested\n")
    assert verify("--ready", date="2027-02-02").exit_code == 0
    shown = verify("--ready", date="2027-02-03")
    assert shown.exit_code == 1
    assert "  stale          b  Backups\n" in shown.output
    assert shown.output.endswith(
        "repeat the test attested on 2026-11-02, and write the new day and end\n"
    )
    assert verify(date="2027-02-03").exit_code == 0
    assert verify("--strict", "--phase", "recovery", date="2027-02-03").exit_code == 1


def test_an_attestation_does_not_hide_a_proof_that_fails(mini):
    model = mini / "tarmac.yaml"
    model.write_text(model.read_text().replace("retries: 1", "retries: 3"))
    attest(mini, "    needs: cloud\n", "    proofs: [{gate: REL004}]\n")
    shown = verify("--ready", "--json")
    assert shown.exit_code == 1
    report = json.loads(shown.stdout)
    assert report["open"] == ["a", "b"]
    assert report["items"][1]["status"] == "fail"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "2026-11-02",
            "2026-11-22",
            r"checklist.yaml:11:14: item b is attested on 2026-11-22, which",
        ),
        ("restore.md", "gone.md", r"checklist.yaml:13:19: file 'evidence/gone.md' does not exist"),
        (
            "        until: 2027-02-02\n",
            "",
            r"checklist.yaml:10:9: entry 1 of attestation lacks 'until'",
        ),
    ],
)
def test_evidence_that_cannot_be_is_refused_at_its_place(mini, old, new, said):
    attest(mini, old, new)
    with pytest.raises(BadInput, match=said) as refused:
        verify()
    assert refused.value.exit_code == 2


def test_all_that_is_wrong_is_said_at_once(mini):
    attest(mini, "day: 2026-11-02", "day: 2026-12-02")
    (mini / "evidence/restore.md").unlink()
    (mini / "evidence/restore.md").mkdir()
    with pytest.raises(BadInput) as refused:
        verify()
    assert len(refused.value.problems) == 2


def test_one_phase_is_asked_alone(mini):
    assert verify("--ready", "--phase", "resilience").exit_code == 0
    assert verify("--ready", "--phase", "recovery").exit_code == 1


@pytest.mark.parametrize("args", [["--phase", "mesh"], ["--files", "evidence"]])
def test_what_has_no_item_is_not_ready(mini, args):
    with pytest.raises(
        BadInput, match=r"no checklist item of phase mesh, so readiness|name a SYSTEM"
    ):
        verify("--ready", *args)
    (mini / "checklist.yaml").unlink()
    with pytest.raises(BadInput, match=r"there is no checklist item|name a SYSTEM"):
        verify("--ready", *args)


@pytest.mark.parametrize("written", ["text", "json", "junit", "sarif"])
def test_every_format_has_the_same_exit_code(mini, written):
    assert verify("--ready", "--format", written).exit_code == 1
    attest(mini)
    assert verify("--ready", "--format", written).exit_code == 0


def test_no_attestation_is_kept_as_a_run(mini):
    attest(mini)
    verify("--ready")
    kept = [path.name for path in (mini / ".tarmac/evidence").iterdir()]
    assert kept
    assert [name for name in kept if "attest" in name] == []
