"""A catalogue is its folder: one file, one constant, no list to edit."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from importlib.machinery import ModuleSpec

import pytest

from tarmac import registry, stores
from tarmac.registry import BrokenExtension


@dataclass(frozen=True)
class Thing:
    id: str


class Folder:
    """A package in memory: modules by name, found as on disk."""

    def __init__(self, monkeypatch, **modules: dict) -> None:
        self.package = types.ModuleType("catalogue")
        self.package.__path__ = ["nowhere"]
        monkeypatch.setitem(sys.modules, "catalogue", self.package)
        found = [types.SimpleNamespace(name=name) for name in sorted(modules, reverse=True)]
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


def test_a_file_without_the_constant_is_named(monkeypatch):
    folder = Folder(monkeypatch, a={})
    with pytest.raises(BrokenExtension, match=r"catalogue/a\.py: defines no THING; add it"):
        registry.load(folder.package, "THING")


def test_an_id_that_occurs_twice_names_both_files(monkeypatch):
    folder = Folder(monkeypatch, a={"THING": Thing("x")}, b={"THING": Thing("x")})
    with pytest.raises(BrokenExtension, match=r"b\.py: id 'x' is taken by catalogue/a\.py"):
        registry.load(folder.package, "THING")


def test_an_installed_package_adds_its_own(monkeypatch):
    point = types.SimpleNamespace(name="extra", group="tarmac.stores", load=lambda: Thing("extra"))
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    assert "extra" in registry.load(stores, "STORE")


def test_the_stores_are_there():
    assert list(registry.load(stores, "STORE")) == [
        *("kafka", "mail", "mongodb", "nats", "postgres", "rabbitmq", "redis"),
    ]
