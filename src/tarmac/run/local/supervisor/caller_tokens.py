"""Issues caller tokens for one namespace: signs them, writes their files, renews and rotates.

Used by the supervisor alone, which holds the key. A file is replaced atomically, so its reader sees
a whole token; a new key is published before it signs, and an old one stays published until the
last token that it signed has expired. So no call is refused for a renewal or a rotation.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tarmac.plan.callers import JWKS_NAME
from tarmac.plan.plan import CallerEdge
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.state.paths import Home

ALGORITHM = "ES256"
LIFE_S = 600.0
#: A key signs for a day.
KEY_LIFE_S = 86_400.0
#: As long as a reader's clock may be behind ours, an expired token counts; so does its key.
LEEWAY_S = 60.0
#: How often to look what is due: a laptop that slept has tokens again within a second.
CHECK_S = 1.0


@dataclass(frozen=True)
class _Key:
    kid: str
    #: What is published of it, as a JWK.
    public: dict[str, Any]
    #: Empty once it signs no more.
    private_pem: str
    made_at: float
    #: When the last token that it signed expires, once it signs no more; 0: it signs.
    ends_at: float = 0.0


class CallerTokens:
    """The keys and tokens of one namespace. Times are in Unix seconds."""

    def __init__(
        self,
        home: Home,
        *,
        life_s: float = LIFE_S,
        key_life_s: float = KEY_LIFE_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._home = home
        self._life_s = life_s
        self._key_life_s = key_life_s
        self._now = now
        self._issuer = ""
        self._keys: list[_Key] = []
        #: When each token was signed.
        self._signed: dict[CallerEdge, float] = {}

    def issue(self, caller: str, callee: str) -> str:
        """Sign a token by which `caller` calls `callee`."""
        import jwt  # noqa: PLC0415 - 40 ms of cryptography, not before the guard has started

        now, key = self._now(), self._keys[0]
        claims = {
            "iss": self._issuer,
            "sub": caller,
            "aud": callee,
            "iat": int(now),
            "exp": int(now + self._life_s),
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(claims, key.private_pem, algorithm=ALGORITHM, headers={"kid": key.kid})

    def hand_out(self, edges: Iterable[CallerEdge], issuer: str) -> None:
        """Write the tokens of these edges and delete those of all others. Raises OSError."""
        if issuer != self._issuer:
            self._issuer = issuer
            self._signed.clear()
        self._home.callers.mkdir(mode=0o700, exist_ok=True)
        if not self._keys:
            self._keys = _read(self._home.caller_keys)
            self._rotate_if_due()
            self._publish()
        wanted = set(edges)
        self._signed = {edge: self._signed.get(edge, 0.0) for edge in wanted}
        callers = {edge.caller for edge in wanted}
        for folder in self._home.callers.iterdir():
            if folder.is_dir() and folder.name not in callers:
                shutil.rmtree(folder, ignore_errors=True)
            elif folder.is_dir():
                for file in folder.iterdir():
                    if CallerEdge(folder.name, file.name) not in wanted:
                        file.unlink(missing_ok=True)
        self.renew()

    def renew(self) -> None:
        """Replace each token that has lived half its life, and the key that has signed for a day.

        Raises OSError; what is not written is due at the next call, which half a life allows for.
        """
        if not self._keys:
            return
        if self._rotate_if_due():
            self._publish()
            self._signed = dict.fromkeys(self._signed, 0.0)
        now = self._now()
        for edge, signed_at in self._signed.items():
            if not 0 <= now - signed_at < self._life_s / 2:  # a clock may be set back
                folder = self._home.callers / edge.caller
                folder.mkdir(mode=0o700, exist_ok=True)
                write_atomically(folder / edge.callee, self.issue(edge.caller, edge.callee) + "\n")
                self._signed[edge] = now

    def replace_key(self) -> None:
        """Sign with another key from now on; what others signed is still accepted.

        Raises OSError.
        """
        self._rotate_if_due(at_once=True)
        self._publish()
        self._signed = dict.fromkeys(self._signed, 0.0)
        self.renew()

    def withdraw_keys(self) -> None:
        """Make readers refuse tokens of other keys than the one that signs. Raises OSError."""
        self._keys = [key for key in self._keys if not key.ends_at]
        self._publish()

    def _rotate_if_due(self, *, at_once: bool = False) -> bool:
        """Make a new first key where there is none or it is old; drop those that are of no use."""
        now = self._now()
        signing = [key for key in self._keys if not key.ends_at]
        due = (
            at_once
            or not signing
            or not -self._life_s <= now - signing[0].made_at < self._key_life_s
        )
        ends_at = now + self._life_s + LEEWAY_S
        kept = [
            replace(key, private_pem="", ends_at=ends_at) if due and not key.ends_at else key
            for key in self._keys
            if not key.ends_at or key.ends_at > now
        ]
        changed = due or len(kept) < len(self._keys)
        self._keys = [_made(now), *kept] if due else kept
        return changed

    def _publish(self) -> None:
        """Save the keys, then what is public of them."""
        content = json.dumps([asdict(key) for key in self._keys], indent=1)
        write_atomically(self._home.caller_keys, content + "\n")
        jwks = {"keys": [key.public for key in self._keys]}
        write_atomically(self._home.callers / JWKS_NAME, json.dumps(jwks, indent=1) + "\n")


def _made(now: float) -> _Key:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - see issue
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from jwt.algorithms import ECAlgorithm  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    kid = secrets.token_hex(8)
    jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    public = {**jwk, "kid": kid, "use": "sig", "alg": ALGORITHM}
    return _Key(kid, public, pem.decode(), now)


def _read(path: Path) -> list[_Key]:
    """Read the keys of an earlier run; without them new ones are made, and all goes on."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return [_Key(**key) for key in json.loads(path.read_text())]
    return []
