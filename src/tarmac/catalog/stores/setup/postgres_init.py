"""Loads files of SQL once into a PostgreSQL by psql: what Tarmac does itself where it runs it."""

from __future__ import annotations

import hashlib

from tarmac.base.launch import File, Text, text
from tarmac.catalog.stores.kind import StoreContext

#: As `tarmac up` remembers what a database has had.
_SEEDED = (
    "CREATE TABLE IF NOT EXISTS tarmac_seeds (file text PRIMARY KEY, digest text, at timestamptz);"
)
_ONCE = """SELECT NOT EXISTS (SELECT FROM tarmac_seeds WHERE file = '{name}') AS is_new \\gset
\\if :is_new
BEGIN;
\\ir {name}
RESET search_path;
INSERT INTO tarmac_seeds VALUES ('{name}', '{digest}', now());
COMMIT;
\\endif
"""


def files(context: StoreContext) -> tuple[File, ...]:
    """Give the files, beside the one with the set-up's statements."""
    return tuple(File(name, text(content)) for name, content in context.init.items())


def lines(context: StoreContext, owner: str) -> Text:
    """Write what loads those that this database has not had, as one of its roles."""
    if not context.init:
        return ()
    once = "".join(
        _ONCE.format(name=name, digest=hashlib.sha256(content.encode()).hexdigest())
        for name, content in context.init.items()
    )
    return text(f'SET ROLE "{owner}";\n{_SEEDED}\n{once}RESET ROLE;\n')
