"""What an extension's own tests look like: contracts are data and pure functions."""

from __future__ import annotations

import time
from datetime import date

from tarmac_example.fault import FAULT, Stutter
from tarmac_example.gate import GATE
from tarmac_example.store import STORE

from tarmac.extend import Artifact, Folder, Format


def deployment(labels: dict[str, str]) -> Artifact:
    """Make a Deployment with these labels."""
    content = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": labels},
    }
    return Artifact("web.yaml", content, format=Format.OBJECT)


def findings(artifact: Artifact) -> list[str]:
    """Ask the gate about one file."""
    judge = GATE.of_files
    assert judge is not None
    return [str(found) for found in judge(Folder((artifact,), date(2026, 1, 1)))]


def test_a_workload_without_the_label_is_found() -> None:
    assert findings(deployment({})) == [
        "web.yaml: Deployment web has no label `cost-centre`; add it"
    ]


def test_a_workload_with_the_label_passes() -> None:
    assert findings(deployment({"cost-centre": "42"})) == []


def test_the_store_offers_what_services_ask_for() -> None:
    assert {"url", "host", "port", "user", "password"} <= STORE.outputs.keys()


class OneService:
    """A target with one service, which notes whether it is paused."""

    paused = False

    def find(self, name: str) -> tuple[str, ...]:
        return (name,)

    def pause(self, names: tuple[str, ...]) -> None:
        self.paused = True

    def moving(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return () if self.paused else names

    def resume(self, names: tuple[str, ...]) -> None:
        self.paused = False


def test_the_fault_is_proven_while_it_is_there_and_undone_afterwards() -> None:
    target = OneService()
    with FAULT.inject(target, Stutter(fault="stutter", on="web")) as witness:  # type: ignore[arg-type]
        assert not witness().present
        while not witness().present:
            time.sleep(0.01)
    assert not target.paused
