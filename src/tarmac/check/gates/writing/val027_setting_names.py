"""A server of a store knows the settings that it is started with."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.errors import misspelt
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.store_settings import (
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
            is_gone = one.name.lower() in gone_settings()
            yield Finding(one.where, f"{one.title}: {said}", warning=is_gone)


def _fault(one: StoreSetting) -> str:
    """Say what is wrong with the name of a setting; "": nothing."""
    name, known = one.name.lower(), known_settings(one.store)
    if one.store == POSTGRES and (release := gone_settings().get(name)):
        return f"{one.store} has no {one.name} since {release}, and does not start; leave it out"
    if "." in name or name in known:
        return ""
    near = misspelt(name, known)
    what = f"{one.name} is not a setting of {one.store}, which does not start"
    return f"{what}; did you mean {near!r}?" if near else ""


GATE = Gate(
    id="VAL027",
    title="Stores know the settings that they are started with",
    phase="data",
    source="PostgreSQL and Valkey themselves, whose settings assets/store_settings.yaml has; both "
    "refuse to start with another one",
    check=check,
    of_files=check,
    scope=counted_in_files("settings of PostgreSQL and Redis", store_settings),
    targets=("repository",),
    reads="commands of Compose services and of containers, `parameters` of CloudNativePG and of "
    "Zalando's operator, postgresql.conf, redis.conf and valkey.conf, in ConfigMaps as well. A "
    "name that is like none is passed: another release or an extension may have it.",
)
