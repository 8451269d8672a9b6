"""Judges a system: reads, plans, runs gates, writes and joins evidence. Called by `verify`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tarmac import render
from tarmac.base import evidence, parallel, registry
from tarmac.base.artifact import Artifact
from tarmac.base.errors import BadInput, Problem
from tarmac.base.report import Finding, ItemResult, Report, Result, Tree
from tarmac.catalog import stores
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.inputs import Forms, MemoryUse, StepSeconds
from tarmac.check.gates.live import LiveSystem
from tarmac.check.gates.subject import Subject
from tarmac.check.verify import disk_tree as trees_on_disk
from tarmac.check.verify import (
    edits,
    forms,
    ignore_comments,
    live,
    memory,
)
from tarmac.check.verify.checklist_files import read_checklist
from tarmac.check.verify.evidence_store import EvidenceStore
from tarmac.check.verify.join import join
from tarmac.check.verify.options import VerifyOptions, suppressions_of, wanted
from tarmac.check.verify.original import original
from tarmac.check.verify.running import Suppressions, note_used, remarks, suppressed
from tarmac.plan.deploy import deploy, no_environment
from tarmac.project.reading import load
from tarmac.render.collect import collect, in_order
from tarmac.render.renderer import Renderer

if TYPE_CHECKING:
    from tarmac.catalog.stores.kind import StoreKind
    from tarmac.model.system import System
    from tarmac.plan.cluster import ClusterPlan


@dataclass(frozen=True)
class _Run:
    """What the environments of a system are judged with."""

    options: VerifyOptions
    file: Path
    system: System
    gates: tuple[Gate, ...]
    #: Every gate by its id, whether it is asked or not: comments name them.
    known: Mapping[str, Gate]
    suppressions: Suppressions
    store: EvidenceStore
    #: The contents of the model's files, by their paths.
    model: Mapping[str, bytes]
    #: The comments in the model's files.
    comments: ignore_comments.IgnoreComments
    #: What was measured of this model: inputs of a subject.
    measured: tuple[object, ...]
    kinds: Mapping[str, StoreKind]
    renderers: Mapping[str, Renderer]


@dataclass(frozen=True)
class _Judgement:
    """What judging one environment came to."""

    tree: Tree
    results: tuple[Result, ...]
    unread: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    hidden: tuple[tuple[Finding, str], ...]
    #: What the model renders, by environment and path.
    made: Mapping[str, bytes]
    #: A hash of what was judged.
    inputs: str
    #: Of the cluster that was looked at.
    context: str
    #: The findings that suppressions of the system matched, and comments in the model's files.
    suppressed: Mapping[int, list[Finding]]
    commented: Mapping[int, set[Finding]]


def of_system(options: VerifyOptions, file: Path, all_gates: dict[str, Gate]) -> Report:
    """Run gates on each environment of a system, and join its checklist."""
    system = load(str(file))
    environments = _environments(system, options)
    beside = read_checklist(file, all_gates, options.today)
    named = beside.gates(options.phase) if beside and options.phase else ()
    gates_asked = wanted(all_gates, options.phase, named)
    store = EvidenceStore(file)
    model = dict(evidence.contents(system.files))
    digest = evidence.digest(model.items())
    if options.namespace is not None:
        store.write(memory.memory(file, options.namespace, digest))
    steps = store.measured(digest, memory.PIPELINE)
    run = _Run(
        options,
        file,
        system,
        gates=tuple(gate for gate in gates_asked if options.cluster or not gate.observes),
        known=all_gates,
        suppressions=suppressions_of(file),
        store=store,
        model=model,
        comments=ignore_comments.read(
            {path: Path(path) for path in system.files}, protected=suppressions_of(file).protected
        ),
        measured=(MemoryUse(store.measured(digest)), StepSeconds(steps)),
        kinds=registry.load(stores, "STORE"),
        renderers=registry.load(render, "RENDERER"),
    )
    # Evidence is written while the other environments are judged.
    done = {
        name: replace(one, results=tuple(store.gates(one.results, one.inputs, one.context)))
        for name, one in parallel.computed(partial(_judge, run), environments)
    }
    judged = [done[name] for name in environments]
    for one in judged:
        _note_suppressed(run, one)
    results = [result for one in judged for result in one.results]
    notes = ignore_comments.remarks(run.comments, options.today, results, all_gates)
    items: tuple[ItemResult, ...] = ()
    if beside is not None:
        everything = dict(model)
        for one in judged:
            everything |= one.made
        of_tests = evidence.digest(everything.items())
        results += store.others(beside.proofs, options.junit, of_tests, system.files)
        items = tuple(join(beside, results, options.phase, options.today))
    unused = remarks(run.suppressions, options.today, [gate.id for gate in run.gates])
    return Report(
        system=system.name,
        environments=environments,
        today=options.today.isoformat(),
        results=tuple(results),
        items=items,
        remarks=(
            *(finding for one in judged for finding in one.unread),
            *unused,
            *(finding for one in judged for finding in one.notes),
            *notes,
        ),
        suppressed=(
            *suppressed(run.suppressions, options.today),
            *(hidden for one in judged for hidden in one.hidden),
            *ignore_comments.suppressed(run.comments, options.today),
        ),
        ready=options.ready,
        trees=tuple(one.tree for one in judged),
    )


def _judge(run: _Run, environment: str) -> _Judgement:
    """Plan and render an environment, and run the gates on its tree; nothing is changed."""
    options, today = run.options, run.options.today
    plan = deploy(run.system, environment, run.kinds)
    by_renderer = collect(plan, run.renderers)
    made = in_order(by_renderer)
    tree = trees_on_disk.find(options.tree, run.file, plan, made, in_memory=options.in_memory)
    rendered, not_compared = original(run.file, plan, by_renderer, tree)
    seen = _seen(options, plan, tree.artifacts)
    built, unbuilt = forms.build(tree, plan)
    inputs = (*run.measured, Forms(built), rendered, seen)
    subject = Subject(run.system, plan, tree.artifacts, today, tree.folder, inputs)
    now = evidence.digest({**run.model, **dict(_contents(tree.artifacts))}.items())
    comments = ignore_comments.read(_files(tree), tree.folder, run.suppressions.protected)
    results = []
    suppressions = replace(run.suppressions, used={})
    of_model = replace(run.comments, used={})
    on_forms = forms.judge(subject, run.gates, suppressions)
    for judgement in edits.judged(subject, made, on_forms, run.gates, suppressions):
        own = ignore_comments.apply(judgement, comments, today)
        results.append(ignore_comments.apply(own, of_model, today))
    return _Judgement(
        tree=tree.described(environment, rendered.differing, seen.context),
        results=tuple(results),
        unread=(*tree.unread, *not_compared, *unbuilt),
        notes=tuple(ignore_comments.remarks(comments, today, results, run.known)),
        hidden=tuple(ignore_comments.suppressed(comments, today)),
        # What tests depend on is the model: an edit by hand in a tree makes none of them stale.
        made={f"{environment}/{path}": content for path, content in _contents(made)},
        inputs=now,
        context=seen.context,
        suppressed=suppressions.used,
        commented=of_model.used,
    )


def _note_suppressed(run: _Run, judged: _Judgement) -> None:
    """Note which suppressions of the system, and which comments in its files, were of use."""
    note_used(run.suppressions, judged.suppressed)
    for number, matched in judged.commented.items():
        run.comments.used.setdefault(number, set()).update(matched)


def _seen(options: VerifyOptions, plan: ClusterPlan, artifacts: Iterable[Artifact]) -> LiveSystem:
    """Look at the environment's cluster where that is asked for."""
    if not options.cluster:
        return LiveSystem()
    if plan.settings.target != "cluster":
        what = f"environment {plan.environment} has no cluster (target: {plan.settings.target})"
        raise BadInput([Problem(plan.model, f"{what}; name another environment")])
    return live.look(options.context, plan, artifacts)


