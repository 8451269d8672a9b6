"""Backstage's form for a new service: a Template whose steps fetch the files of `tarmac new`.

The form has what the system offers: its broker where it has one, and no name that is taken. The
last step proposes the change where the code is; a person reviews it, as every other one.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact, Format
from tarmac.model.value import NAME
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.portal.parts import entities as e
from tarmac.render.portal.parts.forges import forge_of
from tarmac.render.portal.parts.proposal import links, published, texts
from tarmac.render.portal.parts.skeleton import END, Skeleton, skeletons
from tarmac.render.portal.parts.steps import fetches, value_texts
from tarmac.render.renderer import Renderer

FOLDER = "catalog/template"
VERSION = "scaffolder.backstage.io/v1beta3"
#: As `tarmac new` takes it: it stands in YAML, TOML and source code without quotes.
PLAIN = r"^[A-Za-z0-9@][A-Za-z0-9 @.,()/+_-]{0,79}$"


def _choice(title: str, values: Iterable[str], default: str = "none") -> dict[str, Any]:
    listed = list(dict.fromkeys(values))
    return {
        "title": title,
        "type": "string",
        "enum": listed,
        "default": default,
    }


def _parameters(plan: ClusterPlan, offered: list[Skeleton]) -> list[dict[str, Any]]:
    known = plan.catalogue
    taken = sorted({*(one.name for one in known.services), *(one.name for one in known.stores)})
    own = next((store.kind for store in known.stores if store.name == "broker"), None)
    brokers = dict.fromkeys(kind for one in offered for kind in one.brokers)
    # A service speaks to one kind: where environments run others, there is nothing to offer.
    elsewhere = {one.broker.kind for one in plan.environments.values() if one.broker}
    messaging = [kind for kind in brokers if own in (None, kind) and elsewhere <= {kind}]
    stores = [kind for one in offered for kind in one.stores]
    caches = [kind for one in offered for kind in one.caches]
    about = {
        "name": {
            "title": "Name",
            "type": "string",
            "pattern": NAME,
            "not": {"enum": taken},
            "description": "a-z, 0-9 and -; a name that the system has not yet",
        },
        "description": {"title": "Description", "type": "string", "pattern": PLAIN},
        "owner": {
            "title": "Owner",
            "type": "string",
            "minLength": 1,
            "ui:field": "OwnerPicker",
            "ui:options": {"catalogFilter": {"kind": "Group"}},
        },
    }
    languages = [one.language for one in offered]
    parts = {
        "language": _choice("Language", languages, languages[0]),
        "database": _choice("Database", ["none", *stores]),
        "messaging": _choice("Messaging: what the service publishes", ["none", *messaging]),
        "cache": _choice("Cache", ["none", *caches]),
    }
    pages = [
        {"title": "The service", "required": list(about), "properties": about},
        {"title": "What it uses", "required": ["language"], "properties": parts},
    ]
    if forge_of(plan):
        place = _choice("Repository", ["system", "own"], "system")
        place["enumNames"] = [f"that of {plan.system}", "one of its own, its main branch protected"]
        pages.append({"title": "Where its code is", "properties": {"repository": place}})
    return pages


def _home(plan: ClusterPlan) -> str:
    """Return the folder in which most services have theirs, from the repository's root."""
    folders = [posixpath.dirname(f) for one in plan.catalogue.services for f in one.folders]
    usual = Counter(folder for folder in folders if folder).most_common(1)
    return usual[0][0] if usual else "services"


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the Template and its skeletons, where the portal is to have one."""
    portal, offered = plan.settings.portal, list(skeletons())
    if portal is None or not portal.template or not offered:
        return
    home = _home(plan)
    values, forge = value_texts(plan, home, offered), forge_of(plan)
    address = forge.own_repository if forge else None
    steps = [step for one in offered for step in fetches(one, home, values, address)]
    meta = e.metadata(
        "new-service", plan.system, "Makes the files that `tarmac new service` makes",
        title=f"New service of {plan.system}",
    )  # fmt: skip
    spec = {
        "owner": e.group_reference(plan, plan.catalogue.owner),
        "type": "service",
        "parameters": _parameters(plan, offered),
        "steps": [*steps, *published(plan, home)],
        "output": {"links": links(plan), "text": texts(plan)},
    }
    entity = {"apiVersion": VERSION, "kind": "Template", "metadata": meta, "spec": spec}
    yield Artifact(f"{FOLDER}/new-service.yaml", entity, place=plan.model, format=Format.YAML)
    for one in offered:
        for path, text in one.texts.items():
            if path.startswith("repository/") and not address:
                continue
            name = path if path.endswith(END) else f"{path}{END}"
            yield Artifact(f"{FOLDER}/skeleton/{one.language}/{name}", text, place=plan.model)


RENDERER = Renderer(
    id="backstage-template",
    phase="portal",
    title="Backstage's form for a new service, with the files of `tarmac new service`",
    render=render,
    targets=("repository",),
)
