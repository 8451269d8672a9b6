"""Settings of systemd's units are read, and reach what they start as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.systemd_units import Unit, UnitSetting, units

_COMMAND = re.compile(r"Exec\w+")
#: A format that date is given, to where its quotes or the word end.
_DATE = re.compile(r"\bdate\b(?:\s+-[\w-]+(?:=\S+)?)*\s+[\\\"']*\+([^\s\"')`;|&\\]*)")
#: A sign that systemd takes for one of its own: two of them are one.
_SIGN = re.compile(r"(?<!%)(?:%%)*%([A-Za-z])")


def check(files: Files) -> Iterator[Finding]:
    """Yield settings that systemd passes over, and signs that it fills in itself."""
    for unit in units(files):
        for setting in unit.settings:
            said = _misplaced(setting) or _taken(setting)
            if said:
                yield Finding(unit.at(setting), said)


def _misplaced(setting: UnitSetting) -> str:
    """Say of a setting that another section has it."""
    known = published("units")
    homes = [name for name, keys in known["sections"].items() if setting.name in keys]
    is_judged = setting.section in known["sections"] and setting.name not in known["anywhere"]
    if not is_judged or not homes or setting.section in homes:
        return ""
    what = f"{setting.name} is in [{setting.section}], where systemd does not know it and passes it"
    return f"{what} over; move it to [{homes[0]}]"


def _taken(setting: UnitSetting) -> str:
    """Say of a format of a date that systemd fills in parts of it."""
    if not _COMMAND.fullmatch(setting.name) or "date" not in setting.value:
        return ""
    signs = published("units")["signs"]
    found = (sign for form in _DATE.findall(setting.value) for sign in _SIGN.findall(form))
    if sign := next((one for one in found if one in signs), ""):
        what = f"systemd puts {signs[sign]} in the place of %{sign} before date sees it"
        return f"{what}; write %%{sign}"
    return ""


def _judged(files: Files) -> Iterator[Unit]:
    yield from units(files)


GATE = Gate(
    id="SRV041",
    title="Settings of systemd's units are read, and reach what they start as they are written",
    phase="services",
    source="https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html#Specifiers: "
    "%% is a single percent sign; systemd.syntax(7): an unknown setting is passed over",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("units", _judged),
    targets=(),
    reads="files .service, .socket and .timer, by the settings and signs in assets/published.yaml: "
    "in which section each is, and formats of date in commands. Judges files without a plan only.",
)
