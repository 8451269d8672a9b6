"""Every object satisfies the schema of its kind; the schemas' conversion keeps what they mean."""

from __future__ import annotations

import hashlib
import json
import lzma
import sys

import pytest
from gated import TODAY, expected, findings, fixtures, objects
from rendered import ENVIRONMENTS, artifacts_of, plan_of, system_of

from tarmac.base.report import Skip
from tarmac.check.gates.kubernetes.val001_schemas import GATE
from tarmac.check.gates.subject import Subject
from tarmac.check.schemas import archive, check, lock
from tarmac.check.schemas.convert import DIALECT, Kind

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
        schemas = check.load(lock.read(), version)
        for artifact in objects:
            assert list(schemas.problems(artifact.data)) == [], (version, artifact.path)


def test_the_archive_is_the_one_that_the_lock_names():
    """After a change of the lock or of the conversion, .ci/lock-schemas makes it again."""
    assert hashlib.sha256(archive.ARCHIVE.read_bytes()).hexdigest() == lock.read().archive
    assert archive.read().digest == lock.read().digest


@pytest.mark.parametrize("version", lock.read().versions)
def test_every_source_has_schemas_in_every_version_and_each_can_be_read(version):
    origins = archive.read().origins(version)
    sources = {source.label for source in lock.read().sources if source.way == "go"}
    assert set(origins.values()) == {f"Kubernetes {version}", *sources}
    for kind, text in archive.listed(archive.read(), version):
        assert json.loads(text)["$schema"] == DIALECT, kind


def test_what_is_packed_is_read_back_and_equal_schemas_are_kept_once():
    pod, job = Kind("", "v1", "Pod"), Kind("batch", "v1", "Job")
    schema = {"type": "object"}
    kinds = {pod: (schema, "a@1"), job: (schema, "b@2")}
    data = archive.packed({"1.36": kinds, "1.37": kinds}, "d")
    assert data == archive.packed({"1.36": kinds, "1.37": kinds}, "d")
    assert lzma.decompress(data).count(b'{"type":"object"}') == 1


def test_a_python_without_lzma_skips_the_gate_and_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "lzma", None)
    archive.read.cache_clear()
    subject = Subject(system_of("shop"), plan_of("shop", "kind"), (), TODAY)
    with pytest.raises(Skip, match="built without lzma"):
        list(GATE.check(subject))


def test_schemas_are_unpacked_once_for_a_program_of_others(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    schemas = check.load(lock.read())
    folder = check.unpacked(schemas, lock.read())
    assert json.loads((folder / "apps/deployment_v1.json").read_bytes())["type"] == "object"
    assert len(list(folder.rglob("*.json"))) == len(schemas.index)
    (folder / "pod_v1.json").unlink()
    assert check.unpacked(schemas, lock.read()) == folder
    assert not (folder / "pod_v1.json").exists()
    assert list(folder.parent.iterdir()) == [folder]
