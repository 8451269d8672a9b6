"""Finds which secrets a name means that can be rotated, and says why others cannot.

Used by the supervisor for `tarmac rotate`. It knows paths and names, and no value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.launch import Secret, ServiceSecret, SharedSecret
from tarmac.catalog.stores.kind import User
from tarmac.plan import secret_variables
from tarmac.plan.bindings import Bindings

#: The name of the keys that sign caller tokens.
CALLER_KEYS = "caller-keys"


@dataclass(frozen=True)
class StorePassword:
    """The password by which a service logs in to a store."""

    store: str
    user: User

    @property
    def path(self) -> str:
        """The same for each of its values."""
        return f"stores/{self.store}/{self.user.service}"

    @property
    def services(self) -> frozenset[str]:
        """What has it."""
        return frozenset({self.user.service})


@dataclass(frozen=True)
class VariableSecret:
    """A secret of variables, and the second values that their programs accept besides."""

    secret: Secret
    #: As `.env` calls it.
    variable: str
    services: frozenset[str]
    seconds: tuple[Secret, ...] = ()
    #: `.env` has its value: a person gave it.
    given: bool = False
    #: Of the second values, those that `.env` has as well.
    fixed: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Its path."""
        return self.secret.path


@dataclass(frozen=True)
class CallerKeys:
    """The keys that sign caller tokens."""

    path = CALLER_KEYS
    services: frozenset[str] = frozenset()


Rotatable = StorePassword | VariableSecret | CallerKeys


def find(bindings: Bindings, name: str, given: Collection[str]) -> tuple[Rotatable, ...]:
    """Find what is rotated by a name: a store, a variable, STORE/SERVICE, a path.

    Args:
        given: variables whose values `.env` has.

    Raises:
        BadInput: there is no such secret, or it cannot be rotated.
    """
    if name == CALLER_KEYS:
        return (CallerKeys(),)
    passwords = list(_passwords(bindings))
    variables = list(_variables(bindings, given))
    meant: list[Rotatable] = [
        *(one for one in passwords if name in (one.store, one.path, _short(one.path))),
        *(one for one in variables if name in (one.variable, one.path, _short(one.path))),
    ]
    if not meant:
        raise BadInput([Problem(name, _unknown(bindings, name, passwords, variables))])
    own = {one.path for one in meant if isinstance(one, VariableSecret)}
    if len(own) > 1:
        what = f"is the name of several secrets ({', '.join(sorted(own))}); write one of these"
        raise BadInput([Problem(name, what)])
    if problems := [Problem(one.path, why) for one in meant if (why := _why_not(bindings, one))]:
        raise BadInput(problems)
    return tuple(meant)


def _passwords(bindings: Bindings) -> Iterator[StorePassword]:
    for store, view in bindings.views.items():
        for user in view.users:
            yield StorePassword(store, user)


def _variables(bindings: Bindings, given: Collection[str]) -> Iterator[VariableSecret]:
    """Yield each secret once, with all that read it."""
    firsts: dict[str, list[secret_variables.SecretVariable]] = {}
    readers: dict[str, set[str]] = {}
    seconds: dict[str, dict[str, Secret]] = {}
    for service in bindings.system.file.services:
        held = {one.name: one for one in secret_variables.of_service(bindings, service)}
        for one in held.values():
            if not one.second_of:
                firsts.setdefault(one.secret.path, []).append(one)
                readers.setdefault(one.secret.path, set()).add(service)
            elif one.second_of in held:
                of = held[one.second_of].secret.path
                seconds.setdefault(of, {})[one.secret.path] = one.secret
    for path, found in firsts.items():
        owner = found[0].secret.owner
        assert isinstance(owner, ServiceSecret | SharedSecret)  # noqa: S101 - of variables
        yield VariableSecret(
            max((one.secret for one in found), key=lambda secret: secret.size_bytes),
            owner.variable,
            frozenset(readers[path]),
            tuple(seconds.get(path, {}).values()),
            owner.variable in given,
            tuple(n for n in map(_variable_of, seconds.get(path, {})) if n in given),
        )


def _variable_of(path: str) -> str:
    return path.rpartition("/")[2]


def _short(path: str) -> str:
    return path.partition("/")[2]


def _unknown(
    bindings: Bindings,
    name: str,
    passwords: Collection[StorePassword],
    variables: Collection[VariableSecret],
) -> str:
    for one in variables:
        if any(name in (s.path, _variable_of(s.path)) for s in one.seconds):
            return f"is the second value of {one.variable}; rotate that"
    stores = {one.store for one in passwords}
    if name in bindings.views:
        return "no service logs in to it, so nothing has a password of it"
    steps = name.removeprefix("stores/").split("/")
    if len(steps) > 1 and steps[0] in bindings.views:
        known = [_short(one.path) for one in passwords if one.store == steps[0]]
        if name.startswith("stores/") or steps[1] in ("admin", "monitor"):
            return (
                "is used by Tarmac alone, and leaves this machine for nowhere; `tarmac down "
                f"--delete-data` makes another. Of services there is {', '.join(known)}"
            )
        return f"no service's password; {did_you_mean(name, known)}"
    names = {*stores, *(one.variable for one in variables), CALLER_KEYS}
    return f"no secret of {bindings.system.name}; {did_you_mean(name, names)}"


def _why_not(bindings: Bindings, one: Rotatable) -> str:
    """Say why a secret cannot be rotated; empty where it can."""
    if isinstance(one, StorePassword):
        return _why_not_password(bindings, one)
    if isinstance(one, VariableSecret):
        return _why_not_variable(bindings, one)
    return ""


def _why_not_password(bindings: Bindings, one: StorePassword) -> str:
    kind = bindings.kinds[one.store]
    if one.store not in bindings.here:
        return "its server runs elsewhere; change it there, then its URL in `.env`"
    if bindings.known_login(one.store, one.user.service):
        return f"`local` of {one.store} has it, as its program knows it; change it in both"
    if kind.rotation is None:
        return (
            f"{kind.title} takes one password of a user at a time here, so services would lose it "
            f"while they are replaced; `tarmac reset {one.store}` begins with new ones, and "
            "without its data"
        )
    if why := kind.rotation.why_not(one.user):
        return f"{why}; {_from_start(one)}"
    return _outside(bindings, one)


def _from_start(one: StorePassword) -> str:
    return f"stop {one.user.service}, and `tarmac reset {one.store}` begins with a new one"


def _why_not_variable(bindings: Bindings, one: VariableSecret) -> str:
    if not one.seconds and not one.given:
        services = ", ".join(sorted(one.services))
        return (
            f"{services} accepts one value at a time, so what was made with the old one would be "
            "refused while instances are replaced; have it accept a second one, and name its "
            f"variable: `{one.variable}: {{also: {one.variable}_ALSO}}`"
        )
    if one.fixed:
        names = ", ".join(one.fixed)
        return f"its second value is in `.env` ({names}), where it stays the same; remove it there"
    return _outside(bindings, one)


def _outside(bindings: Bindings, one: StorePassword | VariableSecret) -> str:
    if not (started := sorted(one.services & bindings.facts.shape.without)):
        return ""
    return (
        f"{', '.join(started)} is started outside Tarmac (--without), and would go on with the old "
        f"value; `tarmac start {started[0]}` has Tarmac start it"
    )
