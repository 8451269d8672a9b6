"""Collects what is known of each service of a system, as plain data: `tarmac docs --json`.

It reads files beside the model: descriptions of APIs, drills, evidence. It starts and asks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tarmac.base import evidence, registry
from tarmac.base.errors import BadInput
from tarmac.base.foreign import files
from tarmac.base.foreign.data import parsed
from tarmac.catalog import stores
from tarmac.change.cost.catalogue import prices
from tarmac.change.cost.estimate import estimate
from tarmac.model.objective import Objective
from tarmac.model.system import System
from tarmac.plan.catalogue import ApiDocument, Catalogue, CatalogueService, catalogue
from tarmac.plan.deploy import deploy
from tarmac.project.reading import load
from tarmac.reports.drill_records import DrillRecord
from tarmac.reports.drill_records import read as read_drills

Facts = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
#: A page about what to do at night, in a service's own folder.
RUNBOOK = "RUNBOOK.md"


def read(file: Path, called: str | None) -> Facts:
    """Return everything of a system.

    Args:
        file: the system's.
        called: the system as it was typed; None: its own name.

    Raises:
        BadInput: a file is wrong.
    """
    system = load(str(file))
    kinds = registry.load(stores, "STORE")
    known = catalogue(system, kinds)
    records = list(read_drills(system, called or system.name))
    environment, costs = _costs(system)
    state = Path(system.folder) / evidence.STATE / evidence.FOLDER
    return {
        "system": known.system,
        "owner": known.owner,
        "model": system.document.file,
        "environment": environment,
        "services": [_service(system, known, one, records, costs) for one in known.services],
        "stores": [
            {
                "name": store.name,
                "kind": store.kind,
                "about": store.about,
                "used_by": [one.name for one in known.services if store.name in one.stores],
                "month_usd": costs.get(store.name),
            }
            for store in known.stores
        ],
        "externals": {name: list(one.hosts) for name, one in system.file.externals.items()},
        "drills": [_drill(record) for record in records],
        "evidence": [
            {"what": one.what, "status": one.status, "level": f"{one.level}@{one.target}",
             "at": one.at, "command": one.command}
            for one in sorted(evidence.read(state).values(), key=lambda one: one.what)
        ],
    }  # fmt: skip


def _service(
    system: System,
    known: Catalogue,
    one: CatalogueService,
    records: list[DrillRecord],
    costs: Mapping[str, float],
) -> Facts:
    spec = system.file.services[one.name]
    drilled = [record for record in records if one.name in _named(record)]
    latest = max(drilled, key=lambda record: record.day, default=None)
    return {
        "name": one.name,
        "owner": one.owner,
        "about": one.about,
        "place": one.place,
        "public": list(spec.public.paths) if spec.public else [],
        "calls": list(one.calls),
        "called_by": [other.name for other in known.services if one.name in other.calls],
        "stores": list(one.stores),
        "externals": list(one.externals),
        "publishes": list(one.publishes),
        "consumes": list(one.consumes),
        "objectives": [_promise(o) for o in system.file.objectives if o.service == one.name],
        "apis": [_api(api) for api in one.apis],
        "latest_drill": _drill(latest) if latest and latest.day else None,
        "drills": [record.name for record in drilled],
        "month_usd": costs.get(one.name),
        "runbooks": list(dict.fromkeys(_runbooks(system, one))),
    }


def _promise(objective: Objective) -> str:
    days = f"{objective.window / 86400:g} days"
    if objective.availability is not None:
        return f"{objective.availability:g} % of requests succeed, over {days}"
    return (
        f"{objective.percent:g} % of requests within {1000 * (objective.latency or 0):g} ms, "
        f"over {days}"
    )


def _named(record: DrillRecord) -> set[str]:
    """List the names that a drill's file mentions: the services among them are drilled."""
    found: set[str] = set()
    waiting: list[Any] = [record.file.model_dump()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [*value, *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            waiting += value
        elif isinstance(value, str):
            found |= {value, value.partition(".")[0]}
    return found


def _drill(record: DrillRecord) -> Facts:
    return {
        "name": record.name,
        "title": record.file.title,
        "status": record.status.value,
        "verdict": record.verdict,
        "day": record.day,
        "command": record.command,
    }


def _api(api: ApiDocument) -> Facts:
    return {
        "name": api.name,
        "kind": api.kind,
        "path": api.path,
        "operations": list(_operations(api)) if api.kind == "openapi" else [],
    }


def _operations(api: ApiDocument) -> Iterator[Facts]:
    """Yield the operations of an OpenAPI document; of one that cannot be read, none."""
    try:
        [(_, document)] = parsed(files.content(Path(api.path)).decode())
    except (OSError, ValueError, yaml.YAMLError):
        return
    paths = document.get("paths") if isinstance(document, Mapping) else None
    for path, operations in (paths if isinstance(paths, Mapping) else {}).items():
        for method in METHODS:
            one = operations.get(method) if isinstance(operations, Mapping) else None
            if isinstance(one, Mapping):
                answers = one.get("responses")
                yield {
                    "method": method.upper(),
                    "path": str(path),
                    "summary": str(one.get("summary") or ""),
                    "answers": sorted(map(str, answers if isinstance(answers, Mapping) else ())),
                }


def _costs(system: System) -> tuple[str, dict[str, float]]:
    """Estimate each workload's part of the nodes, in the last environment that has any."""
    made = [n for n, said in system.file.environments.items() if said.own_infrastructure]
    for name in reversed(made):
        plan = deploy(system, name, registry.load(stores, "STORE"))
        try:
            if plan.cloud is not None:
                shares = estimate(plan, plan.cloud, prices()).shares
                return name, {share.name: round(share.month, 2) for share in shares}
        except BadInput:  # `tarmac cost` says which type has no price
            continue
    return "", {}


def _runbooks(system: System, one: CatalogueService) -> Iterator[str]:
    for folder in one.folders:
        if Path(folder, RUNBOOK).is_file():
            yield f"{folder}/{RUNBOOK}"
    for environment in system.file.environments.values():
        watched = environment.observability
        if watched is not None and watched.runbooks:
            yield str(watched.runbooks)
