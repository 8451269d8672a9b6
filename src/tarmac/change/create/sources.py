"""Where templates come from: Tarmac's own, below its assets."""

from __future__ import annotations

from tarmac.change.create import template
from tarmac.change.create.template import Template
from tarmac.render.assets import asset, assets

OWN = "templates/service"


def own(name: str) -> Template:
    """Read one of Tarmac's own templates. Raises BadInput."""
    texts = {path.removeprefix(f"{OWN}/"): asset(path) for path in assets(OWN)}
    return template.read(name, texts)
