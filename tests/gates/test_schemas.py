"""Every object satisfies the schema of its kind; the schemas' conversion keeps what they mean."""

from __future__ import annotations

import pytest
from gated import TODAY, expected, findings, fixtures, objects
from rendered import ENVIRONMENTS, artifacts_of, plan_of, system_of

from tarmac.gates.kubernetes.val001_schemas import GATE
from tarmac.gates.subject import Subject
from tarmac.report import Skip
from tarmac.schemas import check, lock

GOOD, BAD = fixtures("VAL001", "good"), fixtures("VAL001", "bad")


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_what_the_field_writes_is_taken(path):
    assert list(map(str, findings(GATE, objects(path)))) == []


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_what_is_wrong_is_found_with_what_is_allowed(path):
    (found,) = findings(GATE, objects(path))
    assert expected(path) in found.what
    assert found.gate == "VAL001"


@pytest.mark.parametrize(("system", "environment"), ENVIRONMENTS)
def test_what_is_rendered_satisfies_every_supported_version_of_kubernetes(system, environment):
    objects = [artifact for artifact in artifacts_of(system, environment) if artifact.is_object]
    assert objects
    for version in lock.read().versions:
        try:
            schemas = check.load(lock.read(), version)
        except Skip as skip:
            pytest.skip(str(skip))
        for artifact in objects:
            assert list(schemas.problems(artifact.data)) == [], (version, artifact.path)


def test_without_the_schemas_it_is_skipped_and_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    subject = Subject(system_of("shop"), plan_of("shop", "kind"), (), TODAY)
    with pytest.raises(Skip, match="`tarmac fetch` downloads them"):
        list(GATE.check(subject))
