"""A drill's file: what it may say, and what is said of one that is wrong."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tarmac.base.errors import BadInput
from tarmac.base.foreign import files
from tarmac.drill import explain
from tarmac.drill.file import drill_file
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.file.sections import WITHOUT_METHOD
from tarmac.drill.kinds import chaos
from tarmac.model.loader import load
from tarmac.model.system import System

ROOT = Path(__file__).parents[2]
LATENCY_AND_KILL = """
    drill: 1
    title: The database is slow, then it dies
    load: {journey: order, rate: 10}
    hypothesis: {success: 99, p99: 500ms, invariants: [orders-end], objectives: [api_latency]}
    method:
      - {fault: latency, on: order-service -> orders-db, delay: 200ms, at: 2s, for: 8s}
      - {fault: kill, on: orders-db, at: 12s}
    baseline: 10s
    recovery: 20s
    """


@pytest.fixture(scope="module")
def shop() -> System:
    return load(str(ROOT / "systems/shop/tarmac.yaml"), files.content)


@pytest.fixture
def read(shop, tmp_path):
    """Read the text of a drill's file."""

    def read(text: str) -> DrillFile:
        path = tmp_path / "drill.yaml"
        path.write_text(textwrap.dedent(text).lstrip())
        return drill_file.load(path, shop)

    return read


def test_a_drill_lasts_from_its_baseline_to_the_end_of_its_recovery(read):
    file = read(LATENCY_AND_KILL)
    assert file.disturbed_s == 12  # a kill is over at once
    assert file.seconds == 42
    assert [type(step).__name__ for step in file.method] == ["Latency", "Kill"]


def test_every_mistake_is_reported_at_once_with_its_place(read):
    with pytest.raises(BadInput) as found:
        read(
            """
            drill: 1
            title: x
            load: {journey: order, rate: 0}
            hypothesis: {success: 200}
            method:
              - {fault: kil, on: orders-db}
              - {fault: latency, on: orders-db, dely: 3s}
              - {fault: reset, on: orders-db, percent: 300, for: 3}
              - {on: x}
            """
        )
    said = [f"{p.where.rpartition('drill.yaml:')[2]}: {p.what}" for p in found.value.problems]
    assert said == [
        "3:30: rate is 0; it must be more than 0.0",
        "4:23: success is 200; it must be at most 100.0",
        "6:13: fault is 'kil'; did you mean 'kill'?",
        "7:5: entry 2 of method lacks 'delay'; add `delay: ...`",
        "7:37: unknown key 'dely'; did you mean 'delay'?",
        "8:44: percent is 300; it must be at most 100.0",
        "8:54: for is 3; write a number and its unit, e.g. 200ms, 2s, 15m, 6h or 30d",
        "9:5: entry 4 of method lacks 'fault'; add `fault: ...`",
    ]


def test_names_are_those_of_the_system(read):
    with pytest.raises(BadInput) as found:
        read(
            LATENCY_AND_KILL.replace("[orders-end]", "[orders-ned]").replace("_latency", "_ltency")
        )
    assert [p.what for p in found.value.problems] == [
        "no invariant 'orders-ned'; did you mean 'orders-end'?",
        "no objective 'api_ltency'; did you mean 'api_latency'?",
    ]


def test_a_copy_has_as_many_instances_as_the_file_says(read):
    with pytest.raises(BadInput) as found:
        read(LATENCY_AND_KILL.rstrip() + "\n    instances: {order-servic: 2, user-service: 2}\n")
    assert [f"{p.where.rpartition('drill.yaml:')[2]}: {p.what}" for p in found.value.problems] == [
        "10:13: no service 'order-servic'; did you mean 'order-service'?"
    ]
    file = read(LATENCY_AND_KILL.rstrip() + "\n    instances: {order-service: 2}\n")
    assert (
        "The copy has 2 of order-service, and one instance of every other service."
        in explain.sentences(file, chaos.DRILL)
    )


def test_an_amount_of_memory_is_as_in_a_manifest(read):
    step = "- {{fault: memory-limit, on: x, limit: {}}}"
    text = f"drill: 1\ntitle: x\nload: {{{{journey: order, rate: 1}}}}\nmethod: \n  {step}\n"
    assert read(text.format("64Mi")).method[0].limit == 64 * 1024 * 1024
    with pytest.raises(
        BadInput, match=r"limit '64 MB' is not an amount; write e\.g\. 250m or 256Mi"
    ):
        read(text.format("64 MB"))


def test_a_drill_is_explained_in_plain_words(read):
    assert list(explain.sentences(read(LATENCY_AND_KILL), chaos.DRILL))[:6] == [
        "The database is slow, then it dies.",
        "10 visits `order` begin per second, for 42s at most.",
        (
            "After 12s: latency on order-service -> orders-db for 8s, delay 200ms. "
            "Proof: the proxy counts the delayed bytes, and the delay."
        ),
        (
            "After 22s: kill on orders-db. Proof: each process that got the signal is gone; "
            "in a cluster, each pod."
        ),
        "At least 99 % of the visits must succeed.",
        "99 % of them must end within 500 ms.",
    ]


@pytest.mark.parametrize("path", sorted(ROOT.glob("systems/*/drills/*.yaml")), ids=lambda p: p.stem)
def test_every_drill_that_is_shipped_can_be_run(path):
    system = load(str(path.parents[1] / "tarmac.yaml"), files.content)
    assert drill_file.find(system, path.stem) == path
    file = drill_file.load(path, system)
    disturbs = bool(file.method or file.load.stages)
    assert disturbs == (file.kind not in WITHOUT_METHOD)


