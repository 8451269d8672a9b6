"""Connects to a MySQL by its URL; used by what loads its files and restores its rows."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql

CONNECT_S = 10


def connect(url: str, flags: int = 0) -> pymysql.Connection[Any]:
    """Open a connection that commits each statement.

    Args:
        flags: of the protocol, from `pymysql.constants.CLIENT`.

    Raises:
        pymysql.MySQLError: it cannot be reached, or refuses the user.
    """
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.lstrip("/"),
        charset="utf8mb4",
        connect_timeout=CONNECT_S,
        autocommit=True,
        client_flag=flags,
    )
