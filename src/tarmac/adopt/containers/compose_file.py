"""A compose project as one mapping of services: overrides, `include`, `extends`, variables.

Source: the Compose specification, "Merge", "Include", "Extends" and "Interpolation". Nothing here
decides what becomes of a service.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tarmac.adopt.containers.compose_parts import Texts
from tarmac.adopt.survey.found import Folder
from tarmac.adopt.variables import dotenv_files
from tarmac.base.foreign.data import from_yaml, problem

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
#: Files that include or extend each other, at most.
DEEPEST = 8
#: MergeTag as a whole, where other lists grow.
_WHOLE = frozenset({"command", "entrypoint", "test"})
#: Lists that may be written as mappings: what parts a list's entry.
_PAIRS = {
    **dict.fromkeys(("environment", "labels", "args", "annotations", "sysctls"), "="),
    "extra_hosts": ":",
}
#: Lists that may be written as mappings from names: what a name stands for.
_NAMED: dict[str, Any] = {"depends_on": {"condition": "service_started"}, "networks": None}
#: What is not filled in here: its reader tells what came from a private file.
_RAW = frozenset({"environment", "command", "entrypoint"})


@dataclass(frozen=True)
class MergeTag:
    """A value that replaces what is below it, or removes it: `!override` and `!reset`."""

    value: Any = None
    removes: bool = False


class ProjectLoader(Texts):
    """Reads a compose file: texts, and what replaces or removes."""

    def reset(self, node: yaml.Node) -> MergeTag:
        """Handle `!reset`: remove the key."""
        del node
        return MergeTag(removes=True)

    def override(self, node: yaml.Node) -> MergeTag:
        """Read what counts alone."""
        if isinstance(node, yaml.MappingNode):
            return MergeTag(self.construct_mapping(node, deep=True))
        if isinstance(node, yaml.SequenceNode):
            return MergeTag(self.construct_sequence(node, deep=True))
        return MergeTag(node.value)


ProjectLoader.add_constructor("!reset", ProjectLoader.reset)
ProjectLoader.add_constructor("!override", ProjectLoader.override)


@dataclass
class Project:
    """What was read of a compose project."""

    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: The files that it came from.
    origins: list[str] = field(default_factory=list)


def read_project(folder: Folder, name: str, over: str = "") -> Project | None:
    """Read the file with the one that overrides it; None if the file is not a Compose project.

    Args:
        over: another file that is laid over both.
    """
    place = posixpath.dirname(name)
    stem, _, ending = name.rpartition(".")
    override = folder.has(f"{stem}.override.{ending}")
    project = Project()
    content = _loaded(folder, name, project, DEEPEST)
    for other in filter(None, (override, over)):
        content = merged(content, _loaded(folder, other, project, DEEPEST))
    content = _moved(content, place)
    services = folder.member(name, content, "services")
    if services is None:
        return None
    values = values_of(folder, name)[0]
    for own, spec in services.items():
        if isinstance(spec, dict):
            # Those who write it stand in the repository's own folder.
            project.services[str(own)] = _filled(spec, {"PWD": ".", **values})
        else:
            folder.skip(name, f"`services.{own}` is not a mapping")
    return project


def values_of(folder: Folder, name: str) -> tuple[dict[str, str], str]:
    """Read the values that a compose file is filled in with, and the file that has them.

    They stand beside it; where nothing does, in the repository's own folder, where those who start
    it name their file: `docker compose -f docker/dev/compose.yml --env-file .env up`.
    """
    for place in dict.fromkeys((posixpath.dirname(name), "")):
        values, file = dotenv_files.of_file(folder.below(place))
        if file:
            return dotenv_files.resolved(values), posixpath.join(place, file)
    return {}, ""


def _loaded(folder: Folder, name: str, project: Project, depth: int) -> dict[str, Any]:
    """Read one file, with what it includes below it and its services extended."""
    try:
        content = next(iter(from_yaml(folder.read(name), ProjectLoader)), None)
    except yaml.YAMLError as error:
        raise problem(name, error) from None
    if not isinstance(content, dict):
        return {}
    project.origins.append(name)
    below: dict[str, Any] = {}
    for file, base in included(content.pop("include", None)) if depth else ():
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), file))
        if folder.read(path):
            there = _loaded(folder, path, project, depth - 1)
            below = merged(below, _moved(there, base))
        else:
            folder.skip(name, f"includes {file}, which is not in this repository")
    services = content.get("services")
    if isinstance(services, dict):
        content["services"] = {
            own: _extended(spec, services, folder, name, depth) for own, spec in services.items()
        }
    return merged(below, content)


def included(said: Any) -> Iterator[tuple[str, str]]:
    """Yield each file that is included, and the folder that its paths are from."""
    for entry in said if isinstance(said, list) else ():
        paths = entry.get("path") if isinstance(entry, dict) else entry
        listed = paths if isinstance(paths, list) else [paths]
        for path in (posixpath.normpath(path) for path in listed if isinstance(path, str)):
            base = entry.get("project_directory") if isinstance(entry, dict) else None
            yield path, base if isinstance(base, str) else posixpath.dirname(path)


def _extended(spec: Any, services: Mapping[str, Any], folder: Folder, name: str, depth: int) -> Any:
    """Lay a service over the one that it extends, here or in another file."""
    said = spec.get("extends") if isinstance(spec, dict) else None
    said = {"service": said} if isinstance(said, str) else said
    if not isinstance(said, dict) or not depth:
        return spec
    spec = {key: value for key, value in spec.items() if key != "extends"}
    file, own = said.get("file"), str(said.get("service"))
    if isinstance(file, str):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), file))
        there = _loaded(folder, path, Project(), depth - 1) if folder.read(path) else {}
        services = (_moved(there, posixpath.dirname(file)).get("services")) or {}
    base = services.get(own) if isinstance(services, dict) else None
    if not isinstance(base, dict):
        folder.skip(name, f"extends {own}{f' of {file}' if file else ''}, which is not there")
        return spec
    if not isinstance(file, str):
        base = _extended(base, services, folder, name, depth - 1)
    # What it waits for and shares is not taken along.
    left = {k: v for k, v in base.items() if k not in ("depends_on", "links", "volumes_from")}
    return merged(left, spec)


def _moved(content: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Say the paths of another file's services from here."""
    services = content.get("services")
    if not by or by == "." or not isinstance(services, dict):
        return dict(content)
    return {**content, "services": {own: _at(spec, by) for own, spec in services.items()}}


