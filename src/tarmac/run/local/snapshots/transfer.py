"""Writes a snapshot to one file, and reads one that may come from anywhere.

The file is a tar archive: the manifest, the secrets, then the archive of each store.
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

from tarmac.base import writing
from tarmac.base.errors import BadInput, Problem
from tarmac.base.writing import NEW, shown
from tarmac.run.local.snapshots import copying, packing, sealing
from tarmac.run.local.snapshots import manifest as manifests
from tarmac.run.local.snapshots.library import Library, Snapshot
from tarmac.run.local.snapshots.manifest import StoreRecord
from tarmac.run.local.snapshots.packing import CHUNK, BoundedStream
from tarmac.run.local.snapshots.saving import ARCHIVE

#: Bytes of a manifest: a system has a few hundred stores at most.
LARGEST_MANIFEST = CHUNK


def export(snapshots: Library, name: str, file: Path, *, force: bool) -> Snapshot:
    """Write a snapshot to a file of mode 0600.

    Args:
        force: replace a file of that name.

    Raises:
        BadInput: there is no such snapshot, the file exists, or the disk is full.
    """
    with snapshots.locked():
        snapshot = snapshots.find(name)
        if file.exists() and not force:
            what = "the file exists; choose another with --file, or pass --force"
            raise BadInput([Problem(shown(file), what)])
        stores = {
            store: replace(record, packed=True)
            for store, record in snapshot.manifest.stores.items()
        }
        content = manifests.as_json(replace(snapshot.manifest, stores=stores)).encode()
        try:
            with snapshots.new(name) as partial, writing.streamed(file, mode=0o600) as stream:
                archives = _archives(snapshot, partial)
                with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
                    _add(tar, manifests.FILE, io.BytesIO(content), len(content))
                    secrets = (snapshot.folder / sealing.FILE).read_bytes()
                    _add(tar, sealing.FILE, io.BytesIO(secrets), len(secrets))
                    for store, archive in archives.items():
                        with archive.open("rb") as packed:
                            _add(tar, f"{store}{ARCHIVE}", packed, archive.stat().st_size)
        except OSError as error:
            raise copying.no_room(error, file) from None
        return snapshot


def read_in(snapshots: Library, file: Path, system: str, name: str, *, force: bool) -> Snapshot:
    """Take a snapshot in from a file.

    Args:
        system: the name of the system that it must be of.
        name: what to call it; empty: as it was called.
        force: replace a snapshot of that name.

    Raises:
        BadInput: it is of another system, damaged or hostile, or the disk is too small.
    """
    if not file.is_file():
        raise BadInput([Problem(shown(file), "no such file; name one of `tarmac snapshot export`")])
    with snapshots.locked():
        try:
            with file.open("rb") as stream:
                return _read_in(snapshots, file, stream, system, name, force=force)
        except OSError as error:
            what = f"cannot be read ({error.strerror}); name a file of `tarmac snapshot export`"
            raise BadInput([Problem(shown(file), what)]) from None


def _read_in(
    snapshots: Library, file: Path, stream: IO[bytes], system: str, name: str, *, force: bool
) -> Snapshot:
    size = os.fstat(stream.fileno()).st_size
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", BoundedStream(stream, size)), mode="r:") as tar:
            content = _member(tar, file, manifests.FILE, LARGEST_MANIFEST)
            manifest = manifests.parse(content, str(file))
            manifests.check_name(manifest.name)
            secrets = sealing.parse(_member(tar, file, sealing.FILE, sealing.LARGEST), str(file))
            manifest = replace(manifest, name=name or manifest.name)
            snapshots.require_free(manifest.name, force=force)
            if manifest.system != system:
                what = f"a snapshot of the system '{manifest.system}', not of '{system}'"
                raise BadInput([Problem(shown(file), f"{what}; import it there")])
            copying.require_room(snapshots.folder, size, "the snapshot")
            with snapshots.new(manifest.name) as partial:
                sealing.write(partial, secrets)
                _copy_in(tar, file, manifest.stores, partial)
                copying.on_all(lambda store: _check(partial, store), manifest.stores.items())
                return snapshots.commit(partial, manifest)
    except tarfile.TarError as error:
        raise _not_ours(file, str(error)) from None


def _member(tar: tarfile.TarFile, file: Path, name: str, most: int) -> bytes:
    """Read the next member, which must be of that name and small."""
    member = tar.next()
    if member is None or member.name != name or not member.isreg():
        raise _not_ours(file, f"it does not begin with {manifests.FILE} and {sealing.FILE}")
    if member.size > most:
        raise _not_ours(file, f"its {name} is too large")
    content = tar.extractfile(member)
    return content.read() if content is not None else b""


def _copy_in(
    tar: tarfile.TarFile, file: Path, stores: Mapping[str, StoreRecord], partial: Path
) -> None:
    """Copy the stores' archives, which must be there once each, and nothing besides."""
    wanted = {f"{store}{ARCHIVE}" for store in stores}
    for member in _rest(tar):
        if member.name not in wanted or not member.isreg() or member.issparse():
            raise _not_ours(file, f"it holds '{shown(member.name)}'")
        wanted.discard(member.name)
        content = tar.extractfile(member)
        with os.fdopen(os.open(partial / member.name, NEW, 0o600), "wb") as made:
            if content is not None:
                shutil.copyfileobj(content, made, CHUNK)
    if wanted:
        raise _not_ours(file, f"it lacks {', '.join(sorted(wanted))}")


def _rest(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (member := tar.next()) is not None:
        yield member


def _check(partial: Path, store: tuple[str, StoreRecord]) -> None:
    """Refuse an archive with other content than its record says."""
    name, record = store
    if not record.packed:
        raise BadInput([Problem(name, "is not packed, by its manifest; export the snapshot again")])
    packing.check(partial / f"{name}{ARCHIVE}", record.size)


def _archives(snapshot: Snapshot, partial: Path) -> dict[str, Path]:
    """Name each store's archive; what shares its blocks with the store's files is packed first."""
    found = {}
    for store, record in snapshot.manifest.stores.items():
        found[store] = snapshot.folder / f"{store}{ARCHIVE}"
        if not record.packed:
            found[store] = partial / f"{store}{ARCHIVE}"
            copying.require_room(partial, record.size_bytes, "the archive")
            packing.pack(snapshot.folder / store, found[store])
    return found


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    tar.addfile(member, content)


def _not_ours(file: Path, why: str) -> BadInput:
    what = f"not a file of `tarmac snapshot export` ({why}); export the snapshot again"
    return BadInput([Problem(shown(file), what)])
