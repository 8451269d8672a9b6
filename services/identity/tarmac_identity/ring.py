"""The ring of signing keys: which one signs, which are published, when the next one is made.

Used by service.py; one per process. Replicas agree by the database: the first that finds one due
makes the key under a lock, the others read it. It signs nothing itself.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tarmac_identity import keys, repository
from tarmac_identity.domain import Rotation, StoredKey
from tarmac_identity.settings import IdentitySettings
from tarmac_kit import Database, TokenIssuer, get_logger

log = get_logger("tarmac_identity")


class KeyRing:
    """The stored keys, opened once each; `issuer` is None until the first `turn`."""

    def __init__(self, database: Database, settings: IdentitySettings) -> None:
        self._database = database
        self._settings = settings
        self._rotation = Rotation(
            settings.key_rotation_s, settings.key_announce_s, settings.access_token_ttl_s
        )
        self._opened: dict[str, keys.SigningKey] = {}
        #: One turn at a time: one that read before a withdrawal must not write after it.
        self._turning = asyncio.Lock()
        self.issuer: TokenIssuer | None = None
        self.key_set: dict[str, Any] = {"keys": []}

    async def turn(self, *, now: bool = False, withdraw: bool = False) -> None:
        """Read the keys, make one where it is due, and drop those that are over.

        Args:
            now: make a new key at once; it signs after its announcement, or at once if the older
                ones are withdrawn.
            withdraw: delete all older keys: every token that they signed ends, at the latest when
                verifiers fetch the key set again (5 min).

        Raises:
            KeyClosedError: the stored key is closed with another secret.
        """
        async with self._turning:
            await self._turn(now=now, withdraw=withdraw)

    async def _turn(self, *, now: bool, withdraw: bool) -> None:
        secret = self._settings.key_encryption_secret
        async with self._database.transaction() as conn:
            stored = await repository.signing_keys(conn)
            if now or not stored or self._rotation.is_due(stored) or self._rotation.over(stored):
                await repository.lock_keys(conn)
                stored = await repository.signing_keys(conn)  # another may have been faster
                stored = await self._changed(conn, stored, secret, now=now, withdraw=withdraw)
        signing = self._rotation.signing(stored)
        if self.issuer is None or self.issuer.kid != signing.kid:
            self.issuer = TokenIssuer(
                self._open(signing, secret).private_key,
                kid=signing.kid,
                issuer=self._settings.jwt_issuer,
                audience=self._settings.jwt_audience,
            )
            log.info("signing with another key", kid=signing.kid)
        self.key_set = {"keys": [key.public_jwk for key in stored]}

    async def keep_turning(self) -> None:
        """Look for new keys as long as the process lives."""
        while True:
            await asyncio.sleep(self._settings.key_reload_s)
            await self.turn()

    async def _changed(
        self, conn: Any, stored: list[StoredKey], secret: str, *, now: bool, withdraw: bool
    ) -> list[StoredKey]:
        over = [key.kid for key in stored] if withdraw else self._rotation.over(stored)
        if now or self._rotation.is_due(stored):
            made = await asyncio.to_thread(keys.generate)
            self._opened[made.kid] = made
            new = StoredKey(made.kid, keys.close_up(made, secret), made.public_jwk)
            await repository.add_signing_key(conn, new)
            stored = [new, *stored]
            log.info("signing key made", kid=made.kid)
        if over:
            await repository.delete_signing_keys(conn, over)
            log.info("signing keys are over", kids=over)
        return [key for key in stored if key.kid not in over]

    def _open(self, key: StoredKey, secret: str) -> keys.SigningKey:
        if key.kid not in self._opened:
            self._opened[key.kid] = keys.open_up(key.kid, key.private_key, secret)
        return self._opened[key.kid]
