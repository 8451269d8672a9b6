"""Prometheus in a container looks for its rules where they are mounted."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, numbered_texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed, mount
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.seen_files import seen_files
from tarmac.check.gates.views.compose.services import ComposeService, compose_services
from tarmac.check.gates.views.monitoring.configurations import configurations
from tarmac.check.gates.views.monitoring.rule_groups import rule_files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_PROMETHEUS = re.compile(r"([\w.-]+/)*prom(etheus)?/prometheus(:.*|@.*)?")
_MOUNT = re.compile(r"([^:]+):(/[^:]*)(:.*)?")
#: Where the image has its configuration, which relative patterns begin at.
_HOME = "/etc/prometheus"
#: What the image itself has.
_OWN = ("/etc/prometheus", "/usr/share/prometheus", "/prometheus")


class Rules(NamedTuple):
    """A pattern of files with rules, and the service that looks for them."""

    artifact: Artifact
    number: int
    pattern: str
    service: ComposeService


def check(files: Files) -> Iterator[Finding]:
    """Yield patterns below which nothing is mounted, and those that fit none of what is."""
    read = list(_patterns(files))
    yield from _unfit(files, read)
    for one in read:
        mounts = dict(_mounts(one.service))
        targets = [*mounts.values()]
        if any(_is_below(one.pattern, target) for target in (*targets, *_OWN)):
            continue
        outer = [source for source in mounts if _is_below(one.pattern, source)]
        if outer:
            target = mounts[outer[0]] + one.pattern[len(outer[0].rstrip("/")) :]
            what = f"rule_files names {one.pattern}, a path of the host, and {one.service.name} has"
            said = f"{what} {outer[0]} at {mounts[outer[0]]}: no rule is read; write {target}"
        else:
            what = f"rule_files names {one.pattern}, and nothing is mounted there for"
            said = f"{what} {one.service.name}: no rule is read; mount the rules, or correct it"
        yield Finding(one.artifact.at("rule_files", one.number), said)


def _unfit(files: Files, read: list[Rules]) -> Iterator[Finding]:
    """Yield patterns that fit no file of their folder, beside rules there that none fits."""
    own = {artifact.path for artifact, _ in rule_files(files) if not artifact.is_object and read}
    inside = {
        artifact.path: at
        for beside in compose_files(files)
        for service in beside.services
        if own and service.at() == read[0].service.at()
        for artifact, at in seen_files(files, service, beside)
        if artifact.path in own
    }
    for one in read:
        folder, name = posixpath.split(one.pattern)
        there = {path: at for path, at in inside.items() if posixpath.dirname(at) == folder}
        if any(fnmatchcase(posixpath.basename(at), name) for at in there.values()):
            continue
        left = [path for path, at in there.items() if not any(_fits(at, two) for two in read)]
        if left:
            what = (
                f"rule_files has {one.pattern}, which fits no file there, and {left[0]} is there:"
            )
            advice = f"its rules are not read; write {there[left[0]]}"
            yield Finding(one.artifact.at("rule_files", one.number), f"{what} {advice}")


def _fits(path: str, rules: Rules) -> bool:
    return fnmatchcase(path, rules.pattern)


@once
def _patterns(files: Files) -> Iterator[Rules]:
    """Yield absolute patterns, where one Prometheus of a Compose file is all that reads them."""
    runs = [one for one in compose_services(files) if _PROMETHEUS.fullmatch(one.image or "")]
    found = [(own, data) for own, at, data in configurations(files) if not at]
    with_rules = [(own, data) for own, data in found if "rule_files" in data]
    if len(runs) != 1 or len(with_rules) != 1:
        return
    artifact, data = with_rules[0]
    for number, pattern in numbered_texts(dig(data, "rule_files")):
        if "$" not in pattern:
            yield Rules(artifact, number, posixpath.join(_HOME, pattern), runs[0])


def _mounts(service: ComposeService) -> Iterator[tuple[str, str]]:
    for entry in listed(dig(service.data, "volumes")):
        if found := _MOUNT.fullmatch(mount(entry)):
            yield found[1], found[2]
    for entry in listed(dig(service.data, "configs")):
        if target := dig(entry, "target"):
            yield "", posixpath.normpath(str(target))


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


GATE = Gate(
    id="OBS049",
    title="Prometheus in a container looks for its rules where they are mounted",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/configuration/configuration: rule_files "
    "are patterns of its own files, and a pattern that fits none is taken",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("patterns of rules", _patterns),
    targets=("compose",),
    reads="rule_files of one prometheus.yml beside the volumes of one service with the image of "
    "Prometheus in Compose files, and the files with rules in them.",
)
