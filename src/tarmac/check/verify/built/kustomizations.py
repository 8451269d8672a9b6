"""Builds kustomizations by kustomize itself, side by side, each of whose files was read before.

Nothing is fetched: one that includes an address, or a path out of the folder, is not built.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from tarmac.base import content_cache
from tarmac.base.artifact import Artifact
from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.base.foreign import files
from tarmac.base.foreign.data import from_yaml
from tarmac.base.places import cache_folder
from tarmac.base.report import Finding, Skip
from tarmac.check.gates.views import programs
from tarmac.check.verify.built.layers import Layer, closure, lacks_made
from tarmac.check.verify.built.origins import placed
from tarmac.check.verify.built.sources import Sources, is_inside
from tarmac.check.verify.built.tracing import trace

#: What kustomize lacks where others give it: a file of variables, which git ignores and a pipeline
#: writes; the namespace that the kustomization above sets; the option by which it reads above.
GIVEN = ("env source files", "{metadata.namespace}}' not found", "is not in or below")

#: What differs each time in what kustomize says: an address in its memory, and when it said it.
VARYING = re.compile(r"&\{0x[0-9a-f]+ <nil>\}: |E\d{4} [\d:.]+ +\d+ run\.go:\d+\] ")


@dataclass(frozen=True)
class Overlay:
    """What one kustomization builds."""

    artifacts: tuple[Artifact, ...]
    #: Where a patch deletes an object, by its kind and name.
    deleted: Mapping[tuple[str, str], str]


def build(
    roots: Iterable[Layer], layers: Mapping[Path, Layer], sources: Sources, gate: str
) -> list[tuple[Layer, Overlay | Finding, str]]:
    """Build kustomizations; of one that needs what is elsewhere, those that it includes.

    Args:
        gate: what the finding of one that cannot be built is of.

    Returns:
        Each with what it makes, and the folder of the one that puts it beside others; "" for none.
    """

    def one(layer: Layer) -> Overlay | Finding:
        try:
            return _overlay(layer, layers, sources)
        except BadInput as error:
            return _unbuilt(layer, gate, str(error.problems[0]), warning=True)
        except Skip as error:
            return _unbuilt(layer, gate, str(error), warning=True)
        except (TarmacError, yaml.YAMLError) as error:
            special = any(part.is_special for part in closure(layer, layers))
            given = any(one in str(error) for one in GIVEN)
            made = any(lacks_made(part, sources) for part in closure(layer, layers))
            kind = special or given or made or layer.is_orphan
            return _unbuilt(layer, gate, str(error), warning=kind)

    found: dict[Path, tuple[Layer, Overlay | Finding, str]] = {}
    todo, above = list(roots), dict[Path, str]()
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        while todo:
            done = list(zip(todo, pool.map(one, todo), strict=True))
            found |= {
                layer.folder: (layer, made, above.get(layer.folder, "")) for layer, made in done
            }
            todo = []
            for layer, made in done:
                if not isinstance(made, Finding) or not made.warning:
                    continue
                for folder in layer.below:
                    part = layers.get(folder)
                    if part and part.makes_objects and folder not in {*found, *above}:
                        above[folder] = above.get(layer.folder, str(layer.folder))
                        todo.append(part)
    return list(found.values())


def _unbuilt(layer: Layer, gate: str, said: str, *, warning: bool) -> Finding:
    # What is deprecated, kustomize says before what is wrong.
    _, _, wrong = said.rpartition("\nerror: ")
    said = " ".join(VARYING.sub("", wrong or said).split())
    what = f"is a kustomization, and its objects were not judged: {said}"
    return Finding(layer.document.file, what, gate, warning=warning)


def _overlay(layer: Layer, layers: Mapping[Path, Layer], sources: Sources) -> Overlay:
    parts = closure(layer, layers)
    if elsewhere := next((name for part in parts for name in part.elsewhere), None):
        raise Skip(
            f"it includes {elsewhere}, which is not in this folder; remote files are not fetched"
        )
    for part in parts:  # to start kustomize for its refusal takes far longer than this
        there = (path for path in sorted(part.files) if os.path.lexists(path))
        if above := next((path for path in there if not is_inside(path, part.folder)), None):
            what = f"{sources.shown(above)} is not in or below {sources.shown(part.folder)}"
            raise Skip(f"{what}, so kustomize refuses to read it")
    argv = [*program(), os.path.relpath(layer.folder, sources.root)]
    text = content_cache.kept(
        [*argv, *_contents(parts, sources)],
        lambda: programs.run(argv, sources.root, codes=(0,), keep=False),
    )
    objects = [data for data in from_yaml(text) if isinstance(data, dict) and data.get("kind")]
    origins = trace(layer, layers, sources)
    deleted = {(one.kind, one.names[-1]): one.deleted_at for one in origins if one.deleted_at}
    return Overlay(tuple(placed(objects, origins, layer)), deleted)


def _contents(parts: Iterable[Layer], sources: Sources) -> Iterator[str | bytes]:
    """Read all files that kustomize will read. Raises BadInput for one that it must not."""
    for part in parts:
        for path in sorted(part.files):
            if not os.path.lexists(path):  # of one that is missing kustomize speaks itself
                continue
            yield os.path.relpath(path, sources.root)
            try:
                yield files.content(path, root=sources.root)
            except OSError as error:
                problem = Problem(sources.shown(path), files.unread(error))
                raise BadInput([problem]) from None


def program() -> tuple[str, ...]:
    """Find what builds a kustomization, with its arguments. Raises Skip."""
    try:
        return (programs.find("kustomize"), "build")
    except Skip:
        pass
    with_server = sorted(cache_folder().glob("programs/apiserver-*/kubectl"))
    if with_server and os.access(with_server[-1], os.X_OK):
        return (str(with_server[-1]), "kustomize")
    return (programs.find("kubectl"), "kustomize")
