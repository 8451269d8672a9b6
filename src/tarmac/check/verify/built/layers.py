"""Kustomizations and what they name: which of them are built, and of which files.

A kustomization that another one includes is a part of that one; patches and bases are not objects.
"""

from __future__ import annotations

import glob
import os.path
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Any

from tarmac.base.errors import BadInput, misspelt
from tarmac.base.foreign.reading import fields, items, string
from tarmac.check.gates.views.overlays.kustomizations import REMOTE
from tarmac.check.gates.views.written_files import (
    SCRIPTS,
    WrittenFile,
    is_written,
    written_in,
)
from tarmac.check.verify.built.sources import Document, Sources, is_inside

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
#: Lists of files and folders, each of which may be text of its own where it is a patch.
_INCLUDED = ("resources", "bases", "components")
_PATCHES = ("patchesStrategicMerge", "patches", "patchesJson6902", "replacements")
_CONFIGURED = ("crds", "configurations", "transformers", "generators", "validators")
_GENERATORS = ("configMapGenerator", "secretGenerator")
#: Keys of a kustomization that is a list of others, and changes nothing of what they make.
_LISTING = frozenset({"apiVersion", "kind", "metadata", "resources", "bases", "buildMetadata"})
#: What is only built with a flag, or by programs that are named there.
_SPECIAL = ("helmCharts", "helmChartInflationGenerator", "transformers", "generators", "validators")
#: What controller-gen and operator-sdk write of the code of an operator.
_OF_CODE = re.compile(
    r"(?:^|/)config/(?:webhook/manifests|rbac/role|crd/bases/[^/]+)\.yaml$|\.clusterserviceversion\.yaml$"
)
#: Ends of names of what a file is made of.
_MODELS = (".tpl", ".tmpl", ".template", ".example", ".sample", ".dist", ".in", ".j2", ".envsubst")


@dataclass(frozen=True)
class Layer:
    """One kustomization: its document, and what it names."""

    folder: Path
    document: Document
    #: Folders that it includes.
    below: tuple[Path, ...]
    files: frozenset[Path]
    #: What it includes from elsewhere: addresses, and paths out of the folder that is judged.
    elsewhere: tuple[str, ...]

    @property
    def data(self) -> Mapping[str, Any]:
        """What is in it."""
        return fields(self.document.data)

    @property
    def patches(self) -> frozenset[Path]:
        """Its patches, which are not objects, whether or not it can be built."""
        names = _named(self.data, _PATCHES)
        return frozenset(Path(os.path.normpath(self.folder / name)) for name in names)

    @property
    def makes_objects(self) -> bool:
        """Whether anything can be built of it alone: a component patches what others have."""
        named = (*_INCLUDED, *_GENERATORS, "helmCharts", "generators")
        return self.data.get("kind") != "Component" and any(self.data.get(key) for key in named)

    @property
    def adds_nothing(self) -> bool:
        """Whether it makes what its parts make, and no more."""
        return self.data.keys() <= _LISTING

    @property
    def is_orphan(self) -> bool:
        """Whether it is alone in its folder, and names files of that: what it listed is deleted."""
        named = self.files - {self.folder / name for name in NAMES}
        is_alone = not self.below and len(list(self.folder.iterdir())) == 1
        return bool(named) and is_alone and all(path.parent == self.folder for path in named)

    @property
    def is_special(self) -> bool:
        """Whether it needs more than files: a flag, a program, a chart from elsewhere."""
        return any(self.data.get(key) for key in _SPECIAL)


def find(paths: Iterable[Path], sources: Sources) -> dict[Path, Layer]:
    """Read the kustomizations among the files of a folder; what is none of them is passed over."""
    found = {}
    for path in paths:
        if path.name not in NAMES:
            continue
        try:
            documents = sources.documents(path)
        except BadInput:  # it is said of the file itself
            continue
        if len(documents) == 1 and isinstance(documents[0].data, Mapping):
            found[path.parent] = _layer(path, documents[0], sources.root)
    return found


def _layer(path: Path, document: Document, root: Path) -> Layer:
    below: list[Path] = []
    named = {path}
    elsewhere: list[str] = []
    data = fields(document.data)
    for name in _local(data):
        place = Path(os.path.normpath(path.parent / name))
        if (
            REMOTE.match(name)
            or not is_inside(place, Path(os.path.normpath(root)))
            # kustomize follows a link to a folder, wherever it leads.
            or not is_inside(Path(os.path.realpath(place)), Path(os.path.realpath(root)))
        ):
            elsewhere.append(name)
        elif place.is_dir():
            below.append(place)
        else:
            named.add(place)
    return Layer(path.parent, document, tuple(below), frozenset(named), tuple(elsewhere))


