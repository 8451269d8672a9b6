"""Draws what `tarmac.plan.explain` says; used by the verb `explain`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tarmac.cli.output import printing
from tarmac.plan.settings import SHELL_ORIGIN

Explained = dict[str, Any]
Rows = list[tuple[str, str, str]]


def show(console: Console, it: Explained, states: Mapping[str, str]) -> None:
    """Print an explanation: a headline, then a table of label, fact, and its place in the files."""
    draw: dict[str, Callable[[Explained, Mapping[str, str]], Rows]] = {
        "system": _system,
        "service": _service,
        "store": _store,
        "broker": _store,
        "topic": _topic,
        "external": _external,
        "port": _port,
        "variable": _variable,
    }
    about = f"{it['what']}, {it['about']}" if it.get("about") else it["what"]
    headline = Text.assemble((it["name"], "bold"), f"  {about}  ", (it.get("place", ""), "dim"))
    console.print(headline)
    rows = draw[it["what"]](it, states)
    labels = [label for label, _, _ in rows]
    shown = [
        ("" if label == before else label, Text(what), where)
        for before, (label, what, where) in zip(["", *labels], rows, strict=False)
    ]
    table = _table(console, shown)
    table.columns[0].style = "cyan"
    console.print(table)
    if it["what"] == "service":
        console.print()
        _env(console, it["env"])


def _system(it: Explained, states: Mapping[str, str]) -> Rows:
    rows: Rows = []
    for service in it["services"]:
        uses = ", ".join(dict.fromkeys([*service["calls"], *service["stores"]]))
        ports = " ".join(str(port) for port in service["ports"].values())
        count = f" x{service['instances']}" if service["instances"] > 1 else ""
        state = states.get(service["name"], "")
        parts = (service["name"] + count, ports, state, f"-> {uses}" if uses else "")
        rows.append(("services", "  ".join(filter(None, parts)), service["place"]))
    for store in it["stores"]:
        users = ", ".join(store["users"]) or "no service"
        rows.append(("stores", f"{store['name']}  {store['about']}  <- {users}", store["place"]))
    rows += [("topics", _flow(topic), "") for topic in it["topics"]]
    rows += [
        ("externals", f"{e['name']}  {', '.join(e['hosts'])}", e["place"]) for e in it["externals"]
    ]
    rows.append(("edges", f"{len(it['edges'])} declared; `tarmac edges` shows their traffic", ""))
    rows += [("notes", note, "") for note in it["notes"]]
    return rows


def _service(it: Explained, states: Mapping[str, str]) -> Rows:
    return [*_process(it), *_instances(it, states), *_lifecycle(it), *_connections(it), *_own(it)]


def _process(it: Explained) -> Rows:
    """List what a service runs, and its public addresses."""
    rows: Rows = [("runs", shlex.join(it["argv"]) if len(it["argv"]) < 8 else it["about"], "")]
    if it["forked"]:
        rows.append(("runs", "forked from a preloaded interpreter", ""))
    if it["outside"]:
        rows.append(("runs", "started outside Tarmac; only its health is checked", ""))
    rows.append(("in", it["cwd"], ""))
    rows += [
        ("part", f"{p['part']} ({p['package'] or 'its own'})", p["folder"]) for p in it["parts"]
    ]
    for name, port in it["world"].items():
        rows.append(("world", f"{name} {port}  {it['url']}", ""))
    return rows


def _instances(it: Explained, states: Mapping[str, str]) -> Rows:
    rows: Rows = []
    for instance in it["instances"]:
        ports = ", ".join(f"{name} {port}" for name, port in instance["ports"].items())
        listens = f"listens on {ports}" if ports else ""
        parts = (instance["name"], listens, instance["zone"], states.get(instance["name"], ""))
        rows.append(("instances", "  ".join(filter(None, parts)), ""))
    return rows


def _lifecycle(it: Explained) -> Rows:
    rows: Rows = [(name, words, "") for name, words in it["probes"].items()]
    if it["after_start"]:
        rows.append(("after start", it["after_start"], ""))
    rows.append(("stop", it["stop"], ""))
    if it["after"]:
        rows.append(("starts after", ", ".join(it["after"]), ""))
    return rows


def _connections(it: Explained) -> Rows:
    """List the services, stores, topics and externals that a service is connected to."""
    rows: Rows = [
        ("calls", f"{call['target']}{_over(call['wires'])}{_limits(call)}", call["place"])
        for call in it["calls"]
    ]
    rows += [
        ("called by", f"{call['source']}{_over(call['wires'])}", call["place"])
        for call in it["called_by"]
    ]
    for store in it["stores"]:
        slot = f" as {store['slot']}" if store["slot"] else ""
        what = f"{store['store']}{slot}, {store['about']}{_over(store['wires'])}"
        rows.append(("stores", what, store["place"]))
    if it["broker"]:
        rows.append(("broker", f"broker{_over(it['broker'])}", ""))
    rows += [("publishes", _flow(topic), "") for topic in it["publishes"]]
    rows += [("consumes", _flow(topic), "") for topic in it["consumes"]]
    return rows + [("externals", name, "") for name in it["externals"]]


def _limits(call: Explained) -> str:
    if call["timeout_s"] is None:
        return ""
    tries = "1 retry" if call["retries"] == 1 else f"{call['retries']} retries"
    return f", {call['timeout_s']:g} s, {tries}"


def _own(it: Explained) -> Rows:
    """List a service's volumes, tasks, commands and watched folders."""
    rows: Rows = []
    rows += [("volumes", f"{name}: {path}", "") for name, path in it["volumes"].items()]
    rows += [
        ("tasks", f"{t['name']}  {t['schedule'] or 'before it starts'}", "") for t in it["tasks"]
    ]
    rows += [
        ("commands", f"{name}  {shlex.join(argv) if argv[1:] else argv[0]}", "")
        for name, argv in it["commands"].items()
    ]
    rows += [("watched", folder, "") for folder in it["watched"]]
    return rows


