"""`verify --files` takes a folder, files and standard input, and its report fits on a screen."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from tarmac.cli.main import tarmac

POD = """apiVersion: v1
kind: Pod
metadata: {name: Web_1}
spec: {containers: [{name: web, image: "web:1"}]}
"""
SERVICE = """apiVersion: v1
kind: Service
metadata: {name: 1st}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


@pytest.fixture
def verify(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/pod.yaml").write_text(POD)
    (tmp_path / "service.yaml").write_text(SERVICE)
    monkeypatch.chdir(tmp_path)
    return lambda *args, **more: CliRunner().invoke(tarmac, ["verify", *args], **more)


def errors(shown):
    return re.findall(r"^  (\S+): OBJ013:", shown.output, re.MULTILINE)


def test_all_of_a_folder_is_judged(verify):
    assert errors(verify("--files", ".")) == ["a/pod.yaml:3", "service.yaml:3"]


def test_only_the_named_files_are_judged(verify):
    assert errors(verify("--files", "service.yaml")) == ["service.yaml:3"]
    both = verify("--files", "service.yaml", "a/pod.yaml")
    assert errors(both) == ["a/pod.yaml:3", "service.yaml:3"]
    assert both.output.startswith("service.yaml, a/pod.yaml, judged for ")


def test_standard_input_is_judged_and_its_comments_are_read(verify):
    assert errors(verify("--files", "-", input=POD)) == ["stdin.yaml:3"]
    ignored = POD.replace("Web_1}", "Web_1}  # tarmac: ignore[OBJ013] an example")
    shown = verify("--files", "-", input=ignored)
    assert errors(shown) == []
    assert "1 suppressed" in shown.output


def test_no_comment_suppresses_what_is_protected(verify, tmp_path):
    (tmp_path / "service.yaml").write_text(
        SERVICE.replace("1st}", "1st}  # tarmac: ignore[OBJ013] old")
    )
    assert errors(verify("--files", ".")) == ["a/pod.yaml:3"]
    (tmp_path / "suppressions.yaml").write_text("protected: [OBJ013]\n")
    shown = verify("--files", ".")
    assert errors(shown) == ["a/pod.yaml:3", "service.yaml:3"]
    assert "service.yaml:3: suppressions: the suppression of OBJ013 hides nothing" in shown.output


def test_a_file_that_is_not_there_is_told(verify):
    shown = verify("--files", "none.yaml")
    assert shown.exit_code == 2
    assert "none.yaml" in shown.output


def test_a_brief_report_has_errors_first_and_gates_on_request_only(verify, tmp_path):
    many = "\n---\n".join(POD.replace("Web_1", f"web-{number}") for number in range(9))
    (tmp_path / "many.yaml").write_text(many)
    lines = verify("--files", ".").output.splitlines()
    found = [line for line in lines if line.startswith("  ")]
    is_warning = [": warning: " in line for line in found[:-1]]
    assert is_warning == sorted(is_warning)
    # Of each gate with warnings the first one, and how many more it has.
    told = [line.split(": ")[2] for line in found[:-1] if ": warning: " in line]
    assert sorted({*told}) == sorted(told) == ["OBJ009", "RES001", "SEC001"]
    [root] = [line for line in found if "warning: SEC001: " in line]
    assert re.search(r" \(and \d+ more of SEC001\)$", root)
    assert re.fullmatch(r"  -v lists all \d+", found[-1])
    assert re.fullmatch(r"2 errors, \d+ warnings; gates: .* \(-v lists them\)", lines[-1])
    assert not any("gates that" in line for line in lines)

    whole = verify("--files", ".", "-v").output
    assert " more of " not in whole
    assert "gates that passed, and what they judged" in whole
    assert whole.count(": warning: ") > 20


def test_of_many_errors_the_first_of_each_gate_are_listed(verify, tmp_path):
    (tmp_path / "many.yaml").write_text("\n---\n".join([SERVICE] * 60))
    lines = verify("--files", ".").output.splitlines()
    listed = [line for line in lines if line.startswith("  many.yaml:") and "warning" not in line]
    assert 1 < len(listed) <= 20
    assert re.search(r" \(and \d+ more of OBJ013\)$", listed[-1])
    number = int(re.match(r"(\d+) errors, ", lines[-1])[1])
    assert number > 60


def test_what_is_likely_fails_if_that_is_asked_for(verify, tmp_path):
    (tmp_path / "a/pod.yaml").unlink()
    (tmp_path / "service.yaml").unlink()
    (tmp_path / "Makefile").write_text("test:\n\tpytest -q\n")
    (tmp_path / "test").mkdir()
    (tmp_path / "test/a.yaml").write_text("a: 1\n")
    shown = verify("--files", ".")
    assert "  Makefile:1: likely: PIP045: " in shown.output
    assert "\n0 errors, 1 likely, " in shown.output
    assert (shown.exit_code, verify("--files", ".", "--fail-on", "likely").exit_code) == (0, 1)
