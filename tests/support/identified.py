"""The environment of identity's service in tests with a real PostgreSQL."""

from __future__ import annotations


def environ(url: str, **changes: str) -> dict[str, str]:
    """Return its variables for a database, and those that a test sets besides or instead."""
    return {
        "SERVICE_NAME": "user-service",
        "DATABASE_URL": url,
        "JWT_ISSUER": "https://shop.test",
        "JWT_AUDIENCE": "shop",
        "KEY_ENCRYPTION_SECRET": "a secret of some length",
        "ADMIN_PASSWORD": "administrator's own",
        **changes,
    }
