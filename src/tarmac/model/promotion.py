"""What an environment runs, written into the text of a model: `version` and `images`, nothing else.

Called by `tarmac promote`. The text stays as its author wrote it, comments included; only the
values are replaced, and the result is read again to prove that nothing else differs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.model import document, image_pins
from tarmac.model.system import System

#: A tag (the distribution's specification), or what an image is by its content.
IMAGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|sha256:[0-9a-f]{64}")
#: What is text for every reader of YAML without quotes; all else is put in quotes.
_PLAIN = re.compile(r"(\d+\.\d+\.\d+|sha-|sha256:|v\d)[A-Za-z0-9_.+-]*")

Edit = tuple[int, int, str]


@dataclass(frozen=True)
class ImageVersions:
    """What an environment runs: a tag for all services, and those of services with their own."""

    version: str
    images: Mapping[str, str]
    #: The tags of services that are built in repositories of their own.
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def of(self, service: str) -> str:
        """Give a service's tag or digest."""
        return self.images.get(service, self.elsewhere.get(service, self.version))


def current(system: System, environment: str) -> ImageVersions:
    """Read what an environment runs. Raises BadInput where there is no such environment."""
    known = system.file.environments
    if environment not in known:
        where = str(system.locate(("environments",), key=True))
        what = f"environment '{environment}' does not exist; {did_you_mean(environment, known)}"
        raise BadInput([Problem(where, what)])
    if known[environment].target == "repository":
        where = str(system.locate(("environments", environment), key=True))
        raise BadInput([Problem(where, f"'{environment}' runs nothing; name one that does")])
    tags = {name: checkout.revision.tag for name, checkout in system.checkouts.items()}
    return ImageVersions(known[environment].version, dict(known[environment].images), tags)


def promoted(
    system: System, source: str | None, to: str, images: Mapping[str, str]
) -> ImageVersions:
    """Return what `to` is to run.

    Args:
        source: the environment whose versions it takes; None: it keeps its own.
        images: service -> tag or digest, or store -> digest, whatever the rest is.

    Raises:
        BadInput: an environment or a service that is not there, what is not a tag, or an
        environment
            whose images are written by an image updater.
    """
    before = current(system, to)
    base = before if source is None else current(system, source)
    if source == to:
        raise BadInput([Problem(to, "an environment cannot be promoted to itself; name two")])
    problems = [
        *_updated(
            system, to, "the promoted version would never run; {}, or remove `updater` first"
        ),
        *_updated(system, source, "its versions are not in this file; name tags with --image"),
    ]
    for name, image in images.items():
        if why := image_pins.complaint(system.file, name, image):
            problems.append(Problem(name, why))
        elif not IMAGE.fullmatch(image):
            what = f"'{image}' is not a tag; write e.g. 1.4.0, or sha256: and 64 hex digits"
            problems.append(Problem(name, what))
    if problems:
        raise BadInput(problems)
    taken = dict(base.images)
    if source is not None and not _same_broker(system, source, to):
        taken.pop(image_pins.BROKER, None)
        if image_pins.BROKER in before.images:
            taken[image_pins.BROKER] = before.images[image_pins.BROKER]
    return ImageVersions(base.version, {**taken, **images}, base.elsewhere)


def _same_broker(system: System, source: str, to: str) -> bool:
    known = system.file.environments
    return known[source].broker == known[to].broker


#: What makes an image updater take another image, by its rule.
_INSTEAD = {"semver": "tag a release", "newest-build": "merge, and it deploys the build"}


def _updated(system: System, environment: str | None, what: str) -> Iterator[Problem]:
    """Tell of an environment that has a writer of its own: two would undo each other's work."""
    gitops = system.file.environments[environment].gitops if environment else None
    if gitops and gitops.updater:
        place = system.locate(("environments", environment or "", "gitops", "updater"), key=True)
        writer = (
            f"`updater: {gitops.updater}`: Argo CD Image Updater writes what {environment} runs"
        )
        yield Problem(str(place), f"{writer}, so {what.format(_INSTEAD[gitops.updater])}")


def amended(
    text: str, file: str, environment: str, before: ImageVersions, after: ImageVersions
) -> str:
    """Write what an environment is to run into a model's text.

    Args:
        text: the model; it was loaded before, so it is one.
        file: its name, for errors.

    Raises:
        BadInput: the environment is written in a way that other environments share.
    """
    settings = _environment(text, file, environment)
    own = {key.value: (key, value) for key, value in settings.value}
    edits: list[Edit] = []
    new: list[str] = []
    if after.version != before.version:
        if "version" in own:
            edits.append(_replaced(file, own["version"], _scalar(after.version)))
        else:
            new.append(f"version: {_scalar(after.version)}")
    if dict(after.images) != dict(before.images):
        if "images" in own:
            edits += _images(text, file, own["images"], after.images)
        else:
            new.append(f"images: {_flow(after.images)}")
    if new:
        edits.append(_added(text, settings, new))
    made = text
    for start, end, written in sorted(edits, reverse=True):
        made = made[:start] + written + made[end:]
    _prove(text, made, file, environment, after)
    return made


