"""Caller tokens: which service sends a request, shown by the caller and checked by the callee.

Made by `Chassis` from the variables that the plan gives. A token is a signed JWT: its subject is
the caller, its audience the callee; the supervisor or the cluster issues it and renews its file.
This module signs nothing, and it logs no token.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings

from tarmac_kit import conventions
from tarmac_kit.caller_keys import KeyFile, KeyServer, ReplacedFile
from tarmac_kit.logs import get_logger
from tarmac_kit.metrics import Metrics
from tarmac_kit.middleware import Scope
from tarmac_kit.problems import Problem
from tarmac_kit.settings import CommaSet

HEADER_NAME = conventions.CALLER_HEADER.lower().encode()
#: Two machines' clocks, and a laptop that wakes up: its tokens are renewed within a second.
LEEWAY_S = 30
#: Verified tokens that are remembered until they expire: each process of a caller has one of its
#: own in a cluster, and two while it is renewed.
REMEMBERED = 1024

UNSAFE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class CallerSettings(BaseSettings):
    """What the plan says of a service's callers and callees."""

    #: A path in which `{callee}` stands for the service that is called.
    tarmac_caller_token_file: str = ""
    #: `NAME=URL` of each service that is called.
    tarmac_callees: CommaSet = frozenset()
    #: The public keys, as a JWK set: a file, or else an HTTPS address. Without both nothing is
    #: checked.
    tarmac_caller_jwks_file: str = ""
    tarmac_caller_jwks_url: str = Field(default="", pattern=r"^(https://.+)?$")
    #: The authority of that server's certificate, and the token by which it knows this service.
    tarmac_caller_jwks_ca_file: str = ""
    tarmac_caller_jwks_token_file: str = ""
    #: The `iss` of a token. A cluster's name for itself is not known to the plan, and its API
    #: server publishes keys of its own tokens alone: with an address it may be left out.
    tarmac_caller_issuer: str = ""
    #: The subjects that may call.
    tarmac_callers: CommaSet = frozenset()
    #: Prefixes of paths that need no token.
    tarmac_public_paths: CommaSet = frozenset()


class CallerTokens:
    """The tokens that this service presents, a file for each service that it calls."""

    def __init__(self, settings: CallerSettings) -> None:
        self._pattern = settings.tarmac_caller_token_file
        pairs = (callee.partition("=") for callee in settings.tarmac_callees)
        self._callees = {_origin(url): name for name, _, url in pairs}

    def for_url(self, url: str) -> Callable[[], str | None]:
        """Return what reads the token for the service at `url`; it gives None where there is none.

        It asks for the time of the file at each call, so a renewed token counts at once.
        """
        callee = self._callees.get(_origin(url))
        if callee is None or not self._pattern:
            return lambda: None
        file = ReplacedFile(self._pattern.replace("{callee}", callee))
        return lambda: file.read()[0] or None


