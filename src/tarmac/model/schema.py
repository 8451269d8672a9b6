"""The JSON Schemas of `tarmac.yaml` and `service.yaml`, made from the model itself."""

from __future__ import annotations

from typing import Any

from tarmac.model.part import Part
from tarmac.model.system import SystemFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def system_schema() -> dict[str, Any]:
    """Make the schema of `tarmac.yaml`, short forms included."""
    schema = SystemFile.model_json_schema(mode="validation")
    return {"$schema": DIALECT, **schema, "title": "tarmac.yaml"}


def part_schema() -> dict[str, Any]:
    """Make the schema of `service.yaml`."""
    return {
        "$schema": DIALECT,
        **Part.model_json_schema(mode="validation"),
        "title": "service.yaml",
    }