def _at(spec: Any, by: str) -> Any:
    if not isinstance(spec, dict):
        return spec

    def there(path: Any) -> Any:
        is_whole = not isinstance(path, str) or path.startswith(("/", "$PWD", "${PWD}"))
        return path if is_whole else posixpath.join(by, path)

    moved = dict(spec)
    build = spec.get("build")
    if isinstance(build, dict):
        moved["build"] = {**build, "context": there(build.get("context", "."))}
    elif build is not None:
        moved["build"] = there(build)
    if (file := spec.get("env_file")) is not None:
        moved["env_file"] = [
            {**one, "path": there(one.get("path"))} if isinstance(one, dict) else there(one)
            for one in (file if isinstance(file, list) else [file])
        ]
    if isinstance(volumes := spec.get("volumes"), list):
        moved["volumes"] = [
            f"./{there(one)}" if isinstance(one, str) and one.startswith(".") else one
            for one in volumes
        ]
    return moved


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a mapping over another: mappings join, lists grow, what is alike in both is replaced."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        if isinstance(value, MergeTag):
            result.pop(key, None)
            if not value.removes:
                result[key] = value.value
        else:
            result[key] = _joined(key, old, value)
    return result


def _joined(key: str, old: Any, value: Any) -> Any:
    if key in _PAIRS or key in _NAMED:
        as_mapping = _as_pairs if key in _PAIRS else _as_named
        if isinstance(old, list | dict) and isinstance(value, list | dict):
            return merged(as_mapping(key, old), as_mapping(key, value))
    if isinstance(old, dict) and isinstance(value, dict):
        return merged(old, value)
    if isinstance(old, list) and isinstance(value, list) and key not in _WHOLE:
        target = _TARGETS.get(key)
        if target is None:
            return [*old, *(entry for entry in value if entry not in old)]
        return list({target(entry): entry for entry in (*old, *value)}.values())
    return value


def _as_pairs(key: str, value: list[Any] | dict[str, Any]) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    parts = (str(entry).partition(_PAIRS[key]) for entry in value)
    return {name: said if sign else None for name, sign, said in parts}


def _as_named(key: str, value: list[Any] | dict[str, Any]) -> dict[str, Any]:
    return value if isinstance(value, dict) else {str(name): _NAMED[key] for name in value}


def _mounted_at(entry: Any) -> str:
    """Tell where a volume, secret or config is in its container."""
    if isinstance(entry, dict):
        return str(entry.get("target") or entry.get("source"))
    parts = str(entry).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _published(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    return f"{entry.get('published') or ''}:{entry.get('target')}"


_TARGETS: Mapping[str, Callable[[Any], str]] = {
    "volumes": _mounted_at,
    "secrets": _mounted_at,
    "configs": _mounted_at,
    "ports": _published,
}


def _filled(spec: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Fill in the variables of a service's texts."""

    def one(value: Any) -> Any:
        if isinstance(value, str) and "$" in value:
            return dotenv_files.filled(value, values)[0]
        if isinstance(value, list):
            return [one(item) for item in value]
        if isinstance(value, dict):
            return {key: one(item) for key, item in value.items()}
        return value

    return {key: value if key in _RAW else one(value) for key, value in spec.items()}
