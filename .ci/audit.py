"""Look up known vulnerabilities of every package that uv.lock pins.

`make audit` and `make release` run it; it writes and installs nothing. A package index gives the
advisories of a release (`/pypi/NAME/VERSION/json`, fed from OSV); a mirror may give those of the
newest release alone (`/pypi/NAME/json`). `--advisories` adds a folder of OSV records, such as a
clone of the Python Packaging Advisory Database. The index is the one of UV_DEFAULT_INDEX,
UV_INDEX_URL or PIP_INDEX_URL, else the one that the lock names.

With `--image FILE` what an image contains is audited, and not the lock: its Python packages in the
same way, and its Debian packages by the security updates that their release has. An update says
nothing of its severity, and a vulnerability without an update is not found.

How severe an advisory is: the highest CVSS base score of its records; else the word of GitHub's
database; else it is unknown, which counts as HIGH. The index gives no severity. `audit.yaml` beside
this file suppresses an advisory with a reason until a date.

Exit codes: 0 nothing of HIGH or above, 1 such a finding, 2 bad input, 3 with --complete: a package
was not looked up.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import sys
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import image_packages
import yaml
from advisories import UNKNOWN, Advisory, BadInput, Package, Records, merged, recorded, records
from packaging.utils import canonicalize_name
from yarl import URL

ROOT = Path(__file__).resolve().parents[1]
INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 60.0
AT_ONCE = 8
#: Older records say nothing of a release that came after them.
RECORDS_MAX_AGE = timedelta(days=30)
FAILS = ("HIGH", "CRITICAL", UNKNOWN)


@dataclass(frozen=True)
class Suppression:
    """An advisory of a package that does not fail the audit until a date, with the reason."""

    package: str
    id: str
    reason: str
    until: date


@dataclass(frozen=True)
class Lookup:
    """A package's advisories, or why they could not be looked up."""

    package: Package
    advisories: tuple[Advisory, ...] = ()
    skipped: str = ""


@dataclass(frozen=True)
class Settings:
    """What audit.yaml says: suppressions, and what no index has advisories of, with the reason."""

    suppressions: tuple[Suppression, ...] = ()
    not_covered: Mapping[str, str] = field(default_factory=dict)


def locked(path: Path) -> list[Package]:
    """List what a uv.lock takes from an index. Raises BadInput."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["package"]
        return [
            Package(canonicalize_name(entry["name"]), entry["version"], entry["source"]["registry"])
            for entry in entries
            if "registry" in entry["source"]
        ]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: not a uv.lock ({error!r}); give the file that uv wrote") from error


def own_packages(path: Path) -> set[str]:
    """Name the packages of a uv.lock that are made here. Call `locked` first, which checks it."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["package"]
    return {canonicalize_name(e["name"]) for e in entries if "registry" not in e["source"]}


def settings(path: Path) -> Settings:
    """Read audit.yaml. Raises BadInput for a suppression without its reason or its last day."""
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        suppressions = []
        for entry in read.get("suppressions") or ():
            if (
                set(entry) != {"package", "id", "reason", "until"}
                or not str(entry["reason"]).strip()
            ):
                raise BadInput(
                    f"{path}: a suppression has package, id, reason and until (it has "
                    f"{', '.join(entry)}); add what is missing"
                )
            if type(entry["until"]) is not date:
                raise BadInput(f"{path}: {entry['id']}: until is no date ({entry['until']!r})")
            suppressions.append(
                Suppression(
                    canonicalize_name(entry["package"]),
                    entry["id"],
                    entry["reason"],
                    entry["until"],
                )
            )
        return Settings(tuple(suppressions), dict(read.get("not_covered") or {}))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError) as error:
        raise BadInput(f"{path}: cannot be read ({error})") from error


async def ask_index(packages: Sequence[Package], index: str | None) -> list[Lookup]:
    """Ask each package's index, or this one for all, for the advisories of its locked version."""
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT_S, sock_read=READ_TIMEOUT_S)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, trust_env=True
    ) as session:
        return list(await asyncio.gather(*(_ask(session, package, index) for package in packages)))


async def _ask(session: aiohttp.ClientSession, package: Package, index: str | None) -> Lookup:
    simple = URL(index or package.index)
    base = simple.parent if simple.path.rstrip("/").endswith("/simple") else simple
    base = base.parent if base.path.endswith("/simple") else base
    try:
        answer = await _json(session, base / "pypi" / package.name / package.version / "json")
        if answer is None:
            answer = await _json(session, base / "pypi" / package.name / "json")
            if answer is None:
                return Lookup(package, skipped="the index has no JSON of this package (404)")
            if (newest := answer["info"]["version"]) != package.version:
                why = (
                    f"the index gives advisories of the newest release alone, and that is {newest}"
                )
                return Lookup(package, skipped=why)
        known = [_told(entry) for entry in answer["vulnerabilities"] if not entry.get("withdrawn")]
        return Lookup(package, merged(known))
    except (aiohttp.ClientError, TimeoutError) as error:
        text = str(error) or type(error).__name__
        return Lookup(package, skipped=f"{base.host} does not answer: {text}")
    except (KeyError, TypeError, ValueError):
        return Lookup(package, skipped=f"{base.host} answers without advisories")


async def _json(session: aiohttp.ClientSession, url: URL) -> Any:
    async with session.get(url, headers={"Accept": "application/json"}) as answer:
        if answer.status == 404:
            return None
        answer.raise_for_status()
        return await answer.json(content_type=None)


def _told(entry: Mapping[str, Any]) -> Advisory:
    return Advisory((entry["id"], *entry["aliases"]), UNKNOWN, tuple(entry["fixed_in"]))


