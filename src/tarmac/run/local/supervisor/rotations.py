"""Rotates secrets of what runs: the next value is accepted before anything uses it, and the
previous one is refused once nothing does.

Used by the control socket. A rotation that is cut short leaves both values valid; the next one of
that secret goes on where it stopped. No value is ever printed.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarmac.base import dotenv
from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.base.foreign import files
from tarmac.base.launch import Secret, StoreSecret, Text, reveal
from tarmac.catalog.stores.kind import StoreRotation, User
from tarmac.plan.access import ADMIN
from tarmac.plan.bindings import numbered
from tarmac.plan.rotatable import CallerKeys, Rotatable, StorePassword, VariableSecret, find
from tarmac.run.local.process.process import Process
from tarmac.run.local.state import vault
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.stores import contents
from tarmac.run.local.supervisor.requests import FindSecret, Rotate, RotationResult, SecretNeed

if TYPE_CHECKING:
    from tarmac.run.local.supervisor.supervisor import Supervisor

#: What was made with the previous value, and is on its way, has been checked by then: a token, a
#: signature.
IN_FLIGHT_S = 3.0
#: A server says within this time whether it takes a password.
LOGIN_S = 10.0
#: Before the path of a secret, in the file of them: the value that it had, until it is refused.
PREVIOUS = "previous/"


@dataclass(frozen=True)
class _Login:
    """One password of a user: the one that is made, or one that is to be refused."""

    store: str
    user: User


class Rotations:
    """The rotations of one namespace, one at a time."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._turn = asyncio.Lock()

    async def find(self, request: FindSecret) -> SecretNeed:
        """Say which secrets a name means. Raises BadInput where they cannot be rotated."""
        found = self._found(request.name)
        given = [one.variable for one in found if isinstance(one, VariableSecret) and one.given]
        return SecretNeed(tuple(one.path for one in found), "".join(given))

    async def rotate(self, request: Rotate) -> RotationResult:
        """Rotate what a name means. Raises TarmacError."""
        async with self._turn:
            began = time.monotonic()
            found = self._found(request.name)
            for one in found:
                _check_value(one, request.value)
            services = frozenset[str]().union(*(one.services for one in found))
            refused = ""
            failed: dict[str, str] = {}
            passwords = [one for one in found if isinstance(one, StorePassword)]
            if passwords:
                refused, failed = await self._passwords(passwords)
            for one in found:
                if isinstance(one, VariableSecret):
                    refused, failed = await self._variable(one, request.value)
                elif isinstance(one, CallerKeys):
                    refused = await self._caller_keys()
            paths = tuple(one.path for one in found)
            print(f"rotated {', '.join(paths)}{' in part' if failed else ''}", flush=True)
            return RotationResult(
                rotated=paths,
                services=tuple(sorted(services)),
                gaps=tuple(name for name in sorted(services) if not self._can_overlap(name)),
                failed=failed,
                refused=refused,
                took_s=time.monotonic() - began,
            )

    def _found(self, name: str) -> tuple[Rotatable, ...]:
        now = self._supervisor.required()
        return find(now.bindings, name, self._supervisor.resolver.given)

    def _can_overlap(self, service: str) -> bool:
        nodes = self._supervisor.required().plan.instances(service)
        return all(map(self._supervisor.resolver.can_overlap, nodes))

    async def _renew(self, services: Iterable[str], stores: Iterable[str] = ()) -> dict[str, str]:
        return dict(await self._supervisor.renew(frozenset(services), frozenset(stores)))

    # Passwords of stores

    async def _passwords(self, found: Iterable[StorePassword]) -> tuple[str, dict[str, str]]:
        """Make stores accept the next ones, services use them, and stores refuse the others."""
        logins = [self._logins(one) for one in found]
        for _, following in logins:
            if following.user.password.path not in self._known():
                await self._accept(following)
        services = {following.user.service for _, following in logins}
        failed = await self._renew(services, {following.store for _, following in logins})
        if failed:
            return "", failed
        for previous, following in logins:
            await self._refuse(previous, following)
        return "the store refuses it", {}

    def _logins(self, one: StorePassword) -> tuple[_Login, _Login]:
        """Return the user's present login and its next one, or those of a rotation cut short."""
        bindings = self._supervisor.required().bindings
        number = bindings.facts.rotated.get((one.store, one.user.service), 0)
        had = [n for n in range(number) if _path(one, n) in self._known()]
        first, then = (had[-1], number) if had else (number, number + 1)
        return (
            _Login(one.store, bindings.user_with(one.store, one.user, first)),
            _Login(one.store, bindings.user_with(one.store, one.user, then)),
        )

    async def _accept(self, login: _Login) -> None:
        value = secrets.token_hex(login.user.password.size_bytes)
        made = {login.user.password.path: value}
        process = self._supervisor.processes.get(login.store)
        if isinstance(process, Process):
            process.log.hide([value])  # what it says of the statement
        context = self._supervisor.required().bindings.views[login.store]
        await self._say(login, self._rotation(login).accept(context, login.user), made)
        vault.change(self._supervisor.home.secrets, made)

    async def _refuse(self, previous: _Login, following: _Login) -> None:
        context = self._supervisor.required().bindings.views[previous.store]
        await self._say(previous, self._rotation(previous).refuse(context, previous.user), {})
        if not await self._is_taken(following):
            raise TarmacError(f"{following.store}: does not take the next password")
        if await self._is_taken(previous):
            raise TarmacError(f"{previous.store}: takes the previous password still")
        vault.change(self._supervisor.home.secrets, {previous.user.password.path: None})

    def _rotation(self, login: _Login) -> StoreRotation:
        rotation = self._supervisor.required().bindings.kinds[login.store].rotation
        assert rotation is not None  # noqa: S101 - `find` has refused others
        return rotation

    async def _say(
        self, login: _Login, statements: Iterable[Text], more: Mapping[str, str]
    ) -> None:
        now = self._supervisor.required()
        url = next(one.urls[ADMIN] for one in now.plan.access if one.store == login.store)
        await contents.say(url, statements, {**self._known(), **now.secrets, **more})

    async def _is_taken(self, login: _Login) -> bool:
        bindings = self._supervisor.required().bindings
        kind, context = bindings.kinds[login.store], bindings.views[login.store]
        url, asked = kind.outputs["url"](context, login.user), self._rotation(login).ask
        try:
            if asked:
                await contents.say(url, [(asked,)], self._known())
            else:
                revealed = reveal(url, self._known())
                async with contents.asking(login.store, revealed, within_s=LOGIN_S):
                    pass
        except TarmacError:
            return False
        return True

    def _known(self) -> Mapping[str, str]:
        return vault.read(self._supervisor.home.secrets)

    # Secrets of variables

    async def _variable(self, one: VariableSecret, value: str) -> tuple[str, dict[str, str]]:
        """Make programs accept the next value, then use it, then refuse the previous one."""
        home = self._supervisor.home
        known = self._known()
        following = value or vault.generated(one.secret)
        present = self._supervisor.resolver.given.get(one.variable) or known.get(one.path, "")
        previous = known.get(f"{PREVIOUS}{one.path}")
        if previous is None:
            if one.seconds:
                vault.change(home.secrets, {second.path: following for second in one.seconds})
                if failed := await self._renew(one.services):
                    return "", failed
            seconds = {second.path: present for second in one.seconds}
            kept = {} if one.given else {one.path: following}
            vault.change(home.secrets, {f"{PREVIOUS}{one.path}": present, **seconds, **kept})
            if one.given:
                self._write_given(one.variable, following)
        if failed := await self._renew(one.services):
            return "", failed
        if one.seconds:
            await asyncio.sleep(IN_FLIGHT_S)
        ends = {s.path: vault.generated(s) for s in one.seconds}
        vault.change(home.secrets, {f"{PREVIOUS}{one.path}": None, **ends})
        if not one.seconds:
            return "its issuer has to: nothing here uses it", {}
        if failed := await self._renew(one.services):
            return "", failed
        return f"{', '.join(sorted(one.services))} accepts it no more", {}

    def _write_given(self, variable: str, value: str) -> None:
        """Give a variable of `.env` another value; the file's rights and other lines stay."""
        path = self._supervisor.resolver.dotenv.resolve()
        mode = path.stat().st_mode & 0o777
        write_atomically(path, dotenv.replaced(files.text(path), variable, value))
        path.chmod(mode)

    # Keys of caller tokens

    async def _caller_keys(self) -> str:
        """Publish the next key, sign all tokens with it, then withdraw the others."""
        tokens = self._supervisor.caller_tokens
        tokens.replace_key()
        await asyncio.sleep(IN_FLIGHT_S)
        tokens.withdraw_keys()
        return "tokens that it signed are refused"


def _path(one: StorePassword, number: int) -> str:
    return Secret.of(StoreSecret(one.store, one.user.service, numbered(number))).path


def _check_value(one: Rotatable, value: str) -> None:
    is_given = isinstance(one, VariableSecret) and one.given
    if is_given and not value:
        raise BadInput([Problem(one.path, "its value is in `.env`; give the next one")])
    if value and not is_given:
        raise BadInput([Problem(one.path, "its value is made here; give none")])
