"""Gates asked about hand-written objects: `tests/gates/<ID>/{good,bad}-N.yaml`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest
import yaml
from rendered import plan_of, system_of

from tarmac.base.artifact import Artifact, recognised, write
from tarmac.base.report import Finding, Skip
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject

FOLDER = Path(__file__).parents[1] / "gates"
TODAY = date(2026, 11, 20)


def fixtures(gate: str, start: str) -> list[Path]:
    """List a gate's good or bad objects; whole files, `NAME-files-*`, are for test_files.py."""
    found = sorted((FOLDER / gate).glob(f"{start}-*.yaml"))
    return [path for path in found if not path.name.startswith(f"{start}-files-")]


def expected(path: Path) -> str:
    """Read what a finding of a bad file must say: its first line."""
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def objects(path: Path) -> tuple[Artifact, ...]:
    """Read the objects of a file, one for each document."""
    documents = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    return tuple(
        Artifact(f"{path.stem}-{number}.yaml", document, format=recognised(document))
        for number, document in enumerate(documents)
        if document
    )


def files(path: Path) -> tuple[Artifact, ...]:
    """Read the files that one names with their content: a text, or an object."""
    named = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tuple(
        Artifact(name, content, format=recognised(content)) for name, content in named.items()
    )


def written(artifacts: Iterable[Artifact], folder: Path) -> Path:
    """Write a tree to disk."""
    for artifact in artifacts:
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write(artifact, "Written by a test."), encoding="utf-8")
    return folder


def findings(
    gate: Gate, artifacts: tuple[Artifact, ...], folder: Path | None = None
) -> list[Finding]:
    """Ask a gate; skips the test where it cannot be asked."""
    subject = Subject(system_of("shop"), plan_of("shop", "kind"), artifacts, TODAY, folder)
    try:
        return list(gate.check(subject))
    except Skip as skip:
        pytest.skip(str(skip))