def _environments(system: System, options: VerifyOptions) -> tuple[str, ...]:
    known = tuple(system.file.environments)
    if options.environment is not None:
        return (options.environment,)  # whether it is there is the plan's to say
    if options.tree is not None and len(known) > 1:
        hint = f"say with --env whose tree it is: {', '.join(known)}"
        raise BadInput([Problem(str(options.tree), f"a tree belongs to one environment; {hint}")])
    if options.cluster and len(known) > 1:
        hint = f"say with --env which one is there: {', '.join(known)}"
        raise BadInput([Problem("--target", f"a cluster has one environment; {hint}")])
    if not known:
        raise no_environment(system)
    return known


def _files(judged: trees_on_disk.JudgedTree) -> dict[str, Path]:
    """List the files of a tree on disk by their names; what is in memory has none."""
    folder = judged.folder
    return {one.path: folder / one.path for one in judged.artifacts} if folder else {}


def _contents(made: Iterable[Artifact]) -> Iterator[tuple[str, bytes]]:
    for artifact in made:
        yield artifact.path, _text(artifact.content).encode()


def _text(content: Mapping[str, Any] | str) -> str:
    if isinstance(content, str):
        return content
    try:
        return json.dumps(content, default=str)
    except TypeError:  # a key that is not text, e.g. a date
        return repr(content)
