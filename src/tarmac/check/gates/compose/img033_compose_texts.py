"""Texts of a Compose file are what its reader takes them for: values, commands, networks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import join, normpath

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.services import ComposeService, compose_services
from tarmac.check.gates.views.on_disk import on_disk, text_on_disk
from tarmac.check.gates.views.overlays.completed import is_substituted
from tarmac.check.gates.views.scope import counted_in_files

_NEEDED = re.compile(r"(?<!\$)\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
#: A line of a file of variables whose value Compose fills in: not in single quotes.
_LINE = re.compile(
    r"^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*([^'\n]\S*)", re.MULTILINE
)
_PART = re.compile(r"(?<![$\\])\$([A-Za-z_]\w*)")
_SECRET = re.compile(r"(?i)(pass(word|wd|phrase)?|secret|token|key|hash|pwd)s?$")
#: How hashes of passwords begin, with one `$` in place of two.
_HASH = re.compile(r"(?<![$\w])\$(?:apr1|2[abxy]|[156]|y|argon2\w+|sha1|pbkdf2[\w-]*)\$(?!\$)")
_FIRST = re.compile(r"(.*/)?(docker-)?compose\.ya?ml")
_QUOTED = re.compile(r"(\w+)=(\"[^\"]*\"|'[^']*')")
Fault = tuple[Path, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield values that are empty or quoted, checks that name no program, and shut ports."""
    told = set[Finding]()
    for beside in compose_files(files):
        for service in beside.services:
            for finding in _filled(files, service):
                if finding not in told:  # several services may have one file
                    told.add(finding)
                    yield finding
            faults = (
                *_elsewhere(files, service),
                *_quoted(service),
                *_checks(service),
                *_shut(service, beside),
                *_hashes(service),
                *_keys(files, service),
            )
            for path, what in faults:
                yield Finding(service.at(*path), f"service {service.name} {what}")


def _elsewhere(files: Files, service: ComposeService) -> Iterator[Fault]:
    """Yield variables that only a file for the container sets."""
    folder = service.artifact.path.rpartition("/")[0]
    root = on_disk(files, folder)
    named = [name for name, _ in service.settings.named_files]
    if root is None or not named or any(one in (".env", "./.env") for one in named):
        return
    given: dict[str, str] = {}
    for name in named:
        place = root / name
        if "$" in name or not place.is_file():
            return
        for line in place.read_text(encoding="utf-8", errors="replace").splitlines():
            given.setdefault(line.removeprefix("export ").partition("=")[0].strip(), name)
    if any(root.glob(".env*")):
        return  # what stands there may be copied to .env
    done = set[str]()
    for path, text in places(dig(service.data, "environment"), ("environment",)):
        for pair in _NEEDED.findall(text):
            name = pair[0] or pair[1]
            if name in given and name not in done:
                done.add(name)
                what = f"reads {name}, which {given[name]} gives to the container alone: Compose"
                yield (
                    path,
                    f"{what} fills in .env and the shell's, so it is empty; take it from .env",
                )


def _filled(files: Files, service: ComposeService) -> Iterator[Finding]:
    """Yield parts of secrets in files of variables that Compose takes for variables."""
    folder = service.artifact.path.rpartition("/")[0]
    read: dict[str, str] = {}
    for written, is_raw in service.settings.named_files:
        name = normpath(join(folder, written))
        text = None if is_raw or "$" in name else text_on_disk(files, name)
        if text is not None:
            read[name] = text
    known = {found[1] for text in read.values() for found in _LINE.finditer(text)}
    for name, text in read.items():
        for found in _LINE.finditer(text):
            # A name in capitals may be one of the shell's.
            parts = [one for one in _PART.findall(found[2]) if not one.isupper()]
            if _SECRET.search(found[1]) and (odd := [one for one in parts if one not in known]):
                what = f"{found[1]} has ${odd[0]} in it, which Compose fills in as a variable of"
                where = f"{name}:{text.count(chr(10), 0, found.start(1)) + 1}"
                yield Finding(
                    where, f"{what} that name: it is empty there; write single quotes around it"
                )


