"""A server of a store takes the values of its settings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.store_settings import (
    MARIADB,
    MYSQL,
    POSTGRES,
    StoreSetting,
    store_settings,
)
from tarmac.check.gates.views.servers.store_table import known_settings

#: What another program fills in.
_FILLED = re.compile(r"[${}<>%@]")
_NUMBER = re.compile(r"([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z]*)")
_SIZES = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_TIMES = {
    "us": 1,
    "ms": 10**3,
    "s": 10**6,
    "min": 60 * 10**6,
    "h": 3600 * 10**6,
    "d": 86400 * 10**6,
}
#: MariaDB says what its options take.
_KNOWN_AS = {MYSQL: MARIADB}
#: Options that take the same words in both.
_SAME = ("binlog_format", "transaction_isolation")
_BOOLEANS = ("on", "off", "true", "false", "yes", "no", "1", "0")
_REDIS = {
    "integer": (re.compile(r"-?\d+"), "a whole number"),
    "memory": (re.compile(r"(?i)\d+(b|k|kb|m|mb|g|gb)?|\d+%"), "a number with kb, mb or gb"),
}


def check(files: Files) -> Iterator[Finding]:
    """Yield values with which a server does not start."""
    for one in store_settings(files):
        # What MySQL and MariaDB both have takes the same.
        wanted = known_settings(_KNOWN_AS.get(one.store, one.store)).get(one.name.lower(), "")
        is_filled = _FILLED.search(one.value) is not None
        if wanted and not is_filled and (said := _fault(one, wanted)):
            said = f"{one.name} is {one.value or 'empty'}, and takes {said}"
            yield Finding(one.where, f"{one.title}: {said}: the server does not start")


def _fault(one: StoreSetting, wanted: str) -> str:
    """Say what a setting takes, where it has something else; "": it takes what it has."""
    if one.store in (MYSQL, MARIADB):
        return _of_mysql(one, wanted) if one.value else ""
    if one.store == POSTGRES:
        is_split = one.is_line and one.value[:1] != "'" and len(one.value.split()) > 1
        return (
            "a value with a blank only in quotes" if is_split else _of_postgres(one.value, wanted)
        )
    values = one.value.split()
    if wanted.startswith("="):
        known = wanted[1:].split("|")
        unknown = [
            value for value in values if value.strip("\"'").lower() not in map(str.lower, known)
        ]
        return f"one of {', '.join(known)}" if unknown or not values else ""
    pattern, said = _REDIS.get(wanted, (None, ""))
    value = one.value.strip("\"'")
    return said if pattern and not pattern.fullmatch(value) else ""


def _of_mysql(one: StoreSetting, wanted: str) -> str:
    """Check a value as MySQL does, which reads only the first letter of a number's unit."""
    if wanted == "number":
        match = re.match(r"-?\d+(?:\.\d+)?(.?)", one.value)
        is_taken = match is None or match[1].lower() in ("", *"kmgtpe")
        return "" if is_taken else "a number, with K, M or G behind it where it is a size"
    known = wanted.removeprefix("=").split("|")
    is_same = one.store == MARIADB or one.name.lower() in _SAME
    if not wanted.startswith("=") or not is_same or one.value.isdigit():
        return ""
    is_known = any(word.lower().startswith(one.value.lower()) for word in known)
    return "" if is_known else f"one of {', '.join(known)}"


def _of_postgres(value: str, wanted: str) -> str:
    is_quoted = value[:1] == "'" == value[-1:] and len(value) > 1
    bare = value[1:-1].strip() if is_quoted else value
    kind, *rest = wanted.split(" ")
    if wanted.startswith("="):
        known = wanted[1:].split("|")
        is_switch = {"on", "off"} & set(known)
        is_known = bare.lower() in map(str.lower, known) or bool(is_switch and _is_boolean(bare))
        return "" if is_known else f"one of {', '.join(known)}"
    if kind == "bool":
        return "" if _is_boolean(bare) else "on or off"
    if kind in ("integer", "real") and rest:
        return _of_number(bare, kind, rest[0], rest[1])
    return ""


def _is_boolean(value: str) -> bool:
    found = {one for one in _BOOLEANS if value and one.startswith(value.lower())}
    return len(found) == 1 or value.lower() in _BOOLEANS


def _of_number(value: str, kind: str, unit: str, bounds: str) -> str:
    if re.fullmatch(r"0[xX][\da-fA-F]+|0[0-7]+", value):
        return ""
    match, of = _NUMBER.fullmatch(value), re.fullmatch(r"(\d*)(\w+)", unit)
    units = next((one for one in (_SIZES, _TIMES) if of and of[2] in one), {})
    taken = f"a number with {', '.join(units)}" if units else "a number without a unit"
    if match is None or (match[2] and match[2] not in units):
        return taken
    number = float(match[1])
    if match[2] and of:
        number *= units[match[2]] / (units[of[2]] * int(of[1] or 1))
    least, most = map(float, bounds.split(".."))
    number = number if kind == "real" else round(number)
    said = unit if unit != "-" else ""
    return "" if least <= number <= most else f"{least:g} to {most:.10g} {said}".strip()


GATE = Gate(
    id="VAL028",
    title="Stores take the values of their settings",
    phase="data",
    source="PostgreSQL, Valkey and MariaDB themselves, by assets/store_settings.yaml; each "
    "refuses to start with a value of another kind, or out of bounds",
    check=check,
    of_files=check,
    scope=counted_in_files("settings of stores", store_settings),
    targets=("repository",),
    reads="commands of Compose services and of containers, `parameters` of CloudNativePG and of "
    "Zalando's operator, postgresql.conf, redis.conf and valkey.conf, in ConfigMaps as well: "
    "switches, numbers with their units and bounds, sizes, and words that are one of several.",
)
