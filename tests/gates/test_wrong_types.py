"""No gate breaks on a file whose values have other types than their places: it skips or reports.

Nodes of the fixtures of files, and of the small system's objects, are replaced at random by values
of another type. What a gate finds then is not judged here; that it survives is.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from small_system import GATES, read, subject_of

from tarmac.base.artifact import Artifact
from tarmac.base.artifact import read as read_yaml
from tarmac.base.report import Status
from tarmac.check.gates.subject import Folder, Subject
from tarmac.check.verify.running import Suppressions, run, run_files

FOLDER = Path(__file__).parent
FIXTURES = sorted(FOLDER.glob("*/*.yaml"))
OF_FILES = [path for path in FIXTURES if path.read_text().startswith("files:")]
OF_SYSTEMS = [path for path in FIXTURES if path.read_text().startswith("about:")]
#: What may stand where something else belongs.
VALUES = (None, [], {}, "", "x", 7, -1, 1.5, True, ["x"], [7], [None], [[]], {"x": "y"}, {7: [1]})
TODAY = date(2026, 11, 20)


def paths(value, path=()):
    """Yield the path of every node of a value."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, part in items:
        yield from paths(part, (*path, key))


def changed(value, path, new):
    """Copy a value with another one at a path."""
    if not path:
        return new
    key, *rest = path
    if isinstance(value, list):
        return [changed(part, rest, new) if n == key else part for n, part in enumerate(value)]
    return {k: changed(part, rest, new) if k == key else part for k, part in value.items()}


def mutated(text, chance):
    """Change a node of a YAML text, or a line of another."""
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError:
        documents = []
    if not any(isinstance(document, dict) for document in documents):
        lines = text.splitlines()
        del lines[chance.randrange(len(lines)) if lines else 0 :: 7]
        return "\n".join(lines)
    number = chance.randrange(len(documents))
    path = chance.choice([path for path in paths(documents[number]) if path] or [()])
    documents[number] = changed(documents[number], path, chance.choice(VALUES))
    return yaml.safe_dump_all(documents)


def given(name, text):
    """Read a file as a tree has it: a chart's template is a text."""
    try:
        return (
            list(read_yaml(name, text))
            if name.endswith((".yaml", ".yml"))
            else [Artifact(name, text)]
        )
    except yaml.YAMLError:
        return [Artifact(name, text)]


def broken(results):
    return [result.traceback or result.why for result in results if result.status is Status.ERROR]


@pytest.mark.parametrize("path", OF_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_gate_of_files_breaks_on_a_value_of_another_type(path):
    files = yaml.safe_load(path.read_text())["files"]
    chance = random.Random(path.parent.name + path.stem)
    own = [GATES[path.parent.name], GATES["OBJ005"]]
    for _ in range(25):
        artifacts = []
        for name, text in files.items():
            artifacts += given(name, mutated(text, chance))
        found = Folder(tuple(artifacts), TODAY)
        assert broken(run_files(found, own, Suppressions())) == [], files


@pytest.mark.parametrize("path", OF_SYSTEMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_gate_of_a_plan_breaks_on_a_value_of_another_type(path):
    subject, _ = subject_of(read(path))
    chance = random.Random(path.parent.name + path.stem)
    gate = replace(GATES[path.parent.name], targets=("cluster",))
    for _ in range(6):
        artifacts = tuple(spoilt(artifact, chance) for artifact in subject.raw)
        other = Subject(subject.system, subject.plan, artifacts, TODAY, None, subject.inputs)
        assert broken(run(other, [gate], Suppressions())) == []


def spoilt(artifact, chance):
    """Change two nodes of an artifact."""
    if isinstance(artifact.content, str):
        return replace(artifact, content=mutated(artifact.content, chance))
    content = artifact.content
    for _ in range(2):
        where = [path for path in paths(content) if path]
        content = changed(content, chance.choice(where), chance.choice(VALUES)) if where else {}
    return replace(artifact, content=content)
