"""A server of a store knows the settings that it is started with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.base.errors import misspelt
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
from tarmac.check.gates.views.servers.store_table import gone_settings, known_settings


def check(files: Files) -> Iterator[Finding]:
    """Yield settings with which a server does not start."""
    for one in store_settings(files):
        if said := _fault(one):
            # The release may be an older one, which has it.
            is_gone = one.name.lower() in gone_settings(one.store)
            yield Finding(one.where, f"{one.title}: {said}", warning=is_gone)


def _fault(one: StoreSetting) -> str:
    """Say what is wrong with the name of a setting; "": nothing."""
    name, known = one.name.lower(), known_settings(one.store)
    if one.store == POSTGRES and (release := gone_settings(POSTGRES).get(name)):
        return f"{one.store} has no {one.name} since {release}, and does not start; leave it out"
    if "." in name or name in known or one.store == MYSQL:
        return ""
    if one.store == MARIADB and _is_taken_by_mariadb(name, known):
        return ""
    near = misspelt(name, known)
    what = f"{one.name} is not a setting of {one.store}, which does not start"
    return f"{what}; did you mean {near!r}?" if near else ""


def _is_taken_by_mariadb(name: str, known: Mapping[str, str]) -> bool:
    """Tell whether MariaDB takes another spelling of an option: a prefix, or the start of one."""
    plain = re.sub(r"^(?:skip|enable|disable|maximum)_", "", name)
    return name.startswith("loose_") or any(one.startswith(plain) for one in known)


GATE = Gate(
    id="VAL027",
    title="Stores know the settings that they are started with",
    phase="data",
    source="PostgreSQL, Valkey and MariaDB themselves, by assets/store_settings.yaml; each "
    "refuses to start with another one",
    check=check,
    of_files=check,
    scope=counted_in_files("settings of stores", store_settings),
    targets=("repository",),
    reads="commands of Compose services and of containers, `parameters` of CloudNativePG and of "
    "Zalando's operator, postgresql.conf, redis.conf and valkey.conf, in ConfigMaps as well. A "
    "name that is like none is passed: another release or an extension may have it.",
)
