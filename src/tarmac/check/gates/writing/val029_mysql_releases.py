"""The release of MySQL or MariaDB that an image starts knows what it is told."""

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
    StoreSetting,
    store_settings,
)
from tarmac.check.gates.views.servers.store_table import gone_settings

#: What tags without a number mean, and those of one number.
_TAGS = {"": (9, 99), "latest": (9, 99), "innovation": (9, 99), "lts": (8, 4), "8": (8, 4)}
_TAG = re.compile(r"(?:[^:@]*/)?[^:@/]+(?::(latest|innovation|lts|\d+(?:\.\d+)*))?(?:-[\w.-]*)?")
_ADVICE = "; leave it out, or name a release that has it"
_PREFIX = re.compile(r"(?:skip|enable|disable|maximum)_")
#: MariaDB took MySQL's collations of Unicode 9 over in this release.
_WITH_0900 = (11, 4)


def check(files: Files) -> Iterator[Finding]:
    """Yield what a release takes no more, or not yet, and so does not start with."""
    for one in store_settings(files):
        release = _release(one.image) if one.image else None
        if release and (said := _fault(one, release)):
            yield Finding(one.where, f"{one.title}: {said}: the server does not start{_ADVICE}")


def _release(image: str) -> tuple[int, ...] | None:
    """Read the release off an image's tag; None where the tag does not say."""
    match = _TAG.fullmatch(image)
    if match is None:
        return None
    tag = match[1] or ""
    if not tag and ":" in image:  # `mysql:debian`
        return None
    found = _TAGS.get(tag) or tuple(map(int, tag.split(".")))
    return found if len(found) > 1 else (*found, 99)


def _fault(one: StoreSetting, release: tuple[int, ...]) -> str:
    name, shown = one.name.lower(), ".".join(str(part) for part in release if part != 99)
    if one.store == MYSQL:
        known = gone_settings(MYSQL)
        since = known.get(name) or known.get(_PREFIX.sub("", name), "")
        if since and release >= tuple(map(int, since.split("."))):
            return f"MySQL {shown} has no {one.name}, which is gone since {since}"
        if name == "sql_mode" and release >= (8, 0) and "NO_AUTO_CREATE_USER" in one.value.upper():
            return f"MySQL {shown} has no sql_mode NO_AUTO_CREATE_USER, which is gone since 8.0"
    elif one.store == MARIADB and release < _WITH_0900 and "_0900_" in one.value:
        return f"MariaDB {shown} has no {one.value}, a collation of MySQL's near utf8mb4_unicode_ci"
    return ""


GATE = Gate(
    id="VAL029",
    title="MySQL and MariaDB have the options that they are started with",
    phase="data",
    source="https://dev.mysql.com/doc/mysqld-version-reference/en/optvar-changes-8-4.html",
    check=check,
    of_files=check,
    scope=counted_in_files("settings of stores", store_settings),
    targets=("repository",),
    reads="commands of Compose services and of containers that start the official images of MySQL "
    "and MariaDB, by the tag of the image: `8` is 8.4 today, and none is 9.",
)
