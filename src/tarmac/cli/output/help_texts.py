"""Answers `tarmac help TOPIC`: a verb, a key of the two files, a fault, a kind of store or a gate.

All of it is read from what the rest of the tool uses, so that it cannot fall behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.cli.output import gates, terminal, topics


def overview(verbs: click.Group, context: click.Context, *, as_json: bool) -> None:
    """Print what may be asked for."""
    found = topics.topics(verbs)
    if as_json:
        terminal.print_json({kind: list(names) for kind, names in found.items()})
        return
    examples = "tarmac help up, tarmac help services.calls, tarmac help latency"
    formatter = click.HelpFormatter(width=context.terminal_width)
    formatter.write_text(f"`tarmac help TOPIC` answers for each of these: {examples}.")
    for kind, names in found.items():
        with formatter.section(kind):
            formatter.write_text(", ".join(names))
    with formatter.section("gates"):
        formatter.write_text("by their ids, such as NET001; `tarmac verify -v` lists them")
    click.echo(formatter.getvalue(), nl=False)


def topic(name: str, verbs: click.Group, context: click.Context, *, as_json: bool) -> None:
    """Print what a topic is.

    Raises:
        BadInput: there is none of that name.
    """
    if gates.is_id(name):
        gates.explain(name, as_json=as_json)
        return
    verb, found = verbs.get_command(context, name), list(_found(name))
    if verb is None and not found:
        known = [one for names in topics.topics(verbs).values() for one in names]
        raise BadInput([Problem(name[:80], f"no such topic; {_nearest(name, known)}")])
    if as_json:
        about = [{"kind": "verb", "name": name, "about": verb.help or ""}] if verb else []
        terminal.print_json([*about, *found])
        return
    formatter = click.HelpFormatter(width=context.terminal_width)
    if verb is not None:
        with click.Context(verb, info_name=name, parent=context.parent) as inner:
            formatter.write(f"{verb.get_help(inner)}\n")
    for number, one in enumerate(found):
        if number or verb is not None:
            formatter.write_paragraph()
        _write(formatter, one)
    click.echo(formatter.getvalue(), nl=False)


def _nearest(name: str, known: list[str]) -> str:
    first, dot, _ = name.partition(".")
    if dot and first in known:
        *above, last = name.split(".")
        system, _ = topics.schemas()
        inside = [key.name for part in _reached(system, above) for key in _keys_of(part, system)]
        return f"{'.'.join(above)} has no '{last}': {did_you_mean(last, inside)}"
    return did_you_mean(first, known)


def _write(formatter: click.HelpFormatter, one: Mapping[str, Any]) -> None:
    formatter.write_text(f"{one['name']}  ({one['kind']})")
    with formatter.indentation():
        formatter.write_paragraph()
        formatter.write_text(one["about"])
        formatter.write_paragraph()
        rows = [(name, one[name]) for name in one if name not in SAID and one[name]]
        if rows:
            formatter.write_dl([(name, "yes" if said is True else said) for name, said in rows])
        if inside := one.get("keys"):
            with formatter.section("keys"):
                formatter.write_dl([(key["name"], _line(key)) for key in inside])


#: What `_write` puts elsewhere than in its list.
SAID = ("kind", "name", "about", "keys")


def _line(key: Mapping[str, Any]) -> str:
    default = "required" if key["required"] else key["default"] and f"default {key['default']}"
    return f"{key['type']}{f'; {default}' if default else ''}. {key['about']}"


def _found(name: str) -> Iterator[dict[str, Any]]:
    """Yield what has a name, beside verbs and gates."""
    for file, schema in zip(("tarmac.yaml", "service.yaml"), topics.schemas(), strict=True):
        *above, last = name.split(".")
        for holder in _reached(schema, above):
            for key in _keys_of(holder, schema):
                if key.name == last:
                    inside = [_keys_of(part, schema) for part in _held(key, schema)]
                    yield {
                        "kind": f"key of {file}",
                        **_described(key, name),
                        "keys": [_described(one, one.name) for part in inside for one in part],
                    }
    if (fault := topics.faults().get(name)) is not None:
        from tarmac.drill.needs import possible_on

        step = fault.step.model_json_schema()
        yield {
            "kind": "fault",
            "name": name,
            "about": f"{fault.title}.",
            "proof": fault.proof,
            "where": ", ".join(possible_on(fault.needs)),
            "keys": [_described(key, key.name) for key in _keys_of(step, step)],
        }
    if (kind := topics.stores().get(name)) is not None:
        yield {
            "kind": "kind of store",
            "name": name,
            "about": f"{kind.title}.",
            "outputs": ", ".join(kind.outputs),
            "ports": ", ".join(kind.ports),
            **{f"by {one.id}": one.get for one in kind.providers},
        }


def _described(key: Any, name: str) -> dict[str, Any]:
    from tarmac.model.keys import default_of, type_of

    return {
        "name": name,
        "about": key.about,
        "type": type_of(key.spec),
        "default": default_of(key.spec.get("default")),
        "required": key.required,
    }


def _reached(schema: Mapping[str, Any], path: list[str]) -> list[Mapping[str, Any]]:
    """Find the mappings at the end of a path of keys; a name of the user's own may stand in it."""
    places: list[Mapping[str, Any]] = [schema]
    for depth, step in enumerate(path):
        found = [
            part
            for place in places
            for key in _keys_of(place, schema)
            if key.name == step
            for part in _held(key, schema)
        ]
        if not found and not depth:
            return []
        places = found or places
    return places


def _held(key: Any, schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    from tarmac.model.keys import held

    return list(held(key.spec, schema.get("$defs", {})))


def _keys_of(part: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Any]:
    from tarmac.model.keys import keys

    return list(keys(part, schema.get("$defs", {})))