class CallerCheck:
    """Refuses requests that change something and come from no declared caller."""

    def __init__(
        self,
        settings: CallerSettings,
        *,
        service: str,
        metrics: Metrics,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take `now` in Unix seconds."""
        file, url = settings.tarmac_caller_jwks_file, settings.tarmac_caller_jwks_url
        self.enforced = bool(file or url)
        self._service = service
        self._metrics = metrics
        self._issuer = settings.tarmac_caller_issuer or (None if url and not file else "")
        self._declared = settings.tarmac_callers
        public = {path.rstrip("/") for path in settings.tarmac_public_paths}
        self._public = tuple(public)
        self._below = tuple(f"{path}/" for path in public)
        #: Asked while the process runs; None where a file has the keys, or no caller is declared:
        #: then no token is of any use, and no key either.
        self.key_server: KeyServer | None = None
        if url and not file and self._declared:
            self.key_server = KeyServer(
                url,
                ca_file=settings.tarmac_caller_jwks_ca_file,
                token_file=settings.tarmac_caller_jwks_token_file,
                changed=self._forget,
            )
        self._keys = self.key_server or (KeyFile(file) if file else None)
        #: By token: its caller, and when it expires.
        self._known: dict[bytes, tuple[str, float]] = {}
        self._now = now

    def lacks_key(self, token: bytes | None) -> bool:
        """Tell whether `fetch_key` is to be awaited before `refusal` judges a token."""
        if self.key_server is None or token is None or token in self._known:
            return False
        kid = _key_id(token)
        return kid is not None and self.key_server.lacks(kid)

    async def fetch_key(self, token: bytes) -> None:
        """Ask the server for the key of a token."""
        kid = _key_id(token)
        if self.key_server is not None and kid is not None:
            await self.key_server.fetch_for(kid)

    def refusal(self, scope: Scope, token: bytes | None) -> Problem | None:
        """Return the 401, 403 or 503 for a request; None when it may pass.

        A token that is presented is always checked; one is needed to change what is not public.
        """
        needed = scope["method"] in UNSAFE_METHODS and not self._is_public(scope["path"])
        if token is None:
            if not needed:
                return None
            return self._refused(scope, "", "missing", f"send {conventions.CALLER_HEADER}")
        if self._keys is None:
            return self._refused(scope, "", "undeclared", "no caller is") if needed else None
        if isinstance(self._keys, KeyFile) and self._keys.has_changed():
            self._forget()  # a token of a key that was withdrawn
        known = self._known.get(token)
        if known is None or known[1] <= self._now() - LEEWAY_S:
            try:
                known = self._verified(token)
            except _KeysAwayError as error:
                return self._refused(scope, "", "unverifiable", str(error)) if needed else None
            except _InvalidToken as error:
                return self._refused(scope, "", "invalid", str(error))
            self._remember(token, known)
        caller = known[0]
        if caller in self._declared:
            return None
        refused = self._refused(scope, caller, "undeclared", f"{caller} is no declared caller")
        return refused if needed else None

    def _is_public(self, path: str) -> bool:
        return path in self._public or path.startswith(self._below)

    def _forget(self) -> None:
        self._known.clear()

    def _remember(self, token: bytes, found: tuple[str, float]) -> None:
        while len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[token] = found

    def _refused(self, scope: Scope, caller: str, reason: str, detail: str) -> Problem:
        self._metrics.refused_caller(caller, reason)
        get_logger("callers").warning(
            "caller refused" if reason != "undeclared" else "undeclared caller",
            caller=caller,
            callee=self._service,
            reason=reason,
            detail=detail,
            method=scope["method"],
            path=scope["path"],
        )
        if reason == "undeclared":
            return Problem(403, "undeclared_caller", "This caller is not declared", detail)
        if reason == "unverifiable":
            title = "Callers cannot be verified now"
            return Problem(
                503, "caller_keys_unavailable", title, detail, headers={"Retry-After": "1"}
            )
        return Problem(
            401,
            "caller_unauthorized",
            "A valid caller token is needed",
            detail,
            headers={"WWW-Authenticate": f'{conventions.CALLER_HEADER} realm="{self._service}"'},
        )

    def _verified(self, token: bytes) -> tuple[str, float]:
        import jwt  # noqa: PLC0415 - cryptography takes 30 ms and not every service checks tokens

        kid = _key_id(token)
        if kid is None or self._keys is None:
            raise _InvalidToken("the caller token cannot be read, or names no key")
        key = self._keys.find(kid)
        if key is None and self.key_server is not None and self.key_server.is_away:
            raise _KeysAwayError("the keys of caller tokens cannot be fetched")
        if key is None:
            raise _InvalidToken("the caller token's key is not known")
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                issuer=self._issuer,
                audience=self._service,
                leeway=LEEWAY_S,
                options={"require": ["iss", "aud", "exp", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise _InvalidToken("the caller token is expired") from None
        except jwt.InvalidAudienceError:
            raise _InvalidToken("the caller token is for another service") from None
        except jwt.PyJWTError:
            raise _InvalidToken("the caller token is not valid") from None
        return str(claims["sub"]), float(claims["exp"])


class _InvalidToken(Exception):
    """A caller token proves nothing; its text says why."""


class _KeysAwayError(Exception):
    """Nothing can be said of a token: its key is not known, and the server does not answer."""


def _key_id(token: bytes) -> str | None:
    import jwt  # noqa: PLC0415 - cryptography takes 30 ms and not every service checks tokens

    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError:
        return None
    return kid if isinstance(kid, str) else None


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
