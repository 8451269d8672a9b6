"""Operators break a file in one place, always the same way, and each makes what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutants.making import OPERATORS, class_of, mutants_of
from mutants.mutant import data_of
from mutants.operators.rename import misspelt

from tarmac.base.artifact import Artifact, Format

OBJECT = Artifact(
    "web.yaml",
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "paused": False,
            "containers": [
                {"name": "web", "image": "r.example/web:1.2", "memory": "512Mi", "port": 80}
            ],
        },
    },
    format=Format.OBJECT,
)
DOCKERFILE = Artifact(
    "web/Dockerfile", "FROM alpine:3.22\nRUN sleep 30s\nUSER 1000\nEXPOSE 80\nCMD [a]\n"
)
TERRAFORM = Artifact("main.tf", 'a = "10.0.0.0/16"\nencrypted = true\n')
JSON = Artifact("observability/dashboards/a.json", '{"panels": [{"id": 1}]}')
FILES = (OBJECT, DOCKERFILE, TERRAFORM, JSON)

#: operator -> what one of its mutants says that it did.
SAID = {
    "delete": "spec.replicas: is gone",
    "number-zero": "spec.replicas: 3 is 0",
    "number-ten-times": "panels.0.id: 1 is 10",
    "number-off-by-one": "spec.containers.0.port: 80 is 81",
    "swap": "metadata.name+namespace: name and namespace are exchanged",
    "rename": "spec.containers.0.name: 'web' is 'wbe'",
    "widen": 'line 1 `a = "10.0.0.0/16"` is `a = "0.0.0.0/0"`',
    "label": "metadata.labels.app: 'web' is 'web-old'",
    "unit-other": "spec.containers.0.memory: '512Mi' is '512m'",
    "unit-none": "spec.containers.0.memory: '512Mi' is '512'",
    "namespace": "metadata.namespace: 'shop' is 'elsewhere'",
    "boolean": "line 2 `encrypted = true` is `encrypted = false`",
    "image-latest": "line 1 `FROM alpine:3.22` is `FROM alpine:latest`",
    "remove": "the file is gone",
    "duplicate": "the object is there twice",
    "order": "`USER 1000` comes before `RUN sleep 30s`",
}


@pytest.mark.parametrize(("operator", "said"), SAID.items(), ids=SAID)
def test_an_operator_makes_what_it_says(operator, said):
    found = [m for file in FILES for m in mutants_of(file) if m.operator == operator]
    assert said in [mutant.description for mutant in found]


def test_each_family_makes_something():
    assert {name for name, make in OPERATORS.items() if any(map(any, map(make, FILES)))} == set(
        OPERATORS
    )
    assert {
        path.stem for path in Path(__file__).parents[1].glob("support/mutants/operators/*.py")
    } == {
        *OPERATORS,
        "__init__",
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_a_mutant_differs_from_its_file_and_is_made_the_same_again(file):
    one, other = list(mutants_of(file)), list(mutants_of(file))
    assert [(m.place, m.description) for m in one] == [(m.place, m.description) for m in other]
    for first, second in zip(one, other, strict=True):
        assert first.contents() == second.contents()
        assert first.contents() != (file.content,)


def test_a_mutant_leaves_its_file_as_it_was():
    before = repr(OBJECT.content)
    for mutant in mutants_of(OBJECT):
        mutant.contents()
    assert repr(OBJECT.content) == before
    assert data_of(JSON) == {"panels": [{"id": 1}]}


def test_items_of_a_list_and_keys_of_data_are_one_place():
    config = Artifact("a.yaml", {"kind": "ConfigMap", "data": {"A.B": "1"}}, format=Format.OBJECT)
    assert {str(class_of(config, mutant)) for mutant in mutants_of(config)} >= {
        "ConfigMap data.* delete",
        "ConfigMap data.* number-zero",
    }
    places = {mutant.place for mutant in mutants_of(OBJECT)}
    assert "spec.containers.-.image" in places


@pytest.mark.parametrize(
    ("text", "other"), [("web", "wbe"), ("aa", "aax"), ("a", "ax"), ("/x-y", "/x-yx")]
)
def test_a_misspelt_name_is_another(text, other):
    assert misspelt(text) == other