def _quoted(service: ComposeService) -> Iterator[Fault]:
    for number, entry in enumerate(listed(dig(service.data, "environment"))):
        if isinstance(entry, str) and (found := _QUOTED.fullmatch(entry)):
            what = f"has quotes as a part of {found[1]}: in a list they stay in the value"
            yield ("environment", number), f"{what}; remove them, or write a mapping"


def _checks(service: ComposeService) -> Iterator[Fault]:
    told = [str(word) for word in listed(dig(service.data, "healthcheck", "test"))]
    # pg_isready asks a server, whatever its user and database are.
    is_same = told[1:2] == ["pg_isready"] and not re.search(r"(^| )-(?![dU])", " ".join(told[2:]))
    if len(told) > 2 and told[0] == "CMD-SHELL" and not is_same:
        what = (
            f"is checked by CMD-SHELL in {len(told) - 1} parts, of which the shell runs the first"
        )
        yield ("healthcheck", "test"), f"{what} alone, `{told[1]}`; write CMD, or one text"
    if len(told) == 2 and told[0] == "CMD" and re.search(r"\s", told[1].strip()):
        what = (
            f"is checked by a program called `{told[1]}`, which is not there: it is never healthy"
        )
        yield ("healthcheck", "test"), f"{what}; write CMD-SHELL, or each word by itself"


def _keys(files: Files, service: ComposeService) -> Iterator[Fault]:
    """Yield keys with a variable in them, of mappings that may be lists as well."""
    if is_substituted(files, service.artifact.path):
        return
    for key in ("labels", "environment", "sysctls"):
        said = dig(service.data, key)
        for name in said if isinstance(said, Mapping) else ():
            if found := _NEEDED.search(str(name)):
                what = f"has {found[0]} in the key {name} of {key}, and Compose fills in values and"
                advice = f"no keys: it stays as it is; write {key} as a list"
                yield (key, str(name)), f"{what} {advice}"


def _hashes(service: ComposeService) -> Iterator[Fault]:
    """Yield hashes of passwords of which Compose takes parts for variables."""
    for key in ("labels", "environment", "command"):
        for path, text in places(dig(service.data, key), (key,)):
            if found := _HASH.search(text):
                what = (
                    f"has a hash with `{found[0]}` in {key}, of which Compose takes the parts for"
                )
                yield path, f"{what} variables: no password fits it; write $$ for each $"


def _shut(service: ComposeService, beside: ComposeFiles) -> Iterator[Fault]:
    names = beside.networks(service)
    declared = beside.declared("networks")
    inner = [name for name in names if _is_internal(service, *declared.get(name, (None, None)))]
    if listed(dig(service.data, "ports")) and names and len(inner) == len(names):
        what = f"publishes ports, and all of its networks are internal ({', '.join(sorted(inner))})"
        yield ("ports",), f"{what}: nothing outside reaches them; add it to another network"


def _is_internal(service: ComposeService, artifact: Artifact | None, network: object) -> bool:
    """Tell whether a network is internal by the service's own file, or by one that all begin from.

    Another file beside it may be left out when it is started.
    """
    if artifact is None or dig(network, "internal") is not True:
        return False
    return artifact.path == service.artifact.path or bool(_FIRST.fullmatch(artifact.path))


def _judged(files: Files) -> Iterator[ComposeService]:
    yield from compose_services(files)


GATE = Gate(
    id="IMG033",
    title="Texts of a Compose file are what they are taken for",
    phase="containers",
    source="https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation: "
    "env_file is for the container, .env for the file; https://docs.docker.com/reference/"
    "compose-file/services/#healthcheck: CMD runs no shell",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services of Compose files", _judged),
    targets=("compose",),
    reads="environment beside env_file on disk, secrets with $NAME in these files, quotes in lists "
    "of variables, hashes of passwords, `test` of healthchecks, ports beside internal networks.",
)
