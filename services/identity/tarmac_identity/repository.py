"""Every SQL statement of identity. Functions take a connection first and open nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tarmac_identity.domain import Credentials, RefreshToken, StoredKey, User
from tarmac_identity.throttle import Failures
from tarmac_kit import fetch_all, fetch_one

Conn = Any

_USER = "id, email, name, roles, created_at, updated_at"
#: Two replicas that start together agree on one key.
_KEYS_LOCK = 0x7461726D6B657973


async def add_user(
    conn: Conn,
    *,
    user_id: UUID,
    email: str,
    name: str,
    password_hash: str,
    roles: Sequence[str] = (),
) -> User | None:
    """Insert an account; None when the address has one."""
    return await fetch_one(
        conn,
        f"""
        insert into users (id, email, name, password_hash, roles) values ($1, $2, $3, $4, $5)
        on conflict (email) do nothing
        returning {_USER}
        """,  # noqa: S608 - a constant list of columns
        user_id,
        email,
        name,
        password_hash,
        list(roles),
        into=User,
    )


async def user(conn: Conn, user_id: UUID) -> User | None:
    return await fetch_one(
        conn,
        f"select {_USER} from users where id = $1",  # noqa: S608 - as above
        user_id,
        into=User,
    )


async def rename(conn: Conn, user_id: UUID, name: str) -> User | None:
    return await fetch_one(
        conn,
        f"update users set name = $2, updated_at = now() where id = $1 returning {_USER}",  # noqa: S608 - as above
        user_id,
        name,
        into=User,
    )


async def credentials(conn: Conn, email: str) -> Credentials | None:
    return await fetch_one(
        conn,
        "select id, email, roles, password_hash from users where email = $1",
        email,
        into=Credentials,
    )


async def set_password_hash(conn: Conn, user_id: UUID, *, old: str, new: str) -> None:
    """Replace a hash, unless it was replaced meanwhile."""
    await conn.execute(
        "update users set password_hash = $3 where id = $1 and password_hash = $2",
        user_id,
        old,
        new,
    )


async def failures(
    conn: Conn, email: str, sources: Sequence[str], *, lock: bool = False
) -> dict[str, Failures]:
    """Read the failures of an address by source; with `lock` hold the rows until the commit."""
    rows = await conn.fetch(
        f"""
        select source, level,
               extract(epoch from clock_timestamp() - failed_at)::float8 as age_s
        from login_failures where email = $1 and source = any($2) order by source
        {"for update" if lock else ""}
        """,  # noqa: S608 - a constant clause
        email,
        list(sources),
    )
    return {row["source"]: Failures(row["level"], row["age_s"]) for row in rows}


async def begin_failures(conn: Conn, email: str, sources: Sequence[str]) -> None:
    """Make the rows that are not there yet, so that there is one to hold."""
    await conn.execute(
        """
        insert into login_failures (email, source, level, failed_at)
        select $1, source, 0, now() from unnest($2::text[]) as source order by source
        on conflict (email, source) do nothing
        """,
        email,
        list(sources),
    )


async def set_failures(conn: Conn, email: str, source: str, level: float) -> None:
    """Note a failure that is now."""
    await conn.execute(
        """
        update login_failures set level = $3, failed_at = clock_timestamp()
        where email = $1 and source = $2
        """,
        email,
        source,
        level,
    )


async def forget_failures(conn: Conn, email: str, source: str) -> None:
    await conn.execute("delete from login_failures where email = $1 and source = $2", email, source)


async def add_refresh_token(
    conn: Conn, *, token_hash: bytes, family: UUID, user_id: UUID, expires_at: datetime
) -> None:
    await conn.execute(
        """
        insert into refresh_tokens (token_hash, family, user_id, expires_at)
        values ($1, $2, $3, $4)
        """,
        token_hash,
        family,
        user_id,
        expires_at,
    )


async def refresh_token(conn: Conn, token_hash: bytes) -> RefreshToken | None:
    """Read a token and hold its row until the commit: of two uses at once one comes second."""
    return await fetch_one(
        conn,
        """
        select token_hash, family, user_id, expires_at, used_at, revoked_at
        from refresh_tokens where token_hash = $1 for update
        """,
        token_hash,
        into=RefreshToken,
    )


async def lock_family(conn: Conn, token_hash: bytes) -> None:
    """Let one request at a time touch what came of a login, until the commit.

    Taken before any row: a token that is being issued and one that ends its family must not pass
    each other.
    """
    await conn.execute(
        """
        select pg_advisory_xact_lock(hashtextextended(family::text, 0))
        from refresh_tokens where token_hash = $1
        """,
        token_hash,
    )


async def mark_used(conn: Conn, token_hash: bytes) -> None:
    await conn.execute(
        "update refresh_tokens set used_at = now() where token_hash = $1", token_hash
    )


async def revoke_family(conn: Conn, family: UUID) -> None:
    await conn.execute(
        "update refresh_tokens set revoked_at = now() where family = $1 and revoked_at is null",
        family,
    )


async def prune(conn: Conn, *, keep_s: float, forgotten_s: float) -> int:
    """Delete tokens that ended `keep_s` ago and failures of which none is left."""
    tokens = await conn.execute(
        "delete from refresh_tokens where expires_at < now() - $1 * interval '1 second'", keep_s
    )
    failed = await conn.execute(
        "delete from login_failures where failed_at < now() - $1 * interval '1 second'",
        forgotten_s,
    )
    return int(tokens.split()[-1]) + int(failed.split()[-1])


async def lock_keys(conn: Conn) -> None:
    """Let one process at a time look for and make the first signing key; until the commit."""
    await conn.execute("select pg_advisory_xact_lock($1)", _KEYS_LOCK)


async def signing_keys(conn: Conn) -> list[StoredKey]:
    """Return the stored keys, the newest first."""
    return await fetch_all(
        conn,
        """
        select kid, private_key, public_jwk,
               extract(epoch from now() - created_at)::float8 as age_s
        from signing_keys order by created_at desc, kid
        """,
        into=StoredKey,
    )


async def delete_signing_keys(conn: Conn, kids: Sequence[str]) -> None:
    await conn.execute("delete from signing_keys where kid = any($1)", list(kids))


async def add_signing_key(conn: Conn, key: StoredKey) -> None:
    await conn.execute(
        "insert into signing_keys (kid, private_key, public_jwk) values ($1, $2, $3)",
        key.kid,
        key.private_key,
        key.public_jwk,
    )
