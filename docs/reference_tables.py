"""Write reference pages from the model, the registries and the kit's public names.

Called by generate.py beside it. It reads imported modules only, and writes nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import fields
from importlib import import_module
from typing import Any

from tarmac import render
from tarmac.base import registry
from tarmac.catalog import stores
from tarmac.catalog.faults.fault import Step
from tarmac.drill.file.drill_file import faults
from tarmac.drill.needs import possible_on
from tarmac.model.keys import default_of, keys, type_of
from tarmac.model.schema import part_schema, system_schema
from tarmac.render.renderer import PHASES

NOTE = "<!-- Written by `make docs` from {source}; edit that. -->\n"

KEYS_INTRODUCTION = """\
# Keys of tarmac.yaml and service.yaml

Both files are strict: an unknown key is an error with its file, line and column. A key without a
default has to be given. The same as JSON Schema, for editors:
[tarmac.schema.json](tarmac.schema.json), [service.schema.json](service.schema.json).
"""

STORES_INTRODUCTION = """\
# Store kinds

`stores: {NAME: KIND}` in `tarmac.yaml` gives a system a store; `${stores.NAME.OUTPUT}` reads one of
its outputs. Without `--provider` the first provider that the machine has is taken;
[choose what a store runs on](../how-to/stores.md) explains it.
"""

RENDERERS_INTRODUCTION = """\
# Renderers

`tarmac render SYSTEM --env ENV` runs every renderer for the environment's target. A phase is a
label for readers, and for `--phase` of `verify`.
"""

FAULTS_INTRODUCTION = """\
# Faults

What a step of a drill's method can do; [run a drill](../how-to/run-a-drill.md) shows a file. Every
step says `fault` and `on`: a service, a store, a machine, a zone, or for faults of an edge also
`CALLER -> CALLED`. `at` is when it begins, from the end of the baseline, and `for` how long it
lasts (5s without). A fault without its proof makes the drill INVALID. `local` are copies on this
machine, `cluster` is what `tarmac drill --target cluster` disturbs.
"""

KIT_INTRODUCTION = """\
# The kit's public names

