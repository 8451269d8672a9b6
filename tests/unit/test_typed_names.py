"""A model is loaded once for an environment; errors name its files as they were typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tarmac.base.errors import BadInput
from tarmac.base.foreign import files
from tarmac.model import loader
from tarmac.render import in_memory

MODEL = """\
tarmac: 1
system: shop
services:
  orders:
    source: ../../services/orders
    calls: [payments, missing]
  payments:
    source: parts/payments
environments:
  production: {registry: registry.example.com, target: cluster}
"""
CONFLICT = """\
tarmac: 1
system: shop
services:
  orders: {run: [x], port: 8080}
  payments: {run: [x], port: 8080}
environments:
  production: {registry: registry.example.com, target: cluster}
"""
PART = "part: {}\nrun: [x]\nwrong: true\n"


@pytest.fixture
def folder(tmp_path):
    """Write a model with mistakes in three files."""
    for name, text in {
        "systems/shop/tarmac.yaml": MODEL,
        "systems/shop/parts/payments/service.yaml": PART,
        "services/orders/service.yaml": PART,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("cwd", "typed"),
    [
        (".", "systems/shop/tarmac.yaml"),
        ("systems/shop", "tarmac.yaml"),
        ("systems", "shop/tarmac.yaml"),
        ("services/orders", "../../systems/shop/tarmac.yaml"),
        ("services", "{folder}/systems/shop/tarmac.yaml"),
    ],
)
def test_errors_of_a_rendered_model_name_its_files_as_they_were_typed(
    folder, cwd, typed, monkeypatch
):
    monkeypatch.chdir(folder / cwd)
    file = typed.format(folder=folder)
    with pytest.raises(BadInput) as expected:
        loader.load(file, files.content)
    with pytest.raises(BadInput) as found:
        in_memory.planned(Path(file), "production")
    assert found.value.problems == expected.value.problems
    assert len({one.where.partition(":")[0] for one in found.value.problems}) == 3


def test_places_in_an_errors_text_are_named_as_they_were_typed(folder, monkeypatch):
    monkeypatch.chdir(folder / "systems")
    (folder / "systems/shop/tarmac.yaml").write_text(CONFLICT)
    with pytest.raises(BadInput) as found:
        in_memory.planned(Path("shop/tarmac.yaml"), "production")
    said = str(found.value)
    assert "(shop/tarmac.yaml:4:" in said
    assert "systems/" not in said


def test_a_model_with_a_mistake_is_loaded_once(folder, monkeypatch):
    read: list[str] = []

    def counted(path):
        read.append(Path(path).name)
        return files.content(path)

    monkeypatch.setattr(in_memory, "files", type("Counted", (), {"content": staticmethod(counted)}))
    with pytest.raises(BadInput):
        in_memory.planned(folder / "systems/shop/tarmac.yaml", "production")
    assert sorted(read) == ["service.yaml", "service.yaml", "tarmac.yaml"]
