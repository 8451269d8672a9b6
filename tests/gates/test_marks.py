"""Marks that a program or a person replaces are no errors, whatever signs they are written by.

In files without an error some values are replaced by marks, as templates have them: no gate may
call that an error, for nobody knows what will stand there.
"""

from __future__ import annotations

import random
import re
from datetime import date
from pathlib import Path
from zlib import crc32

import pytest
import yaml
from small_system import GATES

from tarmac.base.report import Finding
from tarmac.check.verify import folder
from tarmac.check.verify.running import Suppressions

TODAY = date(2026, 11, 20)
OF_FILES = tuple(gate for gate in GATES.values() if gate.of_files and not gate.program)
#: By whom: envsubst, Jinja, Concourse, GitLab, Azure, sed, ERB, Terraform, and a person.
MARKS = (
    *("${NAME}", "$NAME", "{{ name }}", "((name))", "$[[ inputs.name ]]", "#{NAME}#", "%NAME%"),
    *("@NAME@", "__NAME__", "<%= name %>", "[[ .name ]]", "{NAME}", "%{name}", "${var.name}"),
    "set_by_pipeline",
)
#: A key, or the sign of an element, and a plain text behind it.
_VALUE = re.compile(r"^([ \t]*(?:- )*(?:[\w./-]+:[ ]+)?)(?![|>&*\[{#\"'!%@`])(\S[^#\n]*?)([ \t]*)$")
_OTHERS = re.compile(r"values|kustomization|\.git|goreleaser")
#: What says what a file is, and what others name it by; a list of resources names each once.
_KINDS = re.compile(r"[ \t]*(?:- )*(?:apiVersion|kind|on|uses|name|needs|if|concurrency):")
_FIXTURES = Path(__file__).parent.glob("*/good-*.yaml")
#: With each mark, this share of the fixtures is tried.
ONE_OF = 64
GOOD = sorted(path for path in _FIXTURES if path.read_text().startswith("files:"))


def _errors(place: Path, files: dict[str, str]) -> dict[tuple[str, str], Finding]:
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    report = folder.judge(Path(), TODAY, OF_FILES, lambda _: Suppressions())
    found = [one for result in report.results for one in result.findings]
    return {(one.gate, one.where): one for one in found if one.severity == "error"}


def _values(text: str) -> list[tuple[int, re.Match[str]]]:
    """List the lines of an object with a value that is no part of a longer text."""
    found, above = [], -1
    for number, line in enumerate(text.split("\n")):
        indent = len(line) - len(line.lstrip())
        if above >= 0 and (indent > above or not line.strip()):
            continue
        above = indent if re.search(r"[|>][+-]?\s*$", line) else -1
        match = _VALUE.match(line)
        if match is None or not match[1].strip() or _KINDS.match(line):
            continue
        if not re.search(r": |:$", match[2]):
            found.append((number, match))
    return found


@pytest.mark.parametrize("mark", MARKS)
def test_marks_in_place_of_values_are_no_errors(
    mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = []
    for number, path in enumerate(GOOD):
        # By its own name, so that one more fixture leaves the turns of the others as they are.
        own = f"{path.parent.name}/{path.stem} {mark}"
        if crc32(own.encode()) % ONE_OF:
            continue
        chance = random.Random(own)
        files = yaml.safe_load(path.read_text())["files"]
        objects = [name for name in files if name.endswith((".yaml", ".yml"))]
        # What a chart makes of a mark is another text; GoReleaser has such marks for its own.
        objects = [name for name in objects if not _OTHERS.search(name)]
        if not objects:
            continue
        name = chance.choice(objects)
        values = _values(files[name])
        lines = files[name].split("\n")
        for at, match in chance.sample(values, min(3, len(values))):
            value = mark.replace("NAME", f"NAME{at}").replace("name", f"name{at}")
            lines[at] = f'{match[1]}"{value}"{match[3]}'
        before, after = tmp_path / f"{number}-before", tmp_path / f"{number}-after"
        for place in (before, after):
            place.mkdir()
        monkeypatch.chdir(before)
        known = _errors(before, files)
        monkeypatch.chdir(after)
        found = _errors(after, {**files, name: "\n".join(lines)})
        new = (found[one] for one in found.keys() - known.keys())
        wrong += [f"{path.parent.name}/{path.stem}: {one}" for one in new]
    assert not wrong


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  <ROUTES>\n  b: 1\n",
        "apiVersion: v1\nmetadata:\n  name: #@ a.name\n",
        '#@ load("@ytt:data", "data")\na: b\n',
    ],
)
def test_a_file_with_marks_of_a_program_in_place_of_lines_is_a_template(
    text, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(text)
    report = folder.judge(Path(), TODAY, OF_FILES[:1], lambda _: Suppressions())
    assert [(one.what, one.warning) for one in report.remarks] == [(folder.TEMPLATE, True)]