def _local(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths that a kustomization names; a patch may be text instead."""
    yield from _named(data, (*_INCLUDED, *_PATCHES, *_CONFIGURED))
    for key in _GENERATORS:
        yield from _generated(data, key)
    if path := string(data, "openapi", "path"):
        yield path


def _generated(data: Mapping[str, Any], key: str) -> Iterator[str]:
    """Yield the files that a generator reads."""
    for item in items(data, key):
        for name in items(item, "files"):
            yield str(name).rpartition("=")[2]
        yield from map(str, (*items(item, "envs"), *filter(None, [string(item, "env")])))


def _named(data: Mapping[str, Any], keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        for item in items(data, key):
            name = item if isinstance(item, str) else string(item, "path")
            if name and "\n" not in name.strip():
                yield name


def _is_brought(place: Path) -> bool:
    """Tell whether a folder is absent, and none that is there has almost its name."""
    if place.exists() or not place.parent.is_dir():
        return False
    return not misspelt(place.name, (one.name for one in place.parent.iterdir()))


def lacks_made(layer: Layer, sources: Sources) -> bool:
    """Tell whether a file is absent that a program or a person makes, and git may ignore.

    What a script here writes is there when it is built. What is made by hand has its model beside
    it: `id.yaml` and `id.tpl`. What a Secret is made of is kept elsewhere, whether git is told so
    or not. A folder of which several files are named and nothing is there is brought by another.
    """
    absent = [path for path in layer.files if not os.path.lexists(path)]
    # A folder without a kustomization may be given one.
    bare = (one for one in layer.below if not any((one / name).exists() for name in NAMES))
    absent += [one / NAMES[0] for one in bare]
    if not absent:
        return False
    folders = Counter(one.parent for one in absent)
    if any(count > 1 and _is_brought(place) for place, count in folders.items()):
        return True
    root = sources.root
    ignored = set[str]()
    with suppress(OSError):
        lines = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
        ignored = {line.strip() for line in lines if line.strip() and line[0] not in "#!"}
    hidden = {
        Path(os.path.normpath(layer.folder / name))
        for name in _generated(layer.data, "secretGenerator")
    }
    if any(path in hidden or _is_made(path, root, ignored) for path in absent):
        return True
    written = list(_written(sources))
    return any(is_written(os.path.relpath(path, root), written) for path in absent)


def _written(sources: Sources) -> Iterator[WrittenFile]:
    for path in sources.paths:
        if path.name.endswith(SCRIPTS):
            with suppress(BadInput):
                folder = os.path.relpath(path.parent, sources.root)
                yield from written_in(sources.text(path), "" if folder == "." else folder)


def _is_made(path: Path, root: Path, ignored: Collection[str]) -> bool:
    named = PurePath(os.path.relpath(path, root))
    beside = path.parent.glob(f"{glob.escape(path.stem)}*") if path.parent.is_dir() else ()
    # A pattern of git is of a file, or of a folder above it.
    places = [str(one) for one in (named, *named.parents)][: len(named.parts)]
    places += named.parts
    is_ignored = any(fnmatchcase(one, rule.strip("/")) for one in places for rule in ignored)
    is_ignored = is_ignored or _OF_CODE.search(path.as_posix()) is not None
    return is_ignored or any(one.name.endswith(_MODELS) for one in beside)


def closure(layer: Layer, layers: Mapping[Path, Layer]) -> list[Layer]:
    """List a kustomization and those that it includes, however deep."""
    found: dict[Path, Layer] = {}
    todo = [layer]
    while todo:
        one = todo.pop()
        if one.folder not in found:
            found[one.folder] = one
            todo += [layers[folder] for folder in one.below if folder in layers]
    return list(found.values())


def roots(layers: Mapping[Path, Layer], named: Iterable[Path] = ()) -> list[Layer]:
    """Choose the kustomizations to build: included by no other, or named by an Application.

    A list of bases that overlays include one by one is applied by none; and what a root only lists
    is built with it.
    """
    including: dict[Path, set[Path]] = {}
    for layer in layers.values():
        for folder in layer.below:
            including.setdefault(folder, set()).add(layer.folder)
    chosen = {
        layer.folder
        for layer in layers.values()
        if layer.makes_objects
        and not including.get(layer.folder)
        and not _only_lists(layer, including)
    }
    listed = {part for folder in chosen for part in _listed(layers[folder], layers)}
    more = [folder for folder in named if folder in layers and folder not in listed]
    return [layers[folder] for folder in dict.fromkeys((*sorted(chosen), *more))]


def _only_lists(layer: Layer, including: Mapping[Path, set[Path]]) -> bool:
    others = all(including[folder] - {layer.folder} for folder in layer.below)
    return bool(layer.adds_nothing and layer.below and len(layer.files) == 1 and others)


def _listed(layer: Layer, layers: Mapping[Path, Layer]) -> Iterator[Path]:
    """Yield what is applied just as it is when this one is."""
    yield layer.folder
    if layer.adds_nothing:
        for folder in layer.below:
            if folder in layers:
                yield from _listed(layers[folder], layers)