def _store(it: Explained, states: Mapping[str, str]) -> Rows:
    rows: Rows = [("kind", " ".join(filter(None, (it["kind"], it["asked_version"]))), "")]
    if state := states.get(it["name"]):
        rows.append(("state", state, ""))
    rows += [("listens", f"{name} {port}", "") for name, port in it["ports"].items()]
    rows += [(name, words, "") for name, words in it["probes"].items()]
    if it["page"]:
        rows.append(("page", it["page"], ""))
    if it["data"]:
        rows.append(("data", it["data"], ""))
    if it["init"]:
        rows.append(("init", ", ".join(it["init"]), ""))
    if it["seed"]:
        rows.append(("seed", it["seed"], ""))
    for user in it["users"]:
        by = f" by {', '.join(user['variables'])}" if user["variables"] else ""
        rows.append(("used by", f"{user['service']}{_over(user['wires'])}{by}", user["place"]))
    rows += [("topics", _flow(topic), "") for topic in it["topics"]]
    return rows


def _topic(it: Explained, states: Mapping[str, str]) -> Rows:
    del states
    rows = [
        ("published by", publisher["service"], publisher["place"]) for publisher in it["publishers"]
    ]
    return rows + [
        ("consumed by", consumer["service"], consumer["place"]) for consumer in it["consumers"]
    ]


def _external(it: Explained, states: Mapping[str, str]) -> Rows:
    del states
    rows = [("hosts", ", ".join(it["hosts"]), ""), ("port", str(it["port"]), "")]
    return rows + [("used by", name, "") for name in it["users"]]


def _port(it: Explained, states: Mapping[str, str]) -> Rows:
    del states
    return [("is", use["use"], "") for use in it["uses"]]


def _variable(it: Explained, states: Mapping[str, str]) -> Rows:
    del states
    return [(entry["service"], entry["value"], entry["origin"]) for entry in it["values"]]


def _env(console: Console, entries: Iterable[dict[str, Any]]) -> None:
    found = list(entries)
    shell = [entry["name"] for entry in found if entry["origin"] == SHELL_ORIGIN]
    shown = [
        (entry["name"], Text(entry["value"], "yellow" if entry["secret"] else ""), entry["origin"])
        for entry in found
        if entry["origin"] != SHELL_ORIGIN
    ]
    console.print(_table(console, shown, ("VARIABLE", "VALUE", "FROM")))
    if shell:
        printing.say(console, f"from your shell: {', '.join(shell)}", "dim")


def _table(
    console: Console, rows: Sequence[tuple[str, Text, str]], titles: Sequence[str] = ()
) -> Table:
    """Draw rows of a label, a fact and its place; where it is narrow, the place below the fact."""
    whole = sum(max(map(len, column)) for column in zip(*rows, strict=True)) + 4 <= console.width
    table = Table(box=None, pad_edge=False, header_style="dim", show_header=bool(titles))
    for title in (titles or ("",) * 3)[: 3 if whole else 2]:
        table.add_column(title, overflow="fold")
    table.columns[0].no_wrap = True
    for label, what, where in rows:
        place = Text(where, "dim")
        below = what if whole or not where else Text("\n").join((what, place))
        table.add_row(Text(label), below, *([place] * whole))
    return table


def _over(wires: list[dict[str, Any]]) -> str:
    ports = ", ".join(f"{wire['port']} {wire['listen']}" for wire in wires)
    return f" over its proxy {ports}" if ports else ""


def _flow(topic: Explained) -> str:
    sides = [
        ", ".join(service["service"] for service in topic[side]) or "no service"
        for side in ("publishers", "consumers")
    ]
    return f"{topic['name']}: {sides[0]} -> {sides[1]}"