@pytest.mark.parametrize(("section", "kind"), [("capacity", "capacity"), ("draw", "random")])
def test_a_section_of_another_kind_of_drill_is_an_error(read, section, kind):
    text = f"drill: 1\ntitle: x\nload: {{journey: order, rate: 1}}\n{section}: {{}}\n"
    with pytest.raises(BadInput, match=rf"`{section}` is for `kind: {kind}` \(chaos\)"):
        read(text)
    assert read(f"kind: {kind}\n{text}").kind == kind


def test_a_restore_names_stores_of_the_system_and_has_no_steps(read):
    with pytest.raises(BadInput) as found:
        read(
            """
            drill: 1
            title: x
            kind: restore
            load: {journey: order, rate: 1}
            restore: {stores: [orders-bd, broker, users-db]}
            method: [{fault: kill, on: orders-db}]
            """
        )
    said = [f"{p.where.rpartition('drill.yaml:')[2]}: {p.what}" for p in found.value.problems]
    assert said == [
        "5:20: no store 'orders-bd'; did you mean 'orders-db'?",
        "5:31: 'broker' is NATS JetStream, for which Tarmac makes no backups; remove it",
        "6:9: `method` is not for `kind: restore`, which has no steps; remove it",
    ]


def test_a_restore_without_its_section_is_a_mistake(read):
    with pytest.raises(BadInput, match=r"`kind: restore` lacks its section; add `restore:"):
        read("drill: 1\ntitle: x\nkind: restore\nload: {journey: order, rate: 1}\n")


def test_a_load_may_have_other_rates_for_a_while(read):
    start = "drill: 1\ntitle: x\nload: {journey: order, rate: 5, "
    stages = "stages: [{rate: 20, for: 10s}, {rate: 10, for: 3s}]}\n"
    file = read(start + stages + "baseline: 4s\nrecovery: 20s\n")
    assert list(file.stages) == [(5, 4), (20, 10), (10, 3), (5, 20)]
    assert (file.disturbed_s, file.seconds) == (13, 37)
    said = list(explain.sentences(file, chaos.DRILL))
    assert said[2] == "After 4s it is 20 for 10s, then 10 for 3s, then 5 again."
    with pytest.raises(BadInput, match="`stages` are not for `kind: capacity`; remove them"):
        read(start + stages + "kind: capacity\n")


CANARY = "drill: 1\ntitle: x\nkind: canary\nload: {journey: order, rate: 1}\ncanary: "


def test_a_canary_takes_the_numbers_of_an_environment_where_it_says_none(read, shop):
    given = "{service: order-service, environment: production, success: 90}"
    found = read(CANARY + given).canary
    rollout = shop.file.environments["production"].rollout
    assert (found.weights, found.p99, found.requests) == (
        rollout.weights,
        rollout.p99,
        rollout.requests,
    )
    assert (found.success, found.every) == (90, 5)
    plain = read(CANARY + "{service: order-service, weights: [5]}").canary
    assert (plain.weights, plain.longest_s) == ((5,), 80)


def test_all_that_is_wrong_with_a_canary_is_reported_at_once(read):
    given = "{service: order-servise, environment: produktion, version: {file: next.yaml}}"
    with pytest.raises(BadInput) as found:
        read(CANARY + given)
    said = [str(problem).partition("drill.yaml:")[2] for problem in found.value.problems]
    assert said == [
        "5:19: no service 'order-servise'; did you mean 'order-service'?",
        "5:75: no file 'next.yaml'; give a system's file, from here",
        "5:47: no environment 'produktion' with a `rollout`; did you mean 'production'?",
    ]


def test_a_failover_names_what_the_system_has(read):
    with pytest.raises(BadInput) as found:
        read(
            """
            drill: 1
            title: x
            kind: failover
            load: {journey: order, rate: 1}
            failover:
              stores: [orders-bd, users-db, cache, broker]
              service: api-gatewy
              once_promoted: {user-db: SELECT 1}
            """
        )
    said = [f"{p.where.rpartition('drill.yaml:')[2]}: {p.what}" for p in found.value.problems]
    assert said == [
        "6:12: no store 'orders-bd'; did you mean 'orders-db'?",
        "7:12: no service 'api-gatewy'; did you mean 'api-gateway'?",
        "6:33: 'cache' is Redis (Valkey), which has no replication here; remove it",
        "6:40: 'broker' is NATS JetStream, which has no replication here; remove it",
        "8:19: 'user-db' has no standby; did you mean 'users-db'?",
    ]


def test_a_failover_checks_a_service_that_can_be_asked(read):
    with pytest.raises(
        BadInput, match="'notification-service' listens on no port; name a service that"
    ):
        read(
            "drill: 1\ntitle: x\nkind: failover\nload: {journey: order, rate: 1}\n"
            "failover: {stores: [users-db], service: notification-service}\n"
        )


def test_a_service_that_is_scaled_is_one_of_the_system(read):
    with pytest.raises(BadInput, match="no service 'order-servise'; did you mean 'order-service'"):
        read(
            "drill: 1\ntitle: x\nkind: scale\nload: {journey: order, rate: 1}\n"
            "scale: {service: order-servise}\n"
        )
