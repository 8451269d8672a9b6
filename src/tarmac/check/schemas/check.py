"""Validates an object by its schema: what is wrong, where, and what is allowed.

Reads the archive that ships with Tarmac. A schema is read and compiled once, when its first object
comes.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from tarmac.base.errors import did_you_mean, misspelt
from tarmac.base.places import cache_folder
from tarmac.base.report import Fix
from tarmac.check.schemas import archive, convert, fixes, groups, kind_rules
from tarmac.check.schemas.convert import Kind, kind_of
from tarmac.check.schemas.folder import made_whole
from tarmac.check.schemas.lock import SchemaLock

#: Characters of a value that are shown.
SHOWN = 60
#: The group of which every kind has moved to another one.
GONE = "extensions"
#: What a schema's types are called.
WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "empty",
}


#: What the archive's text of a schema has if its kind has rules: no field's own schema is a list.
RULED = f'"{convert.RULES}":[['.encode()
#: What a definition raises that its own schema refuses.
BROKEN = (AttributeError, KeyError, TypeError, ValueError)
#: A pod's schema has the definitions that custom resources refer to.
POD = Kind("", "v1", "Pod")


def folder_of(lock: SchemaLock) -> Path:
    """Return the folder that a lock's files are kept in, once they are asked for."""
    return cache_folder() / "schemas" / lock.digest


@dataclass(frozen=True)
class SchemaProblem:
    """Something that a schema does not allow."""

    #: Where in the object.
    path: list[str | int]
    what: str
    fix: Fix | None = None


