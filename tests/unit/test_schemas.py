"""Structural schemas keep their meaning as JSON Schema; a file that was changed is refused."""

from __future__ import annotations

import pytest
from jsonschema_rs import Draft202012Validator

from tarmac.base.errors import TarmacError
from tarmac.check.schemas import convert, download
from tarmac.check.schemas.convert import META, Kind
from tarmac.check.schemas.lock import SchemaSource

KNOWN = {META: {"type": "object", "properties": {"name": {"type": "string"}}}}


def takes(spec, value):
    version = {"name": "v1", "served": True, "schema": {"openAPIV3Schema": spec}}
    unserved = {**version, "name": "v0", "served": False}
    names = {"kind": "Thing"}
    crd = {"spec": {"group": "example.com", "names": names, "versions": [unserved, version]}}
    [(kind, schema)] = convert.custom(crd, KNOWN)
    assert kind == Kind("example.com", "v1", "Thing")
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, **value}
    return Draft202012Validator(schema).is_valid(thing)


def of(field):
    return {"type": "object", "properties": {"f": field}}


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ({"type": "string"}, "a", None),
        ({"type": "string", "nullable": True}, None, 1),
        ({"type": "string", "nullable": True, "enum": ["a"]}, None, "b"),
        ({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}]}, 1, 1.5),
        ({"x-kubernetes-int-or-string": True}, "10%", ["10%"]),
        ({"type": "object"}, {}, {"a": 1}),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": "x"}, {"b": "x"}),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, {"a": 1}, 1),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"a": "b"}, {"a": 1}),
        ({"type": "integer", "format": "int32"}, 2**31 - 1, 2**31),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 2, 1),
        ({"type": "string", "format": "duration"}, "1h30m", 5),
        ({"type": "array", "items": {"type": "object"}}, [{}], [{"a": 1}]),
    ],
)
def test_a_field_takes_what_an_api_server_takes(field, good, bad):
    assert takes(of(field), {"f": good})
    assert not takes(of(field), {"f": bad})


def test_a_condition_closes_nothing_that_the_node_around_it_opens():
    field = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "oneOf": [{"required": ["a"]}, {"properties": {"b": {"minLength": 2}}, "required": ["b"]}],
    }
    assert takes(of(field), {"f": {"a": "x"}})
    assert takes(of(field), {"f": {"b": "xx"}})
    assert not takes(of(field), {"f": {"a": "x", "b": "xx"}})
    assert not takes(of(field), {"f": {"b": "x"}})


def test_a_definition_without_a_schema_takes_anything_but_a_wrong_metadata():
    assert takes({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, {"f": 1})
    assert not takes({"type": "object"}, {"f": 1})
    assert not takes({"type": "object"}, {"metadata": "a"})


def test_a_file_that_is_not_the_one_of_the_lock_is_refused():
    found = {"crd.yaml": b"kind: CustomResourceDefinition"}
    source = SchemaSource(
        "a", "go", "example.com/a", "v1.0.0", ("*.yaml",), (), download.digests(found)
    )
    download.check(source, found)
    with pytest.raises(
        TarmacError, match=r"a@v1\.0\.0: crd\.yaml does not match the hash in Tarmac's lock"
    ):
        download.check(source, {"crd.yaml": b"kind: Other"})
    with pytest.raises(TarmacError, match=r"more\.yaml does not"):
        download.check(source, {**found, "more.yaml": b""})
    with pytest.raises(TarmacError, match=r"crd\.yaml does not"):
        download.check(source, {})
