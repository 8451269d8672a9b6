"""A catalogue is its folder: one file, one constant, no list to edit."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tarmac import adopt, render
from tarmac.base import registry
from tarmac.base.registry import BrokenExtension
from tarmac.catalog import stores
from tarmac.check import gates


@dataclass(frozen=True)
class Thing:
    id: str


class Folder:
    """A package in memory: modules by name, found as on disk."""

    def __init__(self, monkeypatch, **modules: dict) -> None:
        self.package = types.ModuleType("catalogue")
        self.package.__path__ = ["nowhere"]
        monkeypatch.setitem(sys.modules, "catalogue", self.package)
        found = [
            types.SimpleNamespace(name=name, ispkg=False) for name in sorted(modules, reverse=True)
        ]
        monkeypatch.setattr("pkgutil.iter_modules", lambda path: found)
        for name, content in modules.items():
            module = types.ModuleType(f"catalogue.{name}")
            module.__file__ = f"catalogue/{name}.py"
            module.__spec__ = ModuleSpec(module.__name__, None)
            vars(module).update(content)
            monkeypatch.setitem(sys.modules, module.__name__, module)


def test_extensions_come_in_the_files_order_and_private_files_are_skipped(monkeypatch):
    folder = Folder(
        monkeypatch, b={"THING": Thing("second")}, a={"THING": Thing("first")}, _base={}
    )
    assert list(registry.load(folder.package, "THING")) == ["first", "second"]


def test_what_a_catalogue_shares_is_skipped_and_its_topics_are_walked():
    assert {"inputs", "gate", "live", "subject", "views"} == set(gates.SHARED)
    found = [module.__name__ for module in registry.modules(gates)]
    assert "tarmac.check.gates.observability.obs005_retention" in found
    assert not [
        name
        for name in found
        if name.startswith(
            ("tarmac.check.gates.gate", "tarmac.check.gates.subject", "tarmac.check.gates.v")
        )
    ]


def test_a_file_without_the_constant_is_named(monkeypatch):
    folder = Folder(monkeypatch, a={})
    with pytest.raises(BrokenExtension, match=r"catalogue/a\.py: defines no THING; add it"):
        registry.load(folder.package, "THING")


def test_an_id_that_occurs_twice_names_both_files(monkeypatch):
    folder = Folder(monkeypatch, a={"THING": Thing("x")}, b={"THING": Thing("x")})
    with pytest.raises(BrokenExtension, match=r"b\.py: id 'x' is taken by catalogue/a\.py"):
        registry.load(folder.package, "THING")


def test_an_installed_package_adds_its_own(monkeypatch):
    own = replace(registry.load(stores, "STORE")["redis"], id="extra")
    offered(monkeypatch, lambda: own)
    assert "extra" in registry.load(stores, "STORE")


@pytest.mark.parametrize(
    ("load", "said"),
    [
        (lambda: Thing("extra"), r"tarmac\.stores:extra: is no StoreKind \(Thing\(id='extra'\)\)"),
        (lambda: 1 / 0, r"tarmac\.stores:extra: cannot be loaded \(ZeroDivisionError"),
    ],
)
def test_a_package_that_offers_something_else_is_named(monkeypatch, load, said):
    offered(monkeypatch, load)
    with pytest.raises(BrokenExtension, match=said):
        registry.load(stores, "STORE")


@pytest.mark.parametrize(
    ("package", "group"),
    [
        (stores, "tarmac.stores"),
        (gates, "tarmac.gates"),
        (render, "tarmac.renderers"),
        (adopt, "tarmac.recognisers"),
    ],
)
def test_each_catalogue_reads_the_group_that_the_guide_names(monkeypatch, package, group):
    constants = {stores: "STORE", gates: "GATE", render: "RENDERER", adopt: "RECOGNISER"}
    asked = []
    monkeypatch.setattr(registry, "entry_points", lambda group: asked.append(group) or [])
    assert registry.load(package, constants[package])
    assert asked == [group]


def offered(monkeypatch, load):
    """Have another package offer a store kind."""
    point = types.SimpleNamespace(name="extra", group="tarmac.stores", load=load)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])


def test_every_file_of_stores_is_a_kind_of_its_name():
    files = {path.stem for path in Path(stores.__file__).parent.glob("*.py")}
    shared = {"__init__", *stores.SHARED}
    assert set(registry.load(stores, "STORE")) == files - shared


def test_a_catalogue_imports_a_file_when_its_id_is_first_asked_for(monkeypatch):
    folder = Folder(monkeypatch, a={"THING": Thing("a")}, b={}, _base={})
    monkeypatch.setattr(registry, "entry_points", lambda group: [])
    things = registry.catalogue(folder.package, "THING")
    assert things["a"] == Thing("a")
    assert list(things) == ["a", "b"]  # `b` has no constant, and was not asked for
    assert "c" not in things


def test_a_catalogue_that_others_extend_is_loaded_at_once(monkeypatch):
    theirs = replace(registry.load(stores, "STORE")["redis"], id="theirs")
    offered(monkeypatch, lambda: theirs)
    assert registry.catalogue(stores, "STORE")["theirs"] == theirs
    offered(monkeypatch, lambda: replace(theirs, id="redis"))
    with pytest.raises(BrokenExtension, match="id 'redis' is taken"):
        registry.catalogue(stores, "STORE")
