"""Files of JSON in a tree or repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from tarmac.base.foreign.data import from_json
from tarmac.base.foreign.reading import Fields
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.shapes.fitting import fitted


@lru_cache(maxsize=512)  # several gates read each dashboard
def json_object(text: str) -> Fields | None:
    """Read an object of JSON, which its readers must not change; None where the text is none."""
    try:
        found = from_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def data_of(files: Files, path: str) -> Any:
    """Read a file of the tree that is JSON; None where it is not there or is none."""
    for artifact in files.artifacts:
        if artifact.path == path:
            if not isinstance(artifact.content, str):
                return artifact.content
            try:
                read_data = from_json(artifact.content)
            except ValueError:
                return None
            is_mapping = isinstance(read_data, Mapping)
            return fitted(replace(artifact, content=read_data)).data if is_mapping else read_data
    return None
