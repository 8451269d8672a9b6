"""The pages of a system's catalogue, from its facts: one of the system, one of each service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.reports.as_html import write
from tarmac.reports.document import Block, Document, Link, Links, Paragraph, Plot, Section, Table
from tarmac.reports.site.drawing import drawing

INDEX = "index.html"


def pages(facts: Mapping[str, Any]) -> dict[str, str]:
    """Write every page, by its file's name."""
    found = {INDEX: write(_system(facts))}
    for service in facts["services"]:
        found[_file(service["name"])] = write(_service(facts, service))
    return found


def _file(service: str) -> str:
    return f"service-{service}.html"


def _usd(month: float | None) -> str:
    return "no pods of its own" if month is None else f"{month:,.0f} USD a month"


def _list(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _system(facts: Mapping[str, Any]) -> Document:
    services, stores = facts["services"], facts["stores"]
    about = f"{len(services)} services and {len(stores)} stores of {facts['owner']}"
    rows = tuple(
        (
            one["name"],
            one["owner"],
            _list([api["name"] for api in one["apis"]]),
            " / ".join(one["objectives"]) or "none",
            _last(one["latest_drill"]),
            _usd(one["month_usd"]),
        )
        for one in services
    )
    links = tuple(Link(one["name"], _file(one["name"])) for one in services)
    head = ("Service", "Owner", "APIs", "Objectives", "Latest drill", "Its nodes")
    kept = tuple(
        (store["name"], store["about"], _list(store["used_by"]), _usd(store["month_usd"]))
        for store in stores
    )
    sections = [
        Section("Services", (Links(links), Table(head, rows))),
        Section("Graph", (Plot(drawing(facts), "Callers stand left of what they call."),)),
        Section("Stores", (Table(("Store", "What", "Used by", "Its nodes"), kept),)),
        Section("Drills", tuple(_drills(facts["drills"]))),
        Section("Evidence", tuple(_evidence(facts["evidence"]))),
    ]
    where = facts["environment"]
    named = [("Owner", facts["owner"]), ("Model", f"`{facts['model']}`")]
    named += [("Cost", f"as estimated for {where}")] if where else []
    return Document(f"The system {facts['system']}", tuple(named), f"{about}.", tuple(sections))


def _last(drill: Mapping[str, Any] | None) -> str:
    return f"{drill['name']}: {drill['verdict']}, {drill['day']}" if drill else "none ran"


def _drills(drills: list[Mapping[str, Any]]) -> Iterator[Block]:
    if not drills:
        yield Paragraph("There is no drill.")
        return
    rows = tuple((d["title"], d["verdict"], d["day"], f"`{d['command']}`") for d in drills)
    yield Table(("What happens", "Verdict", "Day", "Command"), rows)


def _evidence(kept: list[Mapping[str, Any]]) -> Iterator[Block]:
    if not kept:
        yield Paragraph("Nothing was run here yet: `tarmac verify` and `tarmac drill` leave it.")
        return
    rows = tuple((f"`{e['what']}`", e["status"], e["level"], e["at"][:16]) for e in kept)
    yield Table(("Proof", "Result", "Level", "When (UTC)"), rows)


def _service(facts: Mapping[str, Any], one: Mapping[str, Any]) -> Document:
    named = (
        ("Owner", one["owner"]),
        ("Code", f"`{one['about']}`"),
        ("Model", f"`{one['place']}`"),
        ("Its nodes", _usd(one["month_usd"])),
        ("Latest drill", _last(one["latest_drill"])),
    )
    near = [*one["calls"], *one["called_by"]]
    services = tuple(Link(name, _file(name)) for name in dict.fromkeys(near))
    edges = (
        ("Calls", _list(one["calls"])),
        ("Called by", _list(one["called_by"])),
        ("Stores", _list(one["stores"])),
        ("Externals", _list(one["externals"])),
        ("Publishes", _list(one["publishes"])),
        ("Consumes", _list(one["consumes"])),
        ("Public paths", _list(one["public"])),
    )
    promises = tuple((text,) for text in one["objectives"])
    up = Links((Link(f"The system {facts['system']}", INDEX), *services))
    sections = [
        Section("Dependencies", (up, Table(("Edge", "To"), edges))),
        Section(
            "Objectives",
            (Table(("Objective",), promises) if promises else Paragraph("It has none."),),
        ),
        *(Section(f"API {api['name']}", tuple(_operations(api))) for api in one["apis"]),
        Section(
            "Drills", tuple(_drills([d for d in facts["drills"] if d["name"] in one["drills"]]))
        ),
        Section("Runbooks", (Paragraph(_list([f"`{path}`" for path in one["runbooks"]])),)),
    ]
    return Document(one["name"], named, f"A service of {facts['system']}.", tuple(sections))


def _operations(api: Mapping[str, Any]) -> Iterator[Block]:
    yield Paragraph(f"Described by `{api['path']}` ({api['kind']}).")
    if api["operations"]:
        rows = tuple(
            (o["method"], f"`{o['path']}`", o["summary"], " ".join(o["answers"]))
            for o in api["operations"]
        )
        yield Table(("Method", "Path", "What it does", "Answers"), rows)
    elif api["kind"] == "openapi":
        yield Paragraph("Its file has no operation, or cannot be read.")
