"""What GIT007 says of an edited part: what that is for, by a table without dead entries."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from rendered import ENVIRONMENTS, artifacts_of

from tarmac.base.artifact import Artifact
from tarmac.check.gates.argo import git007_drift as drift
from tarmac.check.gates.views.published import asset

TABLE = asset("purposes.yaml")


def kind_of(artifact):
    if artifact.is_object:
        return artifact.data["kind"]
    return next((kind for key, kind in drift._BY_KEY.items() if key in artifact.data), "")


def places(value, above=()):
    yield ".".join(above)
    items = value.items() if isinstance(value, dict) else ()
    items = (("-", one) for one in value) if isinstance(value, list) else items
    for key, below in items:
        yield from places(below, (*above, str(key)))


@pytest.fixture(scope="module")
def rendered():
    return [one for names in ENVIRONMENTS for one in artifacts_of(*names)]


def test_each_pattern_is_of_a_part_that_is_rendered(rendered):
    found = {
        f"{kind} {place}"
        for one in rendered
        if (kind := kind_of(one))
        for place in places(one.data)
    }
    open_patterns = [entry["at"] for entry in TABLE["objects"]]
    dead = [at for at in open_patterns if not any(fnmatchcase(one, at) for one in found)]
    assert dead == []


@pytest.mark.parametrize(
    ("part", "table"),
    [(".tf", "terraform"), ("Dockerfile", "dockerfile"), ("/dashboards/", "dashboard")],
)
def test_each_word_begins_a_line_that_is_rendered(rendered, part, table):
    texts = [str(one.content) for one in rendered if part in one.path]
    words = {found for text in texts for found in re.findall(r'(?m)^\s*"?([\w.-]+)', text)}
    assert TABLE[table].keys() - words == set()


@pytest.mark.parametrize(
    ("path", "before", "now", "said"),
    [
        (
            "a/main.tf",
            "  deletion_protection = true\n",
            "",
            "keeps one apply from deleting the data",
        ),
        (
            "containers/Dockerfile",
            "USER 10001\n",
            "USER 0\n",
            "keeps the program from running as root",
        ),
        ("observability/dashboards/a.json", '  "expr": "up"\n', "", "is what the panel asks"),
        (".dockerignore", "**/.env\n", "", "keeps out files that are secret"),
    ],
)
def test_a_line_that_was_edited_is_said_with_its_purpose(path, before, now, said):
    ((where, what),) = drift._lines(before, Artifact(path, now))
    assert where == f"{path}:1"
    assert f"is rendered, which {said}" in what


SCRIPT = """\
set -e
# Makes the cluster
# where there is none.
cluster_up() {
    kind create cluster
}
connect() {
    kind export kubeconfig
}
connect
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "    kind create cluster\n",
            "which is a step of cluster_up (Makes the cluster where there is none.)",
        ),
        ("    kind export kubeconfig\n", "which is a step of connect"),
        ("set -e\n", "is rendered"),
        ("\nconnect\n", "is rendered"),
    ],
)
def test_a_line_of_a_script_is_said_with_its_function(line, said):
    now = SCRIPT.replace(line, "\n" if line.startswith("\n") else "")
    ((_, what),) = drift._lines(SCRIPT, Artifact("setup.sh", now))
    assert what.endswith(said)


@pytest.mark.parametrize(
    ("path", "before", "now"),
    [("a.sh", "set -e\n", ""), ("main.tf", "", "a = 1\n"), ("main.tf", "unheard_of = 1\n", "")],
)
def test_a_line_of_which_nothing_is_known_is_said_without_one(path, before, now):
    ((_, what),) = drift._lines(before, Artifact(path, now))
    assert what.endswith("is rendered")
