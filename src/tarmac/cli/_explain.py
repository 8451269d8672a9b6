"""Draws what `tarmac.plan.explain` says; used by the verb `explain`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tarmac.plan.settings import SHELL_ORIGIN

Explained = dict[str, Any]
Rows = list[tuple[str, str, str]]


def show(console: Console, it: Explained, states: Mapping[str, str]) -> None:
    """Print an explanation: a headline, then a table of label, what, and where it is said."""
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
    console.print(headline, soft_wrap=True)
    rows = draw[it["what"]](it, states)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(style="dim", overflow="fold")
    last = ""
    for label, what, where in rows:
        table.add_row(Text("" if label == last else label), Text(what), Text(where))
        last = label
    console.print(table)
    if it["what"] == "service":
        console.print()
        _env(console, it["env"])


def _system(it: Explained, states: Mapping[str, str]) -> Rows:
    rows: Rows = []
    for each in it["services"]:
        uses = ", ".join(dict.fromkeys([*each["calls"], *each["stores"]]))
        ports = " ".join(str(port) for port in each["ports"].values())
        count = f" x{each['instances']}" if each["instances"] > 1 else ""
        state = states.get(each["name"], "")
        parts = (each["name"] + count, ports, state, f"-> {uses}" if uses else "")
        rows.append(("services", "  ".join(filter(None, parts)), each["place"]))
    for each in it["stores"]:
        users = ", ".join(each["users"]) or "nobody"
        rows.append(("stores", f"{each['name']}  {each['about']}  <- {users}", each["place"]))
    rows += [("topics", _flow(topic), "") for topic in it["topics"]]
    rows += [
        ("externals", f"{e['name']}  {', '.join(e['hosts'])}", e["place"]) for e in it["externals"]
    ]
    rows.append(("edges", f"{len(it['edges'])} declared; `tarmac edges` shows their traffic", ""))
    rows += [("notes", note, "") for note in it["notes"]]
    return rows


def _service(it: Explained, states: Mapping[str, str]) -> Rows:
    rows: Rows = [("runs", shlex.join(it["argv"]) if len(it["argv"]) < 8 else it["about"], "")]
    if it["forked"]:
        rows.append(("runs", "forked from an interpreter that has its libraries loaded", ""))
    if it["outside"]:
        rows.append(("runs", "somebody else starts it; it is only looked at", ""))
    rows.append(("in", it["cwd"], ""))
    rows += [
        ("part", f"{p['part']} ({p['package'] or 'its own'})", p["folder"]) for p in it["parts"]
    ]
    for name, port in it["world"].items():
        rows.append(("world", f"{name} {port}  {it['url']}", ""))
    for each in it["instances"]:
        ports = ", ".join(f"{name} {port}" for name, port in each["ports"].items())
        state = states.get(each["name"], "")
        parts = (each["name"], f"listens on {ports}" if ports else "", each["zone"], state)
        rows.append(("instances", "  ".join(filter(None, parts)), ""))
    rows += [(name, words, "") for name, words in it["probes"].items()]
    rows.append(("stop", it["stop"], ""))
    if it["after"]:
        rows.append(("starts after", ", ".join(it["after"]), ""))
    for each in it["calls"]:
        limits = ""
        if each["timeout_s"] is not None:
            tries = "1 retry" if each["retries"] == 1 else f"{each['retries']} retries"
            limits = f", {each['timeout_s']:g} s, {tries}"
        rows.append(("calls", f"{each['target']}{_over(each['wires'])}{limits}", each["place"]))
    rows += [
        ("called by", f"{e['source']}{_over(e['wires'])}", e["place"]) for e in it["called_by"]
    ]
    for each in it["stores"]:
        slot = f" as {each['slot']}" if each["slot"] else ""
        what = f"{each['store']}{slot}, {each['about']}{_over(each['wires'])}"
        rows.append(("stores", what, each["place"]))
    if it["broker"]:
        rows.append(("broker", f"broker{_over(it['broker'])}", ""))
    rows += [("publishes", _flow(topic), "") for topic in it["publishes"]]
    rows += [("consumes", _flow(topic), "") for topic in it["consumes"]]
    rows += [("externals", name, "") for name in it["externals"]]
    rows += [("volumes", f"{name}: {path}", "") for name, path in it["volumes"].items()]
    rows += [
        ("tasks", f"{t['name']}  {t['schedule'] or 'before it starts'}", "") for t in it["tasks"]
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
    if it["seed"]:
        rows.append(("seed", it["seed"], ""))
    for each in it["users"]:
        by = f" by {', '.join(each['variables'])}" if each["variables"] else ""
        rows.append(("used by", f"{each['service']}{_over(each['wires'])}{by}", each["place"]))
    rows += [("topics", _flow(topic), "") for topic in it["topics"]]
    return rows


def _topic(it: Explained, states: Mapping[str, str]) -> Rows:
    del states
    rows = [("published by", each["service"], each["place"]) for each in it["publishers"]]
    return rows + [("consumed by", each["service"], each["place"]) for each in it["consumers"]]


def _external(it: Explained, states: Mapping[str, str]) -> Rows:
    del states
    rows = [("hosts", ", ".join(it["hosts"]), ""), ("port", str(it["port"]), "")]
    return rows + [("used by", name, "") for name in it["users"]]


def _port(it: Explained, states: Mapping[str, str]) -> Rows:
    del states
    return [("is", each["use"], "") for each in it["uses"]]


def _variable(it: Explained, states: Mapping[str, str]) -> Rows:
    del states
    return [(each["service"], each["value"], each["origin"]) for each in it["values"]]


def _env(console: Console, entries: Iterable[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("VARIABLE", "VALUE", "FROM"):
        table.add_column(column, overflow="fold", no_wrap=column == "VARIABLE")
    shell = []
    for entry in entries:
        if entry["origin"] == SHELL_ORIGIN:
            shell.append(entry["name"])
        else:
            style = "yellow" if entry["secret"] else ""
            table.add_row(
                Text(entry["name"]), Text(entry["value"], style), Text(entry["origin"], "dim")
            )
    console.print(table)
    if shell:
        console.print(Text(f"from your shell: {', '.join(shell)}", "dim"), soft_wrap=True)


def _over(wires: list[dict[str, Any]]) -> str:
    ports = ", ".join(f"{wire['port']} {wire['listen']}" for wire in wires)
    return f" over its wire {ports}" if ports else ""


def _flow(topic: Explained) -> str:
    sides = [
        ", ".join(each["service"] for each in topic[side]) or "nobody"
        for side in ("publishers", "consumers")
    ]
    return f"{topic['name']}: {sides[0]} -> {sides[1]}"
