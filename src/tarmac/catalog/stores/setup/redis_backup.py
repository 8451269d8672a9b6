"""How a Redis is backed up and restored, by copies of its append-only file; used by its kind.

The way of its manual: as long as the file is not rewritten, a copy of it is a backup, whenever it
is made. So what is lost is what was written since the last copy.
"""

from __future__ import annotations

from tarmac.base.errors import TarmacError
from tarmac.base.launch import Command, text
from tarmac.catalog.stores.kind import ArchiveRule, ProviderCandidate, StoreBackup, StoreContext

_DATA = "appendonlydir"
#: Copies it again and again, until it is gone; a copy that is cut off replaces none.
_FOLLOW = f"""
while sleep "$1"; do
    [ -d backup/aof ] || continue
    rm -rf backup/next
    cp -Rp {_DATA} backup/next || exit 0
    mv backup/aof backup/before && mv backup/next backup/aof && rm -rf backup/before
done
"""
#: Whole, or not there.
_COPY = f"cp -Rp {_DATA} backup/first && mv backup/first backup/aof"
_RESTORE = f"""
[ -d backup/aof ] || mv backup/before backup/aof
# What follows may still copy, and must not replace what is read.
mv backup/aof backup/restored
cp -Rp backup/restored {_DATA}
"""


def backup(
    context: StoreContext,  # noqa: ARG001 - one shape for all kinds
    candidate: ProviderCandidate,
    wanted: ArchiveRule,
) -> StoreBackup | None:
    """Copy its append-only file every `every_s`.

    Raises:
        TarmacError: it is to be synchronous, which Redis is not.
    """
    if candidate.image:
        return None
    if wanted.synchronous:
        what = "archives no change before it confirms it; leave `synchronous` out"
        raise TarmacError(f"Redis {what}")
    return StoreBackup(
        data=(_DATA, "dump.rdb"),
        before=(Command(("rm", "-rf", "backup")), Command(("mkdir", "-p", "backup"))),
        archiving=(text("CONFIG SET auto-aof-rewrite-percentage 0"),),
        restarts=False,
        follow=Command(("sh", "-c", _FOLLOW, "follow", f"{wanted.every_s:g}")),
        followed=(),
        copy=(Command(("sh", "-c", _COPY)),),
        confirming=(),
        confirmed=(),
        restore=(Command(("sh", "-ec", _RESTORE)),),
    )