def with_records(lookup: Lookup, known: Records, today: date) -> Lookup:
    """Add a folder's advisories; records of the last weeks answer for what the index did not."""
    advisories = merged([*lookup.advisories, *recorded(lookup.package, known)])
    fresh = today - known.newest <= RECORDS_MAX_AGE
    skipped = lookup.skipped and not fresh and f"{lookup.skipped}; the records end {known.newest}"
    return Lookup(lookup.package, advisories, skipped or "")


def image_lookups(
    images: Iterable[Path],
    index: str,
    own: Collection[str],
    newest: Callable[[str], Mapping[str, str]],
) -> tuple[list[Package], list[Lookup]]:
    """Read images: their Python packages, to be asked for, and what is known of Debian's.

    Args:
        images: their files.
        index: of the Python packages.
        own: packages that are of no index.
        newest: gives the versions of a release's security suite.

    Raises:
        BadInput: a file is no image.
    """
    python: set[Package] = set()
    debian = []
    for path in images:
        found = image_packages.read(path)
        named = {canonicalize_name(name): version for name, version in found.python.items()}
        python |= {Package(n, version, index) for n, version in named.items() if n not in own}
        every = Package(f"Debian packages of {path.name}", f"({len(found.debian)})", "")
        if not found.debian or not found.codename:
            debian.append(Lookup(every, skipped="the image has no list of them"))
            continue
        try:
            fixes = image_packages.updates(found.debian, newest(found.codename))
        except image_packages.SuiteUnavailable as error:
            debian.append(Lookup(every, skipped=str(error)))
            continue
        debian.append(Lookup(every))
        debian += [
            Lookup(
                Package(name, found.debian[name], ""),
                (Advisory((f"{found.codename}-security",), fixed_in=(version,)),),
            )
            for name, version in fixes.items()
        ]
    return sorted(python, key=lambda package: package.name), debian


def suppression_of(
    lookup: Lookup, advisory: Advisory, given: Iterable[Suppression]
) -> Suppression | None:
    """Return the suppression of an advisory, by any of its ids, whether or not it has ended."""
    return next(
        (s for s in given if s.package == lookup.package.name and s.id in advisory.ids), None
    )


def report(lookups: Sequence[Lookup], chosen: Settings, today: date) -> tuple[list[str], int]:
    """Return the lines of the table and how many advisories fail the audit."""
    rows = [("PACKAGE", "VERSION", "ADVISORY", "SEVERITY", "FIXED IN", "VERDICT")]
    used, failing = set(), 0
    for lookup in lookups:
        for advisory in lookup.advisories:
            rule = suppression_of(lookup, advisory, chosen.suppressions)
            used.add(rule)
            verdict = "FAIL" if advisory.severity in FAILS else "below HIGH"
            if rule and today <= rule.until:
                verdict = f"suppressed until {rule.until}: {rule.reason}"
            elif rule:
                verdict += f" (the suppression ended {rule.until})"
            failing += verdict.startswith("FAIL")
            severity = (
                f"{advisory.severity} (as HIGH)"
                if advisory.severity == UNKNOWN
                else advisory.severity
            )
            fixed = ", ".join(advisory.fixed_in) or "no release"
            name, version = lookup.package.name, lookup.package.version
            rows.append((name, version, " ".join(advisory.ids), severity, fixed, verdict))
    lines = _columns(rows) if len(rows) > 1 else []
    skipped = [lookup for lookup in lookups if lookup.skipped]
    lines += [f"SKIPPED {s.package.name} {s.package.version}: {s.skipped}" for s in skipped]
    lines += [f"NOT COVERED {what}: {reason}" for what, reason in chosen.not_covered.items()]
    lines += [
        f"UNUSED suppression of {rule.id} for {rule.package}; remove it"
        for rule in chosen.suppressions
        if rule not in used
    ]
    found = sum(len(lookup.advisories) for lookup in lookups)
    lines.append(
        f"{len(lookups)} packages: {len(lookups) - len(skipped)} looked up, {len(skipped)} skipped;"
        f" {found} known vulnerabilities, {failing} of them fail"
    )
    return lines, failing


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    return [line.rstrip() for line in padded]


def audit(arguments: Sequence[str], environ: Mapping[str, str], today: date) -> int:
    """Audit, print the table and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lock", type=Path, default=ROOT / "uv.lock")
    parser.add_argument("--settings", type=Path, default=Path(__file__).with_suffix(".yaml"))
    parser.add_argument("--advisories", type=Path, help="a folder of OSV records")
    parser.add_argument("--image", type=Path, nargs="+", default=[], help="files of docker save")
    parser.add_argument("--complete", action="store_true", help="exit 3 if a package was skipped")
    options = parser.parse_args(arguments)
    try:
        chosen = settings(options.settings)
        index = next((environ[name] for name in INDEX_VARIABLES if environ.get(name)), None)
        packages, debian = locked(options.lock), list[Lookup]()
        if options.image:
            newest = functools.cache(image_packages.security_suite)
            packages, debian = image_lookups(
                options.image, packages[0].index, own_packages(options.lock), newest
            )
        lookups = asyncio.run(ask_index(packages, index)) + debian
        if options.advisories:
            known = records(options.advisories, {package.name for package in packages})
            lookups = [with_records(lookup, known, today) for lookup in lookups]
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    lines, failing = report(lookups, chosen, today)
    print("\n".join(lines))
    if failing:
        return 1
    return 3 if options.complete and any(lookup.skipped for lookup in lookups) else 0


if __name__ == "__main__":
    sys.exit(audit(sys.argv[1:], os.environ, datetime.now(UTC).date()))