What `tarmac_kit` exports for services, and `tarmac_kit_testing` for their tests. Everything else is
internal and may change. [The kit's README](../../kit/README.md) shows how they are used together.
"""

#: The modules whose `__all__` is public, in the order of the page.
KIT_MODULES = ("tarmac_kit", "tarmac_kit.documents", "tarmac_kit_testing")
#: What a store kind may have besides its servers: the field, and what it means.
STORE_EXTRAS = {
    "broker": "carries topics",
    "exporter": "has a metrics exporter",
    "shell": "has a shell (`tarmac connect`)",
    "page": "has a page",
    "reset": "can be reset",
    "external": "can be external",
}


def keys_page() -> str:
    """Return the page of every key of both files, by the part of the file that it is in."""
    parts = [NOTE.format(source="src/tarmac/model/"), KEYS_INTRODUCTION]
    for name, schema in (("tarmac.yaml", system_schema()), ("service.yaml", part_schema())):
        parts.append(f"## {name}\n\n{_keys(schema, schema['$defs'])}")
        for part, definition in schema["$defs"].items():
            about = _sentence(definition.get("description", ""))
            parts.append(f"### {part}\n\n{about}\n\n{_keys(definition, schema['$defs'])}")
    return "\n".join(parts)


def _keys(schema: dict[str, Any], parts: dict[str, Any]) -> str:
    rows = []
    for key in keys(schema, parts):
        written = default_of(key.spec.get("default"))
        default = "required" if key.required else written and f"`{written}`"
        kind = type_of(key.spec, "[{name}](#{anchor})", "`{value}`")
        rows.append((f"`{key.name}`", kind, default, _sentence(key.about)))
    return _table(("Key", "Type", "Default", "Meaning"), rows)


def stores_page() -> str:
    """Return the page of every store kind: outputs, providers, and what else it can do."""
    parts = [NOTE.format(source="src/tarmac/catalog/stores/"), STORES_INTRODUCTION]
    for kind in sorted(registry.load(stores, "STORE").values(), key=lambda kind: kind.id):
        providers = [
            (
                f"`{provider.id}`",
                ", ".join(f"`{name}`" for name in provider.programs),
                "only on request" if provider.on_request else "",
                _sentence(provider.get),
            )
            for provider in kind.providers
        ]
        traits = [f"`{f.name}`" for f in fields(kind) if getattr(kind, f.name) is True]
        extras = [what for name, what in STORE_EXTRAS.items() if getattr(kind, name, None)]
        lines = (
            f"- Outputs: {', '.join(f'`{name}`' for name in kind.outputs)}",
            f"- Ports: {', '.join(f'`{name}`' for name in kind.ports)}",
            f"- It {', '.join(extras)}." if extras else "",
            f"- Traits: {', '.join(traits)}" if traits else "",
        )
        table = _table(("Provider", "Programs", "Taken", "How to get it"), providers)
        listed = "\n".join(line for line in lines if line)
        parts.append(f"## {kind.id}\n\n{_sentence(kind.title)}\n\n{listed}\n\n{table}")
    return "\n".join(parts)


def renderers_page(spelled: dict[str, str]) -> str:
    """Return the page of every renderer, by its phase."""
    known = list(registry.load(render, "RENDERER").values())
    parts = [NOTE.format(source="src/tarmac/render/"), RENDERERS_INTRODUCTION]
    for phase in sorted({renderer.phase for renderer in known}, key=PHASES.index):
        rows = [
            (f"`{renderer.id}`", renderer.title, ", ".join(renderer.targets))
            for renderer in sorted(known, key=lambda renderer: renderer.id)
            if renderer.phase == phase
        ]
        title = spelled.get(phase, phase.capitalize())
        parts.append(f"## {title}\n\n{_table(('Renderer', 'What it writes', 'Targets'), rows)}")
    return "\n".join(parts)


def faults_page() -> str:
    """Return the page of every fault, with its keys and its proof."""
    rows = [
        (
            *(f"`{fault.id}`", fault.title, _own_keys(fault.step), fault.proof),
            ", ".join(possible_on(fault.needs)),
        )
        for fault in faults().values()
    ]
    table = _table(("Fault", "What it does", "Its own keys", "Proof", "Where"), rows)
    return "\n".join([NOTE.format(source="src/tarmac/catalog/faults/"), FAULTS_INTRODUCTION, table])


def _own_keys(step: type[Step]) -> str:
    return ", ".join(f"`{name}`" for name in step.model_fields if name not in Step.model_fields)


def kit_page() -> str:
    """Return the page of the kit's public names with the first line of each docstring."""
    parts = [NOTE.format(source="kit/tarmac_kit/"), KIT_INTRODUCTION]
    shown: set[int] = set()
    for module_name in KIT_MODULES:
        module = import_module(module_name)
        parts.append(f"## {module_name}\n")
        plain = []
        for name in module.__all__:
            value = getattr(module, name)
            if id(value) in shown:
                continue
            shown.add(id(value))
            methods = list(_methods(value)) if inspect.isclass(value) else []
            if methods:
                table = _table(("Method", "What it does"), methods)
                parts.append(f"### {name}\n\n{_first(value)}\n\n{table}")
            else:
                plain.append((f"`{name}{_parameters(value)}`", _first(value)))
        if plain:
            table = _table(("Name", "What it is or does"), plain)
            parts.append(f"### Other names of {module_name}\n\n{table}")
    return "\n".join(parts)


def _methods(kind: type) -> Iterable[tuple[str, str]]:
    for name, held in vars(kind).items():
        method = getattr(held, "__func__", held)
        if not name.startswith("_") and inspect.isfunction(method) and method.__doc__:
            yield f"`{name}{_parameters(method)}`", _first(method)


def _parameters(value: Any) -> str:
    """Write a function's parameters by name; their types are in the source."""
    if not inspect.isfunction(value):
        return ""
    stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}
    names = [
        f"{stars.get(known.kind.name, '')}{known.name}"
        + ("" if known.default is known.empty else "=...")
        for known in inspect.signature(value).parameters.values()
        if known.name not in {"self", "cls"}
    ]
    return f"({', '.join(names)})"


def _first(value: Any) -> str:
    if isinstance(value, (str, int, float)):
        return f"`{value!r}`"
    if not inspect.isclass(value) and not inspect.isfunction(value):
        return "a type"  # an alias: its docstring would be the alias's class's
    return _sentence((inspect.getdoc(value) or "").partition("\n\n")[0])


def _sentence(text: str) -> str:
    """Put a text on one line of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"
