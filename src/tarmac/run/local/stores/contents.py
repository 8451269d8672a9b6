"""Does what a store's kind says of its contents; a URL's scheme tells the kind."""

from __future__ import annotations

import functools
import hashlib
import pkgutil
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from tarmac.base import registry, sql_steps
from tarmac.base.errors import TarmacError
from tarmac.base.launch import Text, reveal
from tarmac.catalog import stores
from tarmac.catalog.stores.contents import (
    RefusedFile,
    RowSnapshots,
    SeedOutcome,
    SqlFile,
    StoreContents,
    StoreMarks,
)
from tarmac.catalog.stores.kind import StoreKind
from tarmac.plan.plan import Seed


def of(url: str) -> StoreContents:
    """Find what can be done with the contents of a store."""
    return _of_scheme(scheme_of(url))


def scheme_of(url: str) -> str:
    """Return how a URL's protocol is called, for a reader."""
    return url.partition("://")[0]


@functools.cache
def _of_scheme(scheme: str) -> StoreContents:
    kinds: dict[str, StoreKind] = registry.load(stores, "STORE")
    for kind in kinds.values():
        if kind.contents and scheme in kind.external:
            found: StoreContents = pkgutil.resolve_name(kind.contents)
            return found
    return StoreContents()


def marks(url: str) -> StoreMarks:
    """Find how marks are written into a store. Raises TarmacError."""
    if (found := of(url).marks) is None:
        raise _incapable(url)
    return found


def snapshots(url: str) -> RowSnapshots:
    """Find how the rows of a store are put back. Raises TarmacError."""
    if (found := of(url).snapshots) is None:
        raise TarmacError(f"the rows of a store of {scheme_of(url)} cannot be put back")
    return found


async def say(url: Text, statements: Iterable[Text], secrets: Mapping[str, str]) -> None:
    """Say statements to a store. Raises TarmacError where it refuses one."""
    revealed = reveal(url, secrets)
    if (done := of(revealed).say) is None:
        raise _incapable(revealed)
    await done(revealed, [reveal(statement, secrets) for statement in statements])


def _incapable(url: str) -> TarmacError:
    return TarmacError(f"no statements and marks are written into a store of {scheme_of(url)}")


def asking(store: str, url: str, *, within_s: float) -> AbstractAsyncContextManager[Any]:
    """Give a connection to ask SQL over; each statement has `within_s`.

    Raises:
        TarmacError: it answers no SQL, cannot be reached, or refuses what is asked.
    """
    if (ask := of(url).ask) is None:
        raise TarmacError(f"{store}: a store of {scheme_of(url)} answers no SQL")
    return ask(store, url, within_s)


async def apply_seed(seed: Seed, secrets: Mapping[str, str], *, again: bool = False) -> SeedOutcome:
    """Load a file of SQL once per database; in PostgreSQL in one transaction.

    Args:
        again: load it also where it was loaded before.

    Returns:
        What became of it.

    Raises:
        TarmacError: the file cannot be read, or a statement of it failed.
    """
    path = Path(seed.file)
    what = "init" if seed.is_init else "seed"
    try:
        content = path.read_text()
    except OSError as error:
        raise TarmacError(f"{path}: the {what} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise TarmacError(f"{path}: the {what} is not UTF-8; save it as UTF-8") from None
    url = reveal(seed.url, secrets)
    digest = hashlib.sha256(content.encode()).hexdigest()
    file = SqlFile(path.name, sql_steps.forward(content), digest)
    if (load := of(url).load) is None:
        raise TarmacError(f"{path}: a store of {scheme_of(url)} takes no files of SQL")
    try:
        return await load(url, file, again=again)
    except RefusedFile as error:
        where = f"{path}:{error.line}" if error.line else str(path)
        raise TarmacError(f"{where}: the {what} failed on {seed.store}: {error}") from None
