"""Whatever two models are: the same differs in nothing, and nothing that is rendered is missed."""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Callable
from typing import Any

import yaml
from compared import ENVIRONMENTS, Render, comparison, render
from demo_system import DEMO, KINDS, files, load_files
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tarmac.base.artifact import Artifact
from tarmac.base.errors import BadInput
from tarmac.change.compare.facts import Side
from tarmac.change.compare.summary import RenderedSide, changes
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.deploy import deploy

BASE = yaml.safe_load(textwrap.dedent(DEMO + ENVIRONMENTS))
SERVICES = ("web", "order-service", "product-service", "payment-service")
MIRROR = {"added": "removed", "removed": "added", "changed": "changed"}
Model = dict[str, Any]
Edit = Callable[[Model], object]


def setting(*path: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Edit]:
    """Set a value below the model's top; what is not there on the way is made."""

    def at(value: Any) -> Edit:
        def edit(model: Model) -> None:
            for step in path[:-1]:
                model = model.setdefault(step, {})
            model[path[-1]] = value

        return edit

    return values.map(at)


def removing(*path: str) -> st.SearchStrategy[Edit]:
    def edit(model: Model) -> None:
        for step in path[:-1]:
            model = model.get(step) or {}
        model.pop(path[-1], None)

    return st.just(edit)


WORDS = st.sampled_from(["a", "b", "8080", "on", "two words", "1.10"])
NUMBERS = st.integers(1, 12)
PORTS = st.sampled_from([3003, 3004, 8000, 8080, 9000])
ONE = st.sampled_from(SERVICES)
EDITS = st.one_of(
    ONE.flatmap(lambda one: setting("services", one, "env", "MOOD", values=WORDS)),
    ONE.flatmap(lambda one: setting("services", one, "port", values=PORTS)),
    ONE.flatmap(lambda one: setting("services", one, "replicas", values=NUMBERS)),
    ONE.flatmap(lambda one: removing("services", one)),
    ONE.flatmap(lambda one: removing("services", one, "calls")),
    ONE.flatmap(lambda one: removing("services", one, "stores")),
    ONE.flatmap(lambda one: setting("services", one, "secrets", values=st.just(["TOKEN"]))),
    ONE.flatmap(
        lambda one: setting(
            "services", one, "public", values=st.sampled_from([{"host": "x"}, {"paths": ["/y"]}])
        )
    ),
    ONE.flatmap(
        lambda one: setting("services", one, "calls", values=st.lists(ONE, unique=True, max_size=2))
    ),
    setting(
        "services",
        "web",
        "tasks",
        "tidy",
        values=st.sampled_from([{"run": ["x"]}, {"run": ["x"], "schedule": "0 3 * * *"}]),
    ),
    setting("services", "web", "volumes", "up", values=st.just("var/up")),
    setting("services", "web", "probe", values=st.sampled_from([{"http": "/h"}, {"tcp": True}])),
    setting("services", "web", "resources", "memory", values=st.sampled_from(["1Gi", "64Mi"])),
    setting("services", "web", "run", values=st.just(["python", "other.py"])),
    setting("env", "JWT_ISSUER", values=WORDS),
    setting("domain", values=st.sampled_from(["demo.example.org", "example.com"])),
    setting("owner", values=WORDS),
    setting("externals", values=st.just({"stripe": {"hosts": ["api.stripe.com"]}})),
    setting("services", "web", "externals", values=st.just(["stripe"])),
    setting("stores", "cache", values=st.sampled_from([{"kind": "redis", "version": "8"}, "nats"])),
    setting("stores", "more", values=st.just("postgres")),
    setting("environments", "production", "replicas", "min", values=NUMBERS),
    setting("environments", "production", "replicas", "max", values=NUMBERS),
    setting("environments", "production", "replicas", "memory", values=st.just(80)),
    setting("environments", "production", "zones", values=NUMBERS),
    setting("environments", "production", "version", values=WORDS),
    setting("environments", "production", "images", "web", values=st.just("sha256:" + "0" * 64)),
    setting("environments", "production", "namespace", values=st.sampled_from(["demo", "more"])),
    setting("environments", "production", "servers", values=st.just({})),
    setting("environments", "production", "nodes", "role", values=WORDS),
    setting("environments", "production", "domain", values=st.just("p.example.com")),
    setting("environments", "production", "resources", "limits", values=st.just({"memory": "1Gi"})),
    setting("environments", "kind", "env", "web", "MOOD", values=WORDS),
    setting("environments", "kind", "broker", values=st.just("rabbitmq")),
)


def edited(edits: list[Edit]) -> dict[str, bytes]:
    """Edit the small system; one that is wrong now is none of this test's."""
    model = copy.deepcopy(BASE)
    for edit in edits:
        edit(model)
    tree = loaded(model)
    assume(tree is not None)
    return tree


def shown(tree: dict[str, bytes]) -> list[RenderedSide]:
    system = load_files(tree)
    plans = [deploy(system, environment, KINDS) for environment in system.file.environments]
    return [RenderedSide(Side(system, plan), render(plan)) for plan in plans]


