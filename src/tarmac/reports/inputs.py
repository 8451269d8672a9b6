"""Reads all that a report is made from, once: the result of `verify`, drills, model, data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tarmac.base import registry
from tarmac.base.errors import BadInput, Problem
from tarmac.base.evidence import contents, digest
from tarmac.base.report import Report, Result
from tarmac.catalog import stores
from tarmac.change.cost.catalogue import prices
from tarmac.change.cost.estimate import Estimate, estimate
from tarmac.change.cost.savings import Saving, savings
from tarmac.check import gates
from tarmac.check.verify.by_requirement import judge
from tarmac.check.verify.checklist_files import RECORDED, ChecklistFiles, content, read_checklist
from tarmac.check.verify.verify import VerifyOptions, verify
from tarmac.model.loader import read_as
from tarmac.model.report_data import ReportData, unknown_requirements
from tarmac.model.system import System
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.deploy import deploy
from tarmac.project.reading import load
from tarmac.reports.drill_records import DrillRecord
from tarmac.reports.drill_records import read as read_drills

DATA = "reports.yaml"


@dataclass(frozen=True)
class ReportInputs:
    """What a report is made from."""

    system: System
    #: The system as its reader would type it.
    called: str
    environment: str
    today: date
    #: A hash of the model's files, for a reader who compares two reports.
    model: str
    #: What `tarmac verify` says of the environment.
    verified: Report
    #: Requirement -> its own result, then those of its proofs.
    required: Mapping[str, tuple[Result, ...]]
    #: Requirement -> the commands of the checklist items that name it.
    commands: Mapping[str, tuple[str, ...]]
    drills: tuple[DrillRecord, ...]
    data: ReportData
    plan: ClusterPlan
    #: None: the environment has no infrastructure, or a type in it has no price.
    cost: Estimate | None = None
    savings: tuple[Saving, ...] = ()

    @property
    def owner(self) -> str:
        """The team that owns the system."""
        return self.system.file.owner or "no owner in the model"


def read(
    file: Path, called: str | None, environment: str | None, today: date, junit: tuple[Path, ...]
) -> ReportInputs:
    """Read what is known of a system's environment.

    Args:
        file: the system's.
        called: the system as it was typed; None: its own name.
        environment: None: the last one in a cloud, else the only one.
        junit: what tests found, as pytest writes it.

    Raises:
        BadInput: a file is wrong, or no environment is named and none can be chosen.
    """
    system = load(str(file))
    name = environment or _chosen(system)
    plan = deploy(system, name, registry.load(stores, "STORE"))
    if plan.settings.target == "repository":
        what = f"environment {name} is the code's own, where nothing runs; name another one"
        raise BadInput([Problem(str(system.locate(("environments", name), key=True)), what)])
    beside = read_checklist(file, registry.load(gates, "GATE"), today)
    data = _data(file, beside)
    verified = verify(VerifyOptions(file=file, today=today, environment=name, junit=junit))
    called = called or system.name
    cost, ways = _cost(plan)
    return ReportInputs(
        system,
        called,
        name,
        today,
        digest(contents(system.files))[:12],
        verified,
        _required(beside, data, verified, file),
        _commands(beside),
        tuple(read_drills(system, called)),
        data,
        plan,
        cost,
        ways,
    )


def _chosen(system: System) -> str:
    known = system.file.environments
    clouds = [name for name, said in known.items() if said.cloud and not said.standby_of]
    if clouds:
        return clouds[-1]
    if len(known) == 1:
        return next(iter(known))
    what = f"none of {', '.join(known)} is in a cloud" if known else "the model has no environment"
    place = str(system.locate(("environments",), key=True)) if known else system.document.file
    raise BadInput([Problem(place, f"{what}; say with --env which one the report is about")])


def _data(file: Path, beside: ChecklistFiles | None) -> ReportData:
    path = file.with_name(DATA)
    if not path.is_file():
        return ReportData(reports=1)
    data, document = read_as(ReportData, str(path), content(path))
    known = beside.recorded.requirements if beside else {}
    if wrong := [*unknown_requirements(data, document, known)]:
        raise BadInput(wrong)
    return data


def _required(
    beside: ChecklistFiles | None, data: ReportData, verified: Report, file: Path
) -> dict[str, tuple[Result, ...]]:
    """Judge every requirement that a checklist item or `reports.yaml` names."""
    if beside is None:
        return {}
    by: dict[str, list[Result]] = {}
    for result in verified.results:
        by.setdefault(result.what, []).append(result)
    named = [name for item in beside.checklist.items for name in item.requirements]
    recorded, shown = beside.recorded, str(file.with_name(RECORDED))
    return {
        name: judge(name, recorded, "", by, shown)
        for name in dict.fromkeys([*named, *data.requirements])
        if name in recorded.requirements
    }


def _commands(beside: ChecklistFiles | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for item in beside.checklist.items if beside else ():
        for name in item.requirements if item.command else ():
            found[name] = (*found.get(name, ()), item.command)
    return found


def _cost(plan: ClusterPlan) -> tuple[Estimate | None, tuple[Saving, ...]]:
    if plan.cloud is None:
        return None, ()
    known = prices()
    try:
        found = estimate(plan, plan.cloud, known)
    except BadInput:  # `tarmac cost` says which type has no price
        return None, ()
    return found, tuple(savings(plan, plan.cloud, known, found))
