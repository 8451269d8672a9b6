"""Fluent Bit reads the files of the parsers that its inputs and filters name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.images.dockerfiles import dockerfiles
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.fluent_bit import FluentBit, fluent_bits, parsers

_NAMES = re.compile(r"parser(_firstline|_\d+)?|multiline\.parser")
#: What it has by itself, for several lines.
_BUILT_IN = frozenset({"docker", "cri", "go", "java", "python", "ruby"})
#: An option that gives it a file of parsers, and a file of its image.
_GIVEN = re.compile(r"(?<![\w-])(-R|--parser)\b")
_OF_IMAGE = "parsers.conf"


def check(files: Files) -> Iterator[Finding]:
    """Yield parsers that are named, and whose files are not."""
    is_given = any(_commands(files))
    for one in fluent_bits(files) if not is_given else ():
        yield from _unread(one)


def _unread(one: FluentBit) -> Iterator[Finding]:
    read = [
        value
        for section in one.sections
        if section.name == "SERVICE"
        for key in ("parsers_file", "plugins_file")
        for value in section.values(key)
        if key == "parsers_file" or "parser" in value
    ]
    names = {posixpath.basename(value) for value in read}
    if one.lacking or any("$" in name or "{{" in name for name in names):
        return
    known = parsers(one.sections).union(*(one.parsers(name) for name in names))
    # A file of another name may be one of these, which is mounted by it.
    if names - one.beside.keys() - {_OF_IMAGE}:
        return
    asked = [name for name in _asked(one) if name not in known]
    for name in asked:
        holder = next((file for file in one.beside if name in one.parsers(file)), "")
        if names and not holder:  # those of the image's own file are not known
            continue
        told = f", which is in {holder}" if holder else ""
        has = f"names {', '.join(sorted(names))} alone" if names else "names no Parsers_File"
        what = f"{one.title} uses the parser {name}{told}, and [SERVICE] {has}: it is not"
        advice = f"registered, so nothing is parsed by it; write Parsers_File {holder or _OF_IMAGE}"
        yield Finding(one.where, f"{what} {advice}", warning=bool(names))
        return


def _asked(one: FluentBit) -> Iterator[str]:
    """Yield the parsers that inputs and filters name."""
    for section in one.sections:
        for entry in section.entries if section.name in ("INPUT", "FILTER") else ():
            if _NAMES.fullmatch(entry.key) is None or "$" in entry.value or "{{" in entry.value:
                continue
            for name in map(str.strip, entry.value.split(",")):
                if name and not (entry.key.startswith("multiline") and name in _BUILT_IN):
                    yield name


@once
def _commands(files: Files) -> Iterator[str]:
    """Yield commands that give Fluent Bit a file of parsers."""
    said = [str(one.data) for one in compose_services(files)]
    said += [str(one.content) for one in dockerfiles(files)]
    said += [f"{c.image} {c.words}" for own in pods(files) for c in own.main_containers]
    yield from (one for one in said if "fluent" in one and _GIVEN.search(one))


GATE = Gate(
    id="OBS037",
    title="Fluent Bit reads the files of the parsers that it is to use",
    phase="observability",
    source="https://docs.fluentbit.io/manual/administration/configuring-fluent-bit/classic-mode/"
    "configuration-file: Parsers_File is the path of a file of parsers, without which there are "
    "none",
    check=check,
    of_files=check,
    scope=counted_in_files("configurations of Fluent Bit", fluent_bits),
    targets=(),
    reads="classic configurations with a section [SERVICE] in files that end in .conf, ConfigMaps "
    "and values of the chart fluent-bit: the parsers of inputs and filters beside Parsers_File. "
    "Judges files without a plan only.",
)
