"""Gatekeeper's constraints: what their policies are given."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.subject import Files
from tarmac.gates.views.reading import fields, texts


def constraint_texts(files: Files) -> Iterator[str]:
    """Yield the texts in the lists that constraints give to their policies."""
    for artifact in files.objects():
        if str(artifact.data["apiVersion"]).startswith("constraints.gatekeeper.sh/"):
            for value in fields(artifact.data, "spec", "parameters").values():
                yield from texts(value) if isinstance(value, list) else ()
