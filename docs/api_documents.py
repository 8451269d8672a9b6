"""The OpenAPI document of each part of the kit, as its code describes itself.

Called by generate.py. `service.yaml` names the file under `api`; the portal's catalogue shows it.
The application is built and never started, so nothing is opened.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import yaml

from tarmac_kit.app import create_app
from tarmac_kit_testing import FakeTransport

#: Stands where a part wants an address; nothing asks it.
NOWHERE = "http://nowhere.invalid"
#: URLs by the kind of a slot, and settings whose values have a form of their own.
SLOTS = {"postgres": "postgresql://nowhere.invalid/d", "mongodb": "mongodb://nowhere.invalid/d"}
FORMS = {"ROUTES": "/api/things=things/things"}
FOUND = {"THINGS_URL": NOWHERE, "API_URL": NOWHERE, "PAGES": "shop,trading"}
SECRET = "0" * 32


def documents(root: Path) -> dict[Path, str]:
    """Return the file of every part that names one, with its content."""
    found = {}
    for file in sorted(root.glob("services/*/service.yaml")):
        part = yaml.safe_load(file.read_text(encoding="utf-8"))
        if part.get("package") and part.get("api"):
            if str(file.parent) not in sys.path:  # of a new service no lock knows yet
                sys.path.append(str(file.parent))
            found[file.parent / part["api"]] = written(part)
    return found


def written(part: dict[str, Any]) -> str:
    """Write a part's document as YAML, so that a review reads a change by its lines."""
    module = importlib.import_module(f"{part['package']}.app")
    app = create_app([module.PART], _environ(part), transport=FakeTransport())
    head = "# Written by `make docs` from the code; `GET /openapi.json` answers the same.\n"
    return head + yaml.safe_dump(app.api.openapi(), sort_keys=False, width=100)


def _environ(part: dict[str, Any]) -> dict[str, str]:
    settings = (part.get("settings") or {}).items()
    required = {name: FORMS.get(name, NOWHERE) for name, spec in settings if spec.get("required")}
    return {
        **FOUND,
        **required,
        **{f"{role.upper()}_URL": NOWHERE for role in part.get("calls") or {}},
        **dict.fromkeys(part.get("secrets") or {}, SECRET),
        **{
            slot["env"]: SLOTS.get(slot["kind"], f"{slot['kind']}://nowhere.invalid")
            for slot in part["slots"].values()
        },
        "SERVICE_NAME": part["part"],
    }