def once(sides: list[RenderedSide]) -> Render:
    """Make a way to render that knows what these plans become: rendering is most of the time."""

    def of(plan: ClusterPlan) -> tuple[Artifact, ...]:
        known = (side.artifacts for side in sides if side.side.plan == plan)
        return next(known, None) or render(plan)

    return of


RICH = """
    externals: {stripe: {hosts: [api.stripe.com], port: 443}}
    objectives: [{service: web, availability: 99.9}]
    services:
      web:
        port: 8080
        replicas: 2
        calls: [order-service]
        externals: [stripe]
        secrets: [TOKEN]
        probe: {http: /health}
        tasks: {tidy: {run: [tidy], schedule: "0 3 * * *"}}
        resources: {memory: 256Mi}
      payment-service: {volumes: {up: var/up}}
    environments:
      production:
        region: us-east-1
        domain: demo.example.org
        namespace: demo-prod
        registry: registry.example.com/demo
        version: 1.0.0
        images: {web: 1.0.1}
        quota: {cpu: 4}
        nodes: {role: general}
        ingress: {controller: nginx, tls: certificate}
        mesh: istio
        monitoring: watching
        env: {web: {MOOD: calm}}
        resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}
    """


def merged(one: Any, other: Any) -> Any:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    return {
        k: merged(one[k], other[k]) if k in one and k in other else {**one, **other}[k]
        for k in {**one, **other}
    }


def paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node)
    found = []
    for key, value in items:
        found.append((*path, key))
        if isinstance(value, dict | list):
            found += paths(value, (*path, key))
    return found


FULL = merged(BASE, yaml.safe_load(textwrap.dedent(RICH)))
#: What stands for a value of a type, where the model takes it there.
OTHERS = {int: [7], float: [7], str: ["other", "200m", "example.net"], bool: [True]}


def loaded(model: Model) -> dict[str, bytes] | None:
    tree = files(yaml.safe_dump(model, sort_keys=False))
    try:
        system = load_files(tree)
        for environment in system.file.environments:
            deploy(system, environment, KINDS)
    except BadInput:
        return None
    return tree


def variants() -> list[dict[str, bytes]]:
    """The model with each of its values left out, and with each as something else that it takes."""
    found = []
    for *above, last in paths(FULL):
        for other in (None, *OTHERS.get(type(at(FULL, above)[last]), [])):
            model = copy.deepcopy(FULL)
            node = at(model, above)
            if other is None:
                del node[last]
            else:
                node[last] = other
            if (tree := loaded(model)) is not None:
                found.append(tree)
                if other is not None:
                    break
    return found


def at(node: Any, path: list[Any]) -> Any:
    for step in path:
        node = node[step]
    return node


def test_every_value_of_the_model_that_changes_rendered_files_is_reported():
    base = loaded(FULL)
    every = variants()
    assert len(every) > 100
    before = shown(base)
    written_before = {s.side.plan.environment: written(s) for s in before}
    silent = []
    changed = 0
    for tree in every:
        sides = shown(tree)
        after = {s.side.plan.environment: written(s) for s in sides}
        differs = {e for e in {*after, *written_before} if after.get(e) != written_before.get(e)}
        changed += bool(differs)
        found = comparison(base, tree, render=once([*before, *sides])).changes
        told = {environment for one in found for environment in one.environments}
        silent += [tree] if differs - told else []
    assert changed > 50
    assert silent == []


def written(one: RenderedSide) -> dict[str, str]:
    """Tell what makes the bytes of each file; to write them as YAML takes twenty times as long."""
    return {
        made.path: repr((made.content, made.format, made.notes, made.remarks))
        for made in one.artifacts
    }


MODELS = st.lists(EDITS, max_size=4).map(edited)


@settings(max_examples=8, deadline=None)
@given(tree=MODELS)
def test_the_same_model_differs_in_nothing(tree):
    assert comparison(tree, dict(tree)).changes == ()
    for manifests in shown(tree):
        assert list(changes(manifests, manifests)) == []


@settings(max_examples=15, deadline=None)
@given(old=MODELS, new=MODELS)
def test_a_change_of_what_is_rendered_is_reported_in_each_environment(old, new):
    told = {environment for one in comparison(old, new).changes for environment in one.environments}
    for before, after in zip(shown(old), shown(new), strict=True):
        if written(before) != written(after):
            assert after.side.plan.environment in told


@settings(max_examples=15, deadline=None)
@given(old=MODELS, new=MODELS)
def test_what_is_added_in_one_direction_is_removed_in_the_other(old, new):
    for before, after in zip(shown(old), shown(new), strict=True):
        there = {
            (e.what, e.verb, e.subjects, e.names, e.old, e.new) for e in changes(before, after)
        }
        back = {
            (e.what, MIRROR[e.verb], e.subjects, e.names, e.new, e.old)
            for e in changes(after, before)
        }
        assert there == back
