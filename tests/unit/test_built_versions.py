"""An object of two versions is found in the file of its own version."""

from __future__ import annotations

from types import SimpleNamespace

from tarmac.check.verify.built.origins import ObjectOrigin, placed

LAYER = SimpleNamespace(document=SimpleNamespace(file="kustomization.yaml"))


def written(version, file, namespace=""):
    metadata = {"name": "windows", **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": "Window", "metadata": metadata}, file


def origin(data, file):
    space = data["metadata"].get("namespace", "")
    return ObjectOrigin("Window", ["windows"], space, data, file)


def test_an_object_is_of_the_file_with_its_version_and_its_namespace_before_that():
    first = written("example.com/v1", "v1.yaml")
    second = written("example.com/v1beta1", "v1beta1.yaml")
    other = written("example.com/v1beta1", "other.yaml", "other")
    origins = [origin(*one) for one in (first, second, other)]
    objects = [one for one, _ in (second, first, other)]
    found = [one.path for one in placed(objects, origins, LAYER)]
    assert found == ["v1beta1.yaml", "v1.yaml", "other.yaml"]
    # A version that no file has, and a namespace that a layer gives.
    moved = [{**first[0], "apiVersion": "example.com/v2"}]
    assert [one.path for one in placed(moved, origins, LAYER)] == ["v1.yaml"]
