"""Our systems on another broker than their own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tarmac.catalog.stores.rabbitmq import STORE
from tarmac.run.local.host import offers

ROOT = Path(__file__).parents[2]


def on_rabbitmq(folder: Path) -> Path:
    """Copy the shop with another broker."""
    if offers.find(STORE) is None:
        pytest.skip("this machine has no RabbitMQ (apt-get install rabbitmq-server)")
    shutil.copytree(ROOT / "systems/shop/seed", folder / "seed")
    file = (ROOT / "systems/shop/tarmac.yaml").read_text()
    changed = file.replace("../../services", str(ROOT / "services"))
    changed = changed.replace("\nbroker: nats\n", "\nbroker: rabbitmq\n")
    assert changed.count("\nbroker: rabbitmq\n") == 1
    (folder / "tarmac.yaml").write_text(changed)
    return folder