@dataclass
class Schemas:
    """The schemas for one version of Kubernetes, compiled on first use."""

    version: str
    #: Where each kind's schema came from, by `apiVersion kind`.
    index: Mapping[str, str]
    archive: archive.Archive
    compiled: dict[Kind, tuple[dict[str, Any], Draft202012Validator] | None] = field(
        default_factory=dict
    )
    #: What a tree itself says of kinds, converted on first use.
    defined: dict[Kind, Mapping[str, Any]] = field(default_factory=dict)
    #: The schemas of kinds with rules in CEL; None: it has none.
    ruled: dict[Kind, dict[str, Any] | None] = field(default_factory=dict)

    def add(self, definition: Mapping[str, Any]) -> None:
        """Add the definitions of a tree: a CustomResourceDefinition, a ConstraintTemplate."""
        try:
            if definition["kind"] == "ConstraintTemplate":
                definition = convert.constraint(definition)
            kinds = [
                kind
                for kind in convert.served(definition)
                if all(isinstance(part, str) for part in kind)
            ]
        except BROKEN:
            return  # its own schema says what it lacks; until then it defines nothing
        for kind in kinds:
            self.defined[kind] = definition
            self.compiled.pop(kind, None)
            self.ruled.pop(kind, None)

    def problems(self, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield where in an object something is wrong, and what."""
        for problem in self.located(data):
            yield write(problem.path), problem.what

    def is_own(self, api: str) -> bool:
        """Tell whether an API is Kubernetes' own, and no custom resource's."""
        group = kind_of(api, "").group
        return "." not in group or group in self._own_groups

    def is_removed(self, api: str, name: str) -> bool:
        """Tell whether Kubernetes had a kind in this version of its API, and has it no more."""
        return "beta" in api and self.is_own(api) and f"{api} {name}" not in self.index

    @cached_property
    def _own_groups(self) -> frozenset[str]:
        own = (key for key, origin in self.index.items() if origin.startswith("Kubernetes "))
        return frozenset(kind_of(*key.split()).group for key in own)

    @cached_property
    def _kinds(self) -> tuple[Kind, ...]:
        return tuple(kind_of(*key.split()) for key in self.index)

    def groups_of(self, kind: str) -> frozenset[str]:
        """List the groups that have a kind of a name, those that a tree itself defines too."""
        return frozenset(one.group for one in (*self._kinds, *self.defined) if one.kind == kind)

    def kinds_of(self, group: str) -> list[str]:
        """List the kinds of a group."""
        return sorted({one.kind for one in (*self._kinds, *self.defined) if one.group == group})

    def is_misnamed(self, api: str, name: str) -> bool:
        """Tell whether no kind of its group has a name: one of Kubernetes, or almost a known one.

        The core group is other programs' as well: a kubeconfig is a `Config` of `v1`. A group is
        one of Kubernetes, too, where it is almost that of the kind: `app/v1`.
        """
        group = kind_of(api, name).group
        is_served = bool(group) and any(one.api == api for one in self._kinds)
        if is_served and group in self._own_groups and not name.endswith("List"):
            return True
        own = {one.group for one in self._kinds if one.kind == name} & self._own_groups - {""}
        known = (*self._kinds, *self.defined)
        near = [kind.kind for kind in known if group in (kind.group, GONE)]
        is_near = name in near or bool(misspelt(name, near)) or bool(groups.meant(group, name))
        return is_near or bool(difflib.get_close_matches(group, own, 1, 0.8))

    def located(self, data: Mapping[str, Any]) -> Iterator[SchemaProblem]:
        """Yield what is wrong in an object, by its path."""
        api, name = str(data.get("apiVersion")), str(data.get("kind"))
        found = self._compiled(kind_of(api, name))
        if found is None:
            yield from self._unknown(api, name, data)
            return
        schema, validator = found
        try:
            wrong = _errors(validator, data)
        except ValueError:  # a key that is not text, a date
            wrong = _errors(validator, _as_json(data))
        for error in wrong:
            yield from _said(error, schema)

    def has_rules(self, data: Mapping[str, Any]) -> bool:
        """Tell whether an object's kind has rules in CEL."""
        return self._ruled(data) is not None

    def refusals(self, data: Mapping[str, Any]) -> Iterator[SchemaProblem]:
        """Yield the rules in CEL of its kind that do not hold of an object, by path."""
        if schema := self._ruled(data):
            for path, what in kind_rules.refusals(schema, data):
                yield SchemaProblem(path, what)

    def _ruled(self, data: Mapping[str, Any]) -> dict[str, Any] | None:
        kind = kind_of(str(data.get("apiVersion")), str(data.get("kind")))
        if kind not in self.ruled:
            if kind in self.defined and (found := self._compiled(kind)):
                self.ruled[kind] = found[0] if convert.has_rules(found[0]) else None
            else:
                text = self.archive.text(self.version, kind) or b""
                self.ruled[kind] = json.loads(text) if RULED in text else None
        return self.ruled[kind]

    def _compiled(self, kind: Kind) -> tuple[dict[str, Any], Draft202012Validator] | None:
        if kind not in self.compiled:
            self.compiled[kind] = self._converted(kind) or self._read(kind)
        return self.compiled[kind]

    def _converted(self, kind: Kind) -> tuple[dict[str, Any], Draft202012Validator] | None:
        if (definition := self.defined.get(kind)) is None:
            return None
        pod = self.archive.text(self.version, POD) or b"{}"
        try:
            return _converted(json.dumps(definition, default=str), kind, pod)
        except BROKEN:
            return None

    def _read(self, kind: Kind) -> tuple[dict[str, Any], Draft202012Validator] | None:
        text = self.archive.text(self.version, kind)
        return None if text is None else _compiled(text)

    def _unknown(self, api: str, name: str, data: Mapping[str, Any]) -> Iterator[SchemaProblem]:
        group = kind_of(api, name).group
        kinds = self._kinds
        said = f"unknown kind {api} {name}"
        if versions := [kind.api for kind in kinds if kind.kind == name]:
            said = f"{said}; {name} is there as {', '.join(versions)}"
            # Its fields are the same there, but for what is wrong anyway.
            others = list(self.located({**data, "apiVersion": versions[0]}))
            if len(versions) == 1 and all(problem.fix for problem in others):
                yield SchemaProblem(["apiVersion"], said, Fix(api, versions[0]))
                yield from others
                return
        elif other := groups.meant(group, name):
            said = f"{said}; did you mean {other}?"
        elif near := {*self.kinds_of(group)}:
            said = f"{said}; {did_you_mean(name, near)}"
        else:
            said += f"; no schema of {group} is installed; render its CustomResourceDefinition too"
        yield SchemaProblem(["kind"], said)


def load(lock: SchemaLock, version: str = "") -> Schemas:
    """Open the schemas of a version of Kubernetes.

    Raises:
        Skip: as `archive.read`.
    """
    shipped, version = archive.read(), version or lock.kubernetes
    return Schemas(version, shipped.origins(version), shipped)


def unpacked(schemas: Schemas, lock: SchemaLock) -> Path:
    """Return a folder with a file for each schema, for a program of others; made at most once."""
    folder = folder_of(lock) / f"kubernetes-{schemas.version}"
    if folder.exists():
        return folder
    with made_whole(folder) as made:
        for kind, text in archive.listed(schemas.archive, schemas.version):
            file = made / kind.file
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(text)
    return folder


def _as_json(value: Any) -> Any:
    """Write what only YAML has as kubectl does: keys and dates as text."""
    if isinstance(value, Mapping):
        return {str(key): _as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set):
        return [_as_json(part) for part in value]
    # A moment without quotes is a text to readers in Go, as it is written.
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value if isinstance(value, str | int | float | None) else str(value)


def _errors(validator: Draft202012Validator, data: Mapping[str, Any]) -> list[ValidationError]:
    """List what is wrong. Raises ValueError for what JSON has not, also after a part is wrong."""
    return [] if validator.is_valid(data) else list(validator.iter_errors(data))


@lru_cache(maxsize=512)  # each tree of a folder has the same definitions
def _converted(
    definition: str, kind: Kind, pod: bytes
) -> tuple[dict[str, Any], Draft202012Validator]:
    schema = dict(convert.custom(json.loads(definition), json.loads(pod)["$defs"]))[kind]
    return schema, _compile(schema)


@cache
def _compiled(text: bytes) -> tuple[dict[str, Any], Draft202012Validator]:
    """Compile what was shipped, once for all trees of a folder."""
    schema = json.loads(text)
    return schema, _compile(schema)


def _compile(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema, validate_formats=True)


def _said(error: ValidationError, schema: dict[str, Any]) -> Iterator[SchemaProblem]:
    """Reword it for the object's author."""
    path, value = list(error.instance_path), error.instance
    match error.kind:
        case ValidationErrorKind.AdditionalProperties(unexpected=names):
            known = _node(schema, error.schema_path[:-1]).get("properties", {})
            for name in names:
                what = f"no such field; {did_you_mean(name, known)}"
                there = value if isinstance(value, dict) else {}
                yield SchemaProblem([*path, name], what, fixes.renamed(name, known, there))
        case ValidationErrorKind.Required(property=name):
            yield SchemaProblem(path, f"has no '{name}', which is required")
        case ValidationErrorKind.Type(types=types):
            what = f"is {_shown(value)}; it must be {_or(WORDS[name] for name in types)}"
            yield SchemaProblem(path, what, fixes.retyped(value, types))
        case ValidationErrorKind.Enum(options=options):
            words = list(map(str, options))
            what = f"is {_shown(value)}; {did_you_mean(str(value), words)}"
            yield SchemaProblem(path, what, fixes.reworded(value, words))
        case _:
            yield SchemaProblem(path, f"{error.message[:300]}; see its schema")


def write(path: Iterable[str | int]) -> str:
    """Write where in an object something is: `spec.containers[0].image`."""
    found = ""
    for step in path:
        if isinstance(step, int):
            found += f"[{step}]"
        elif step.replace("-", "").replace("_", "").isalnum():
            found += f".{step}"
        else:
            found += f'["{step}"]'
    return found.lstrip(".") or "the object"


def _node(schema: Any, path: Iterable[str | int]) -> dict[str, Any]:
    for step in path:
        schema = schema[step]
    found: dict[str, Any] = schema
    return found


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _or(words: Iterable[str]) -> str:
    return " or ".join(words)
