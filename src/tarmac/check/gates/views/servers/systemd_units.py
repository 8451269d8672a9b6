"""Units of systemd: their sections and settings, with the line of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files

ENDINGS = (".service", ".socket", ".timer")
_SECTION = re.compile(r"\[([^\]]+)\]")
_IS_UNIT = re.compile(r"^[ \t]*\[(Unit|Service|Socket|Timer|Install)\][ \t]*$", re.MULTILINE)
#: What another program fills in before systemd reads the unit.
_TEMPLATE = re.compile(r"\{\{|\{%|<%")


class UnitSetting(NamedTuple):
    """One setting; what goes on in the next lines is joined."""

    section: str
    name: str
    value: str
    line: int


class Unit(NamedTuple):
    """One file of systemd."""

    artifact: Artifact
    settings: tuple[UnitSetting, ...]

    def values(self, section: str, name: str) -> list[str]:
        """List what a setting is set to."""
        return [s.value for s in self.settings if (s.section, s.name) == (section, name)]

    def at(self, setting: UnitSetting) -> str:
        """Return where a setting is."""
        return f"{self.artifact.path}:{setting.line}"


def units(files: Files) -> Iterator[Unit]:
    """Yield the units of services, sockets and timers."""
    for artifact in files.artifacts:
        text = artifact.content
        if not artifact.path.endswith(ENDINGS) or not isinstance(text, str):
            continue
        if _IS_UNIT.search(text) and not _TEMPLATE.search(text):
            yield Unit(artifact, tuple(_settings(text)))


def _settings(text: str) -> Iterator[UnitSetting]:
    section, joined, begun = "", "", 0
    for number, written in enumerate(text.splitlines(), 1):
        line = written.strip()
        if line.startswith(("#", ";")) or (not line and not joined):
            continue
        begun = begun if joined else number
        if line.endswith("\\"):
            joined += f"{line[:-1]} "
            continue
        whole, joined = f"{joined}{line}", ""
        name, sign, value = whole.partition("=")
        if found := _SECTION.fullmatch(whole):
            section = found[1]
        elif sign:
            yield UnitSetting(section, name.strip(), value.strip(), begun)
