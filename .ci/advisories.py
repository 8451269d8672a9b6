"""Advisories of Python packages: what one says, OSV records of a folder, and their severity.

audit.py beside this file uses it. It reads the folder that it is given and asks no network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from cvss import CVSS2, CVSS3, CVSS4, CVSSError
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

SEVERITIES = ("NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL")
UNKNOWN = "UNKNOWN"
CVSS = {"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}
NAMES = re.compile(r"""\bname["']?: *["']?([A-Za-z0-9._-]+)""")
MODIFIED = re.compile(r"""\bmodified["']?: *["']?(\d{4}-\d\d-\d\d)""")


class BadInput(Exception):
    """A file or an argument that cannot be used: where, what, what to do."""


@dataclass(frozen=True)
class Package:
    """One locked version of a package and the index that it comes from."""

    name: str
    version: str
    index: str


@dataclass(frozen=True)
class Advisory:
    """What is known of one vulnerability: all its ids, its severity, the versions without it."""

    ids: tuple[str, ...]
    severity: str = UNKNOWN
    fixed_in: tuple[str, ...] = ()


@dataclass(frozen=True)
class Records:
    """OSV records for the locked packages, by name, and the newest day among all records."""

    newest: date = date.min
    by_name: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)


def records(folder: Path, names: Iterable[str]) -> Records:
    """Read the OSV records of a folder that speak of these packages. Raises BadInput."""
    wanted, newest = set(names), ""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix in {".yaml", ".json"}):
        text = path.read_text(encoding="utf-8")
        newest = max([newest, *MODIFIED.findall(text)])
        if not wanted & {canonicalize_name(name) for name in NAMES.findall(text)}:
            continue
        try:
            record = yaml.load(text, Loader=yaml.CSafeLoader)  # JSON is YAML, too
            for name in {canonicalize_name(a["package"]["name"]) for a in record["affected"]}:
                found.setdefault(name, []).append(record)
        except (yaml.YAMLError, KeyError, TypeError) as error:
            raise BadInput(f"{path}: not an OSV record ({error!r}); remove it") from error
    if not newest:
        raise BadInput(f"{folder}: has no OSV record; give a clone of an advisory database")
    return Records(
        date.fromisoformat(newest), {name: tuple(known) for name, known in found.items()}
    )


def recorded(package: Package, known: Records) -> Iterator[Advisory]:
    """Yield the advisories of a folder's records that affect a package's version."""
    for record in known.by_name.get(package.name, ()):
        affected = [
            part
            for part in record["affected"]
            if part["package"].get("ecosystem") == "PyPI"
            and canonicalize_name(part["package"]["name"]) == package.name
        ]
        if record.get("withdrawn") or not any(_affects(part, package.version) for part in affected):
            continue
        fixed = [
            str(event["fixed"]) for part in affected for event in _events(part) if "fixed" in event
        ]
        ids = (record["id"], *(record.get("aliases") or ()))
        yield Advisory(ids, _severity(record), tuple(fixed))


def _affects(part: Mapping[str, Any], version: str) -> bool:
    """Evaluate one `affected` of a record, as OSV's specification does."""
    if version in map(str, part.get("versions") or ()):
        return True
    at, inside = Version(version), False
    for event in sorted(_events(part), key=_position):
        [(kind, value)] = event.items()
        if kind == "introduced":
            inside = inside or value == "0" or _version(value) <= at
        elif (kind == "fixed" and _version(value) <= at) or (
            kind == "last_affected" and _version(value) < at
        ):
            inside = False
    return inside


def _events(part: Mapping[str, Any]) -> list[dict[str, str]]:
    ranges = [r for r in part.get("ranges") or () if r.get("type") == "ECOSYSTEM"]
    return [{str(k): str(v)} for r in ranges for event in r["events"] for k, v in event.items()]


def _position(event: Mapping[str, str]) -> tuple[Version, bool]:
    [(kind, value)] = event.items()
    return _version(value), kind != "introduced"


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion as error:
        raise BadInput(f"an OSV record has a version that is none ({text!r}); remove it") from error


def _severity(record: Mapping[str, Any]) -> str:
    """Return the severity of a record: its highest CVSS score, else GitHub's word, else UNKNOWN."""
    parts = [record, *record["affected"]]
    ratings = []
    for entry in (entry for part in parts for entry in part.get("severity") or ()):
        try:
            score = max(CVSS[entry["type"]](entry["score"]).scores()[:1])
        except (CVSSError, KeyError):
            continue
        ratings.append(rating(float(score)))
    if ratings:
        return max(ratings, key=SEVERITIES.index)
    word = str((record.get("database_specific") or {}).get("severity", "")).upper()
    word = "MEDIUM" if word == "MODERATE" else word
    return word if word in SEVERITIES else UNKNOWN


def rating(score: float) -> str:
    """Return the word of a CVSS base score (FIRST, CVSS v3.1 specification, table 14)."""
    floors = (0.1, 4.0, 7.0, 9.0)
    return SEVERITIES[sum(score >= floor for floor in floors)]


def merged(advisories: Iterable[Advisory]) -> tuple[Advisory, ...]:
    """Make one of advisories that share an id: databases copy each other under ids of their own."""
    kept: list[Advisory] = []
    for advisory in advisories:
        same = [known for known in kept if set(known.ids) & set(advisory.ids)]
        kept = [known for known in kept if known not in same]
        group = [*same, advisory]
        rated = [member.severity for member in group if member.severity != UNKNOWN]
        kept.append(
            Advisory(
                tuple(dict.fromkeys(name for member in group for name in member.ids)),
                max(rated, key=SEVERITIES.index) if rated else UNKNOWN,
                tuple(dict.fromkeys(fixed for member in group for fixed in member.fixed_in)),
            )
        )
    return tuple(kept)
