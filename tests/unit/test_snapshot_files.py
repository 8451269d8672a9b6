"""What is in a snapshot's files, and what of a file that comes from elsewhere is refused."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from tarmac.base.errors import BadInput
from tarmac.run.local.snapshots import copying, manifest, packing, sealing, transfer
from tarmac.run.local.snapshots.copying import DataSize
from tarmac.run.local.snapshots.library import AUTOMATIC, Library
from tarmac.run.local.snapshots.manifest import Manifest, StoreRecord
from tarmac.run.local.state.paths import Home

CONTENT = b"one row\n" * 100
RECORD = StoreRecord("postgres", "embedded", "18.6", 1, len(CONTENT), packed=True)
SECRETS = {"services/web/KEY": "0123456789abcdef"}
MANIFEST = Manifest("one", "shop", "default", "2026-11-01T00:00:00+00:00", "", {"db": RECORD})


@pytest.fixture
def snapshots(tmp_path: Path) -> Library:
    (tmp_path / "system").mkdir()
    return Library(tmp_path / "system/.tarmac/.snapshots")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "base").mkdir(parents=True)
    (folder / "base/1").write_bytes(CONTENT)
    return folder


def keep(snapshots: Library, data: Path, **changes: object) -> None:
    made = replace(MANIFEST, **changes)
    with snapshots.locked(), snapshots.new(made.name) as partial:
        packing.pack(data, partial / "db.tar.gz")
        sealing.write(partial, SECRETS)
        snapshots.commit(partial, made)


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, **more: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = kind
    for key, value in more.items():
        setattr(made, key, value)
    return made


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\nb", "-x", ".hidden", "x" * 65, "x" * 5000, "a b", "ä"]
)
def test_a_name_that_is_no_plain_word_is_refused_with_what_to_do(name):
    with pytest.raises(BadInput, match="not a name for a snapshot; use letters") as refused:
        manifest.check_name(name)
    assert len(str(refused.value)) < 400
    assert str(refused.value).isprintable()


def test_a_manifest_is_read_as_it_was_written():
    assert manifest.parse(manifest.as_json(MANIFEST), "x") == MANIFEST


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ('"format":1', "of a newer Tarmac"),
        ('"db"', "it was not written by Tarmac"),
        ('"size_bytes":800', "negative size"),
        ('"files":1', "not the manifest of a snapshot"),
    ],
)
def test_a_manifest_that_another_program_wrote_is_refused(changed, why):
    wrong = {
        '"format":1': '"format":2',
        '"db"': '"../db"',
        '"size_bytes":800': '"size_bytes":-1',
        '"files":1': '"files":"x"',
    }
    text = manifest.as_json(MANIFEST).replace(": ", ":")
    assert changed in text
    with pytest.raises(BadInput, match=why):
        manifest.parse(text.replace(changed, wrong[changed]), "x")


def test_what_was_packed_comes_out_as_it_was_and_private(data: Path, tmp_path: Path):
    packing.pack(data, tmp_path / "x.tar.gz")
    packing.unpack(tmp_path / "x.tar.gz", tmp_path / "out", RECORD.size)
    assert (tmp_path / "out/base/1").read_bytes() == CONTENT
    modes = {
        name: stat.S_IMODE((tmp_path / name).stat().st_mode)
        for name in ("x.tar.gz", "out", "out/base", "out/base/1")
    }
    assert modes == {"x.tar.gz": 0o600, "out": 0o700, "out/base": 0o700, "out/base/1": 0o600}


@pytest.mark.parametrize(
    "hostile",
    [
        member("../out"),
        member("/etc/x"),
        member("a/../../x"),
        member("a//x"),
        member("link", tarfile.SYMTYPE, linkname="/etc"),
        member("link", tarfile.LNKTYPE, linkname="../x"),
        member("null", tarfile.CHRTYPE),
        member("disk", tarfile.BLKTYPE),
        member("pipe", tarfile.FIFOTYPE),
        member("x" * 300),
        member("d/" * 70 + "x"),
    ],
    ids=lambda made: f"{made.name[:12]}-{made.type.decode()}",
)
def test_an_archive_that_leaves_its_folder_is_refused(hostile, tmp_path: Path):
    made = archive(tmp_path / "x.tar.gz", (hostile, b""))
    with pytest.raises(BadInput, match="not an archive of a snapshot"):
        packing.unpack(made, tmp_path / "out", DataSize(1, 100))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "x.tar.gz"]
    assert list((tmp_path / "out").iterdir()) == []


def test_an_archive_that_unpacks_to_more_than_it_says_is_refused(tmp_path: Path):
    zeros = bytes(48 * 1024**2)
    made = archive(tmp_path / "x.tar.gz", (member("big", size=len(zeros)), zeros))
    assert made.stat().st_size < 1024**2
    with pytest.raises(BadInput, match="larger than it says"):
        packing.check(made, DataSize(1, 1000))


def test_a_header_that_claims_a_gigabyte_takes_no_memory(tmp_path: Path):
    claimed = member("pax", tarfile.XHDTYPE, size=1 << 30)
    with gzip.open(tmp_path / "x.tar.gz", "wb") as packed:
        packed.write(claimed.tobuf(tarfile.PAX_FORMAT))
    with pytest.raises(BadInput, match="not an archive of a snapshot"):
        packing.check(tmp_path / "x.tar.gz", DataSize(1, 1 << 40))


def test_a_cut_archive_is_refused(data: Path, tmp_path: Path):
    (data / "noise").write_bytes(os.urandom(100_000))
    packing.pack(data, tmp_path / "x.tar.gz")
    content = (tmp_path / "x.tar.gz").read_bytes()
    (tmp_path / "x.tar.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(BadInput, match="not an archive of a snapshot"):
        packing.check(tmp_path / "x.tar.gz", DataSize(2, 100_800))


def test_every_damaged_byte_of_an_archive_is_noticed(data: Path, tmp_path: Path):
    for number in range(20):
        (data / f"noise-{number}").write_bytes(os.urandom(700))
    size = copying.measure([data])
    packing.pack(data, tmp_path / "x.tar.gz")
    whole = (tmp_path / "x.tar.gz").read_bytes()
    for place in range(20, len(whole), 997):
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        (tmp_path / "y.tar.gz").write_bytes(broken)
        with pytest.raises(BadInput, match="not an archive of a snapshot"):
            packing.check(tmp_path / "y.tar.gz", size)


def test_an_exported_snapshot_is_private_and_is_read_in_under_another_name(
    snapshots: Library, data: Path, tmp_path: Path
):
    keep(snapshots, data)
    file = tmp_path / "one.snapshot"
    transfer.export(snapshots, "one", file, force=False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    taken = transfer.read_in(snapshots, file, "shop", "two", force=False)
    assert taken.manifest == replace(MANIFEST, name="two")
    assert [one.manifest.name for one in snapshots.all()] == ["one", "two"]
    with pytest.raises(BadInput, match="the file exists"):
        transfer.export(snapshots, "one", file, force=False)
    with pytest.raises(BadInput, match="a snapshot of that name exists"):
        transfer.read_in(snapshots, file, "shop", "", force=False)
    with pytest.raises(BadInput, match="of the system 'shop', not of 'travel'"):
        transfer.read_in(snapshots, file, "travel", "three", force=False)


FIRST = ("manifest.json", "secrets.json")


def test_a_snapshot_that_shares_blocks_is_packed_when_it_is_exported(
    snapshots: Library, data: Path, tmp_path: Path, monkeypatch
):
    # Not every file system can: what the kernel would do is done here.
    def cloned(source: int, target: int) -> bool:
        return os.sendfile(target, source, 0, 10**6) >= 0

    monkeypatch.setattr(copying, "_cloned", cloned)
    assert copying.has_reflinks(data, tmp_path) == (sys.platform == "linux")
    made = replace(MANIFEST, stores={"db": replace(RECORD, packed=False)})
    with snapshots.locked(), snapshots.new("one") as partial:
        copying.copy(data, partial / "db", reflinks=True)
        sealing.write(partial, SECRETS)
        snapshots.commit(partial, made)
    assert (snapshots.folder / "one/db/base/1").read_bytes() == CONTENT
    transfer.export(snapshots, "one", tmp_path / "x", force=False)
    taken = transfer.read_in(snapshots, tmp_path / "x", "shop", "two", force=False)
    assert taken.manifest == replace(MANIFEST, name="two")
    packing.unpack(taken.folder / "db.tar.gz", tmp_path / "out", RECORD.size)
    assert (tmp_path / "out/base/1").read_bytes() == CONTENT


def outer(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            tar.addfile(member(name, size=len(content)), io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("db.tar.gz",), "does not begin with manifest.json"),
        ((*FIRST[:1], "db.tar.gz"), "does not begin with manifest.json and secrets.json"),
        (FIRST, "it lacks db.tar.gz"),
        ((*FIRST, "../db.tar.gz"), "it holds"),
        ((*FIRST, "db.tar.gz", "db.tar.gz"), "it holds 'db.tar.gz'"),
        ((*FIRST, "db.tar.gz", "more"), "it holds 'more'"),
    ],
)
def test_a_file_with_other_members_is_refused_and_leaves_nothing(
    names, why, snapshots: Library, data: Path, tmp_path: Path
):
    packing.pack(data, tmp_path / "db.tar.gz")
    packed = (tmp_path / "db.tar.gz").read_bytes()
    content = {"manifest.json": manifest.as_json(MANIFEST).encode(), "secrets.json": b"{}"}
    file = outer(tmp_path / "x", *((name, content.get(name, packed)) for name in names))
    with pytest.raises(BadInput, match=why):
        transfer.read_in(snapshots, file, "shop", "", force=False)
    assert [path.name for path in snapshots.folder.iterdir()] == [".lock"]


def test_a_file_whose_stores_are_not_as_its_manifest_says_is_refused(
    snapshots: Library, data: Path, tmp_path: Path
):
    packing.pack(data, tmp_path / "db.tar.gz")
    packed = (tmp_path / "db.tar.gz").read_bytes()
    lying = replace(MANIFEST, stores={"db": replace(RECORD, files=2)})
    text = manifest.as_json(lying).encode()
    file = outer(
        tmp_path / "x", ("manifest.json", text), ("secrets.json", b"{}"), ("db.tar.gz", packed)
    )
    with pytest.raises(BadInput, match="where its manifest says 2 of 800"):
        transfer.read_in(snapshots, file, "shop", "", force=False)
    assert snapshots.all() == []


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{",
        b'{"services/web/KEY": 1}',
        b'{"services/web/KEY": "not hexadecimal"}',
        b'{"elsewhere": "0123456789abcdef"}',
        b'{"stores/db/web": "0123456789abcdef"}',
        b"[" * 100_000,
    ],
)
def test_secrets_that_tarmac_did_not_generate_are_refused(content):
    with pytest.raises(BadInput, match="holds secrets of another form"):
        sealing.parse(content, "x")


def test_secrets_of_dotenv_and_passwords_of_stores_are_in_no_snapshot(tmp_path: Path):
    home = Home(tmp_path / ".tarmac/default")
    home.root.mkdir(parents=True)
    value = "0123456789abcdef"
    paths = ("services/web/KEY", "services/web/GIVEN", "shared/TOKEN", "stores/db/admin")
    home.secrets.write_text(json.dumps({**dict.fromkeys(paths, value), "shared/NAME": "plain"}))
    (tmp_path / ".env").write_text(f"GIVEN={value}\n")
    assert set(sealing.collect(home, ())) == {"services/web/KEY", "shared/TOKEN"}


def test_three_automatic_snapshots_are_kept_and_all_of_the_users(snapshots: Library, data: Path):
    keep(snapshots, data, name="mine")
    for number in range(AUTOMATIC + 2):
        at = f"2026-11-0{number + 2}T00:00:00+00:00"
        keep(snapshots, data, name=f"auto-{number}", before="reset", taken_at=at)
    names = [one.manifest.name for one in snapshots.all()]
    assert names == ["mine", "auto-2", "auto-3", "auto-4"]


def test_what_a_killed_verb_left_is_ended_by_the_next_one(snapshots: Library, data: Path):
    keep(snapshots, data)
    (snapshots.folder / ".half.partial").mkdir()
    (snapshots.folder / "one").rename(snapshots.folder / ".one.replaced")
    with snapshots.locked():
        names = sorted(path.name for path in snapshots.folder.iterdir())
    assert names == [".lock", "one"]


def test_two_verbs_do_not_work_at_once(snapshots: Library):
    refused = pytest.raises(BadInput, match="another `tarmac snapshot` works here")
    with snapshots.locked(), refused, snapshots.locked():
        pass


def test_a_damaged_snapshot_is_named_and_can_be_deleted(snapshots: Library, data: Path):
    keep(snapshots, data)
    (snapshots.folder / "one/manifest.json").write_text("{")
    assert snapshots.all() == []
    (said,) = snapshots.damaged()
    assert "not the manifest of a snapshot" in said
    snapshots.delete(snapshots.place("one"))
    assert snapshots.damaged() == []


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(BadInput, match=r"needs 1,\d{3},\d{3},\d{3} MB, and the disk has"):
        copying.require_room(tmp_path, 10**15, "the snapshot")


def test_data_behind_a_link_is_refused(tmp_path: Path):
    (tmp_path / "data").symlink_to("/var")
    with pytest.raises(BadInput, match="is a link"):
        copying.measure([tmp_path / "data"])


def test_a_draft_is_completed_with_what_changed_since(data: Path, tmp_path: Path):
    quiet = data / "base/1"
    os.utime(quiet, ns=(1, 1))
    (data / "fresh").write_bytes(b"new")
    draft = copying.drafted(data, tmp_path / "copy")
    # Its time of change cannot be set: it counts as fresh, so that nothing is taken for quiet.
    assert draft == {}
    (data / "base/2").write_bytes(b"later")
    quiet.unlink()
    copying.copy(data, tmp_path / "copy", draft=draft)
    found = {p.relative_to(tmp_path / "copy").as_posix() for p in (tmp_path / "copy").rglob("*")}
    assert found == {"base", "base/2", "fresh"}


def test_a_file_that_was_quiet_is_copied_once(data: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(copying, "QUIET_NS", 0)
    draft = copying.drafted(data, tmp_path / "copy")
    assert set(draft) == {data / "base/1"}
    (tmp_path / "copy/base/1").write_bytes(b"of the draft")
    copying.copy(data, tmp_path / "copy", draft=draft)
    assert (tmp_path / "copy/base/1").read_bytes() == b"of the draft"
    (data / "base/1").write_bytes(b"changed")
    copying.copy(data, tmp_path / "copy", draft=draft)
    assert (tmp_path / "copy/base/1").read_bytes() == b"changed"
