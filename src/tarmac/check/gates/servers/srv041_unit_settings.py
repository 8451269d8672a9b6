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
#: Formats of programs, to where their quotes or the word end, with those of their signs which are
#: surely meant: `printf %i` may be to say the name of the instance.
_FORMS = (
    (
        "date",
        re.compile(r"\bdate\b(?:\s+-[\w-]+(?:=\S+)?)*\s+[\\\"']*\+([^\s\"')`;|&\\]*)"),
        "",
    ),
    ("printf", re.compile(r"\bprintf\s+(?:\\?\"([^\"]*)\"|'([^']*)'|([^\s;|&]*))"), "sd"),
    (
        "stat",
        re.compile(r"\bstat\s+(?:-L\s+)?(?:-c|--format|--printf)[= ]?[\\\"']*([^\s\"']*)"),
        "",
    ),
    ("find", re.compile(r"\bfind\b[^;|&]*\s-printf\s+[\\\"']*([^\"';|&]*)"), ""),
    ("git", re.compile(r"\bgit\b[^;|&]*--(?:pretty|format)=(?:t?format:)?[\\\"']*([^\s\"']*)"), ""),
)
#: A sign that systemd takes for one of its own: two of them are one.
_SIGN = re.compile(r"(?<!%)(?:%%)*%([A-Za-z])")


def check(files: Files) -> Iterator[Finding]:
    """Yield settings that systemd passes over, and signs that it fills in itself."""
    for unit in units(files):
        for setting in unit.settings:
            said = _misplaced(setting) or _taken(setting) or _open(setting)
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


def _open(setting: UnitSetting) -> str:
    """Say of a variable that its quote does not close."""
    plain = re.sub(r"\\.", "", setting.value)
    if setting.name != "Environment" or plain.count('"') % 2 == 0 or "'" in plain:
        return ""
    name = plain.strip().strip('"').partition("=")[0]
    return f"the quote of {name} does not close, so systemd passes the setting over; close it"


def _taken(setting: UnitSetting) -> str:
    """Say of a format of a program that systemd fills in parts of it."""
    signs = published("units")["signs"]
    for program, form, meant in _FORMS if _COMMAND.fullmatch(setting.name) else ():
        if program not in setting.value:
            continue
        told = ("".join(found.groups("")) for found in form.finditer(setting.value))
        found = (sign for one in told for sign in _SIGN.findall(one))
        if sign := next((s for s in found if s in signs and s in (meant or signs)), ""):
            what = f"systemd puts {signs[sign]} in the place of %{sign} before {program} sees it"
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
    "in which section each is, quotes of Environment, and formats of date, printf, stat, find "
    "and git in commands. Judges files without a plan only.",
)
