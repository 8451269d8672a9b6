"""Texts that variables of containers have: written, or from objects of the same namespace."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import Fields, fields
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, space_of
from tarmac.check.gates.views.objects.stored_data import ExternalSecret, keys_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container

#: The kind of an object, its namespace, and its name.
Key = tuple[str, str, str]


class GivenText(NamedTuple):
    """A text, and where it is written."""

    text: str
    where: str


class GivenTexts:
    """What ConfigMaps and Secrets hold, as far as that is written here."""

    def __init__(self, files: Files) -> None:
        self._by_key: dict[Key, Mapping[str, GivenText]] = {}
        self._names: dict[Key, frozenset[str] | None] = {}
        for key, texts, names in _held(files):
            self._by_key[key] = texts
            known = self._names.get(key, frozenset())
            # Of what two write, the keys of both are there.
            self._names[key] = None if names is None or known is None else known | names

    def of(self, kind: str, space: str, name: str, key: str) -> GivenText | None:
        """Find the text of a key; None where it is not written here."""
        return self._by_key.get((kind, space, name), {}).get(key)

    def is_whole(self, space: str, container: Container) -> bool:
        """Tell whether the keys of every object are known that are variables of a container."""
        sources = (one for source in container.sources for one in source.sources)
        return all(self._names.get((one.kind, space, one.name)) is not None for one in sources)

    def names(self, space: str, container: Container) -> Iterator[str]:
        """Yield the variables that a container has of keys, whatever is in them."""
        for source in container.sources:
            for one in source.sources:
                names = self._names.get((one.kind, space, one.name)) or ()
                yield from (f"{source.prefix}{name}" for name in names)

    def variables(self, space: str, container: Container) -> dict[str, GivenText]:
        """Find the texts of a container's variables."""
        found: dict[str, GivenText] = {}
        for source in container.sources:
            for one in source.sources:
                held = self._by_key.get((one.kind, space, one.name), {})
                found |= {f"{source.prefix}{key}": text for key, text in held.items()}
        for number, variable in enumerate(container.variables):
            name = str(variable.name)
            if variable.has_value:
                where = container.at("env", number)
                found[name] = GivenText(str(variable.value), where)
            for one in variable.sources:
                given = self.of(one.kind, space, one.name, one.key)
                if given is not None:
                    found[name] = given
        return found


@once
def _every(files: Files) -> Iterator[GivenTexts]:
    yield GivenTexts(files)


def given_texts(files: Files) -> GivenTexts:
    """Read them once for all that ask."""
    return next(iter(_every(files)))


@once
def _held(
    files: Files,
) -> Iterator[tuple[Key, Mapping[str, GivenText], frozenset[str] | None]]:
    for artifact in files.objects("ConfigMap", "Secret", "ExternalSecret"):
        kind, space = kind_of(artifact), space_of(artifact)
        if kind == "ExternalSecret":
            path: tuple[str, ...] = ("spec", "target", "template", "data")
            own = ExternalSecret(artifact)
            key, names = ("Secret", space, own.target), own.keys
        else:
            path = ("data",) if kind == "ConfigMap" else ("stringData",)
            key = (kind, space, name_of(artifact))
            # One without any data is filled by a controller.
            names = keys_of(artifact) or None
        data: Fields = fields(artifact.data, *path)
        texts = {
            str(name): GivenText(text, artifact.at(*path, str(name)))
            for name, text in data.items()
            if isinstance(text, str)
        }
        coded = fields(artifact.data, "data") if kind == "Secret" else {}
        for name, text in coded.items():
            if name not in texts and (plain := _decoded(text)) is not None:
                texts[str(name)] = GivenText(plain, artifact.at("data", str(name)))
        yield key, texts, names


def _decoded(text: object) -> str | None:
    try:
        return base64.b64decode(str(text), validate=True).decode()
    except ValueError:
        return None
