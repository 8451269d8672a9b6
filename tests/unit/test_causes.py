"""The likely cause of an end is named from its last lines, the latest first."""

from __future__ import annotations

import pytest

from tarmac.local.causes import likely_cause


@pytest.mark.parametrize(
    ("status", "line", "expected"),
    [
        (1, "ModuleNotFoundError: No module named 'flask'", "module flask is not installed"),
        (1, "Error: Cannot find module 'express'", "module express is not installed"),
        (1, "OSError: [Errno 98] Address already in use", "its port is taken"),
        (1, "Error: listen EADDRINUSE: address already in use :::3000", "its port is taken"),
        (1, "could not write: No space left on device", "the disk is full"),
        (126, "sh: ./app: Exec format error", "another kind of machine"),
        (1, 'FATAL:  password authentication failed for user "x"', "refuses its password"),
        (
            1,
            "DETAIL: ... initialized by PostgreSQL version 18, ... with this version 15.18 (De).",
            "its data is PostgreSQL 18's, 15 runs here",
        ),
        (1, "# Can't handle RDB format version 80", "its data is of a newer version"),
        (1, "KeyError: 'DATABASE_URL'", "it needs DATABASE_URL, which nobody gives"),
        (1, "orders: JWKS_URL is not set; add it to its env", "JWKS_URL is not set; add it"),
        (1, "connect ECONNREFUSED 127.0.0.1:5432", "does not listen"),
        (1, "SyntaxError: invalid syntax", "SyntaxError in its code: invalid syntax"),
        (-9, "", "it was killed (SIGKILL)"),
        (-11, "", "ended by SIGSEGV"),
        (127, "", "a command that it runs was not found"),
        (0, "", "ended by itself without an error"),
        (3, "something else", ""),
    ],
)
def test_the_cause_is_named(status, line, expected):
    assert expected in likely_cause(status, ["earlier", line])
    assert bool(expected) == bool(likely_cause(status, [line]))


def test_the_latest_line_wins():
    assert "disk" in likely_cause(1, ["Permission denied", "No space left on device"])
