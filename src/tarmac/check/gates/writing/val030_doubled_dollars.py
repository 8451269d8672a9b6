"""A hash of a password has single dollars in each file that no Compose reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, fields, items, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_DOUBLED = re.compile(r"\$\$(?:apr1|2[abxy]|[156]|argon2\w*)\$\$")


class HashedUser(NamedTuple):
    """A user and the hash of a password, as Traefik reads them."""

    where: str
    name: str
    written: str


def check(files: Files) -> Iterator[Finding]:
    """Yield hashes whose dollars are doubled where nothing halves them."""
    for one in _users(files):
        if _DOUBLED.search(one.written):
            user = one.written.partition(":")[0]
            what = f"{one.name} has the hash of {user} with doubled dollars, as labels of Compose"
            said = f"{what} have them; here they stay, and no password fits; write single ones"
            yield Finding(one.where, said)


@once
def _users(files: Files) -> Iterator[HashedUser]:
    for artifact in files.artifacts:
        for name, middleware in fields(dig(artifact.data, "http"), "middlewares").items():
            path = ("http", "middlewares", str(name), "basicAuth", "users")
            for number, user in enumerate(items(artifact.data, *path)):
                if isinstance(middleware, dict):
                    where = artifact.at(*path, number)
                    yield HashedUser(where, f"middleware {name}", str(user))
    for artifact in files.objects("Secret"):
        for key in ("users", "auth"):
            for text in texts([string(artifact.data, "stringData", key)]):
                yield HashedUser(artifact.at("stringData", key), title(artifact), text.strip())


GATE = Gate(
    id="VAL030",
    title="A hash of a password has single dollars in files that no Compose reads",
    phase="services",
    source="https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/"
    "basicauth: when used in docker-compose.yml all dollar signs in the hash need to be doubled",
    check=check,
    of_files=check,
    scope=counted_in_files("users with a hash", _users),
    targets=(),
    reads="users of basicAuth in files that Traefik reads, and the keys users and auth of Secrets. "
    "Judges files without a plan only.",
)