def _environment(text: str, file: str, environment: str) -> yaml.MappingNode:
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    for name in ("environments", environment):
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        found = [(key, value) for key, value in pairs if key.value == name]
        node = found[0][1] if found and not _shared(*found[0]) else None
    if not isinstance(node, yaml.MappingNode):
        what = f"environment '{environment}' is an alias; write its settings out"
        raise BadInput([Problem(file, what)])
    return node


def _shared(key: yaml.Node, value: yaml.Node) -> bool:
    """Tell whether a value is a YAML alias."""
    return bool(value.start_mark.index < key.end_mark.index)


def _images(
    text: str, file: str, pair: tuple[yaml.Node, yaml.Node], images: Mapping[str, str]
) -> Iterator[Edit]:
    node = _own(file, pair)
    written = {key.value: (key, value) for key, value in getattr(node, "value", ())}
    if not written or not isinstance(node, yaml.MappingNode) or node.flow_style:
        if isinstance(node, yaml.MappingNode) and written.keys() == images.keys():
            for name, image in images.items():
                if written[name][1].value != image:
                    yield _replaced(file, written[name], _scalar(image))
        else:
            yield _replaced(file, pair, _flow(images))
        return
    if not images:  # a block without entries would be nothing, which is not a mapping
        start, end = _line_start(text, pair[0]), _line_end(text, node.value[-1][1])
        yield start, end, f"{_indent(pair[0])}images: {{}}\n"
        return
    column = _indent(node.value[0][0])
    for name, (key, value) in written.items():
        if name not in images:
            yield _line_start(text, key), _line_end(text, value), ""
        elif value.value != images[name]:
            yield _replaced(file, (key, value), _scalar(images[name]))
    new = [f"{column}{name}: {_scalar(images[name])}\n" for name in images if name not in written]
    if new:
        at = _line_end(text, node.value[-1][1])
        broken = "" if text[at - 1] == "\n" else "\n"
        yield at, at, broken + "".join(new)


def _own(file: str, pair: tuple[yaml.Node, yaml.Node]) -> yaml.Node:
    """Give a value that stands behind its key. Raises BadInput for one of several."""
    key, value = pair
    if _shared(key, value):
        place = f"{file}:{key.start_mark.line + 1}:{key.start_mark.column + 1}"
        raise BadInput([Problem(place, "an alias with other users; write the value out")])
    return value


def _replaced(file: str, pair: tuple[yaml.Node, yaml.Node], new: str) -> Edit:
    value = _own(file, pair)
    start, end = value.start_mark.index, value.end_mark.index
    return start, end, new if start > pair[0].end_mark.index + 1 else f" {new}"


def _added(text: str, settings: yaml.MappingNode, entries: list[str]) -> Edit:
    """Add entries: behind the registry, to which they belong, or before all others."""
    if settings.flow_style:
        at = settings.start_mark.index + 1
        return at, at, ", ".join(entries) + (", " if settings.value else "")
    first = settings.value[0][0]
    lines = "".join(f"{_indent(first)}{entry}\n" for entry in entries)
    for key, value in settings.value:
        if key.value == "registry":
            at = _line_end(text, value)
            return at, at, lines if text[at - 1] == "\n" else f"\n{lines}"
    at = _line_start(text, first)
    return at, at, lines


def _indent(node: yaml.Node) -> str:
    return " " * node.start_mark.column


def _line_start(text: str, node: yaml.Node) -> int:
    return text.rfind("\n", 0, node.start_mark.index) + 1


def _line_end(text: str, node: yaml.Node) -> int:
    """Find where the line behind a value begins: a comment there belongs to it."""
    at = text.find("\n", node.end_mark.index)
    return len(text) if at < 0 else at + 1


def _scalar(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value)


def _flow(images: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {_scalar(image)}" for name, image in images.items()) + "}"


def _prove(text: str, made: str, file: str, environment: str, after: ImageVersions) -> None:
    """Read what was written: only the versions and images may differ. Raises TarmacError."""
    before, now = (document.parse(content.encode(), file).data for content in (text, made))
    for data in (before, now):
        data["environments"] = dict(data["environments"])
    settings = dict(now["environments"].pop(environment))
    old = dict(before["environments"].pop(environment))
    version, images = settings.pop("version", None), settings.pop("images", None)
    was = old.pop("version", None), old.pop("images", None)
    meant = version in (after.version, was[0]) and (images or {}) == dict(after.images)
    if before != now or settings != old or not meant:
        what = f"'{environment}' cannot be amended in place; write its version and images by hand"
        raise TarmacError(f"{file}: {what}")
