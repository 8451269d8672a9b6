"""Which snapshots a copy can go on with, and an exchange of data that is cut short at any step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tarmac.base import registry
from tarmac.base.errors import BadInput
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import StoreKind
from tarmac.run.local.snapshots import exchange, loading, saving
from tarmac.run.local.snapshots.exchange import Exchange
from tarmac.run.local.snapshots.library import Snapshot
from tarmac.run.local.snapshots.local_stores import LocalStore, LocalStores
from tarmac.run.local.snapshots.manifest import Manifest, StoreRecord
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor.stopped_stores import StoreStopper

KINDS: dict[str, StoreKind] = registry.load(stores, "STORE")
HERE = Path("/nowhere")


def a_store(name: str, kind: str, version: str, provider: str = "embedded") -> LocalStore:
    return LocalStore(name, KINDS[kind], provider, version, HERE / name, is_outside=False)


def found(*here: LocalStore) -> LocalStores:
    return LocalStores("shop", {store.name: store for store in here}, {}, fast=False)


def a_snapshot(**stores: StoreRecord) -> Snapshot:
    return Snapshot(HERE, Manifest("one", "shop", "default", "2026-11-01T00:00:00", "", stores))


RECORD = StoreRecord("postgres", "embedded", "18.6.3", 1, 1, packed=True)


def test_another_patch_of_the_same_server_goes_on_with_the_data():
    loading.check(a_snapshot(db=RECORD), found(a_store("db", "postgres", "18.9")))


@pytest.mark.parametrize(
    ("store", "why"),
    [
        (
            a_store("db", "postgres", "17.2"),
            "db: the snapshot is of postgres 18.6.3 by provider 'embedded', here is postgres 17.2",
        ),
        (a_store("db", "postgres", "18.6.3", "docker"), "by provider 'docker'; run that version"),
        (a_store("db", "redis", "18.6.3"), "here is redis 18.6.3"),
        (a_store("other", "postgres", "18.6.3"), "db: is in the snapshot, and did not run here"),
    ],
    ids=["version", "provider", "kind", "name"],
)
def test_data_that_a_server_cannot_go_on_with_is_refused(store, why):
    with pytest.raises(BadInput) as refused:
        loading.check(a_snapshot(db=RECORD), found(store))
    assert why in str(refused.value)


def test_another_set_of_stores_and_another_system_are_refused_with_every_reason():
    here = found(a_store("db", "postgres", "18.6.3"), a_store("cache", "redis", "9.1"))
    with pytest.raises(BadInput) as refused:
        loading.check(a_snapshot(db=RECORD), replace(here, system="travel"))
    assert len(refused.value.problems) == 2
    assert "a snapshot of the system 'shop', not of 'travel'" in str(refused.value)
    assert "cache: is not in the snapshot 'one'" in str(refused.value)


def test_a_cache_in_memory_needs_no_data():
    loading.check(
        a_snapshot(db=RECORD),
        found(a_store("db", "postgres", "18.6.3"), a_store("cache", "memcached", "1.6")),
    )


def test_mongodb_goes_on_only_where_its_password_is_the_same_or_none_is_there():
    record = replace(RECORD, kind="mongodb", provider="binary", version="7.0.1", admin="abc")
    store = a_store("db", "mongodb", "7.0.9", "binary")
    loading.check(a_snapshot(db=record), found(replace(store, admin="abc")))
    loading.check(a_snapshot(db=record), found(store))
    with pytest.raises(BadInput, match="holds the password of the copy it was saved in"):
        loading.check(a_snapshot(db=record), found(replace(store, admin="other")))


def test_data_of_newer_code_is_refused_unless_it_is_wished():
    had, newer = ("schema_migrations orders 1",), "schema_migrations orders 2"
    record = replace(RECORD, migrations=(*had, newer))
    here = found(replace(a_store("db", "postgres", "18.6.3"), migrations=had))
    with pytest.raises(BadInput) as refused:
        loading.check(a_snapshot(db=record), here)
    assert f"has not had ({newer}); use the code that brings them, or" in str(refused.value)
    loading.check(a_snapshot(db=record), here, force=True)
    assert loading.older(a_snapshot(db=record), here) == []


def test_stores_that_had_migrations_since_are_named():
    record = replace(RECORD, migrations=("django_migrations shop 0001",))
    since = ("django_migrations shop 0001", "django_migrations shop 0002")
    here = found(replace(a_store("db", "postgres", "18.6.3"), migrations=since))
    loading.check(a_snapshot(db=record), here)
    assert loading.older(a_snapshot(db=record), here) == ["db"]


def test_what_was_not_asked_is_not_compared():
    record = replace(RECORD, migrations=("schema_migrations orders 1",))
    here = found(a_store("db", "postgres", "18.6.3"))
    loading.check(a_snapshot(db=record), here)
    assert loading.older(a_snapshot(db=RECORD), here) == []


def test_what_fast_stores_hold_in_memory_is_not_saved_as_nothing(tmp_path: Path, monkeypatch):
    fast = replace(found(a_store("cache", "redis", "9.1")), fast=True)
    monkeypatch.setattr(saving.local_stores, "stores_of", lambda _: fast)
    home = Home(tmp_path / ".tarmac/default")
    with pytest.raises(BadInput, match="cache: runs with --fast-stores"):
        saving.save(home, "one", StoreStopper(home, running=False))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_says_what_of_it_is_kept(kind):
    rule = KINDS[kind].snapshot
    assert rule.is_empty == (kind == "memcached")
    assert rule.same_numbers >= 1


class Killed(BaseException):
    """The end of the process, at this very step."""


@pytest.mark.parametrize("steps", range(7))
def test_an_exchange_that_was_decided_is_completed_wherever_it_was_cut_short(
    steps, tmp_path: Path, monkeypatch
):
    home = Home(tmp_path / ".tarmac/default")
    for name in ("db", "cache"):
        places = Exchange(home.nodes / name)
        for folder, content in ((places.folder, "old"), (places.new, "new")):
            folder.mkdir(parents=True)
            (folder / "rows").write_text(content)
    home.secrets.write_text("old")
    (home.root / exchange.SECRETS).write_text("new")
    exchange.begin(home, {"db": False, "cache": False})
    left = steps

    def counted(before):
        def step(*args, **kwargs):
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return before(*args, **kwargs)

        return step

    with monkeypatch.context() as patched:
        for name in ("rename", "replace", "unlink"):
            patched.setattr(Path, name, counted(getattr(Path, name)))
        try:
            exchange.complete(home)
            killed = False
        except Killed:
            killed = True
    assert killed == (steps < 6)
    exchange.finish(home)
    content = {
        path.relative_to(home.root).as_posix(): path.read_text()
        for path in home.root.rglob("*")
        if path.is_file()
    }
    assert content == {"nodes/db/rows": "new", "nodes/cache/rows": "new", "secrets.json": "new"}


def test_an_exchange_that_was_not_decided_leaves_the_old_data(tmp_path: Path):
    home = Home(tmp_path / ".tarmac/default")
    places = Exchange(home.nodes / "db")
    for folder, content in ((places.folder, "old"), (places.new, "half")):
        folder.mkdir(parents=True)
        (folder / "rows").write_text(content)
    (home.root / exchange.SECRETS).write_text("new")
    exchange.finish(home)
    assert [p.name for p in home.nodes.iterdir()] == ["db"]
    assert (home.nodes / "db/rows").read_text() == "old"
    assert not (home.root / exchange.SECRETS).exists()


def test_a_copy_does_not_start_while_a_snapshot_of_it_is_loaded(tmp_path: Path):
    home = Home(tmp_path / ".tarmac/default")
    home.root.mkdir(parents=True)
    with exchange.locked(home), pytest.raises(BadInput, match="being saved or loaded here"):
        exchange.recover(home)
