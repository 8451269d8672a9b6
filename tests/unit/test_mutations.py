"""Whatever is done to a valid file, it loads or gives located errors, soon, and never another."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from demo_system import FILE, files, load_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tarmac.base.errors import BadInput, Problem
from tarmac.model.document import MAX_BYTES, MAX_PROBLEMS
from tarmac.model.service import Service
from tarmac.model.system import SystemFile

ROOT = Path(__file__).resolve().parents[2]
#: A file with every key that there is, and some of YAML's own features.
FULL = b"""\
tarmac: 1
system: full
owner: team
hosts: true
domain: full.example.com
env: {JWT_ISSUER: "https://${system.domain}", RATE: 1.10, ON: true}
secrets: [API_KEY]
entry: {www: 8443}
services:
  web:
    run: "serve --port $PORT"
    cwd: web
    ports: {http: 8080, grpc: 9090}
    image_port: 80
    listen: given
    public: {host: www, paths: [/, /api]}
    calls: [order-service, {product-service: {timeout: 500ms, retries: 2}}]
    externals: [stripe]
    env: &env
      ORDERS: ${services.order-service.url}/orders
      STORE: ${stores.orders-db.url}
      LITERAL: $${x}
      UPLOADS: ${volumes.uploads.path}
    secrets: [API_KEY]
    probe: {http: /health, within: 30s}
    tasks: {migrate: {run: [serve, migrate]}, tidy: {run: tidy, schedule: "*/5 * * * *"}}
    volumes: {uploads: var/uploads}
    writable: {tmp/cache: /app/tmp/cache}
    watch: [src, Makefile]
    resources: {cpu: 0.5, memory: 256Mi}
    replicas: 2
    after_start: {run: [serve, warm-up]}
    before_stop: {run: serve drain, within: 10s}
  fixed:
    run: [serve]
    port: 8081
    listen: fixed
    volumes: {uploads: var/more}
    env: {<<: *env, OWN: 1}
    probe: {log: "^listening"}
  order-service:
    source: services/orders
    port: 3003
    isolated: true
    trust: network
    owner: "@team/orders"
    api: openapi.yaml
    stop: {signal: INT, grace: 20s}
    group: back
    profiles: [all]
    commands: {console: [psql, orders]}
    stores: {db: orders-db, cache: cache}
    calls: [product-service]
    publishes: [order.placed]
    consumes: [payment.captured]
    env: {JWKS_URL: "${services.product-service.url}/keys"}
  product-service: {source: [services/catalog], port: 8000}
  payment-service:
    source: services/payments
    publishes: [payment.captured]
    consumes: [order.placed]
    probe: {command: [check, it]}
stores:
  orders-db:
    {kind: postgres, version: "16", database: orders, seed: s.sql, init: [t.sql], provider: binary}
  cache: redis
broker: {kind: nats, version: "2"}
externals: {stripe: {hosts: [api.stripe.com], port: 443}}
objectives:
  - {service: web, availability: 99.95, window: 30d}
  - {service: web, latency: 200ms, percent: 95}
invariants:
  paid: {store: orders-db, query: SELECT 1, about: nothing}
  same: {equal: {orders-db: SELECT 1, cache: SELECT 1}}
delivery:
  repository: https://example.com/team/full
  gitops: https://example.com/team/full-gitops
  branch: trunk
  pipelines: [github, gitlab]
  terraform: true
  terragrunt: true
  owners: ["@team/full"]
environments:
  production:
    cloud: aws
    region: us-east-1
    zones: 3
    servers: {aurora: [orders-db]}
    infrastructure:
      by: terraform
      eksctl: true
      servers: {aurora: {instance: db.r6g.large}}
      buckets: {papers: {days: 30}}
      egress: {hosts: [.example.com]}
      roles:
        web:
          name: web-role
          reads: [papers]
          writes: [papers]
          allows: {"ses:SendEmail": ["arn:aws:ses:us-east-1:123456789012:identity/example.com"]}
    replicas: {min: 3, max: 20, cpu: 70, memory: 80}
    env: {web: {RATE: 2}}
organization:
  region: us-east-1
  accounts:
    production: {email: aws@example.com}
    tools: {email: tools@example.com, id: "111111111111"}
  access: {readers: {policies: [ViewOnlyAccess], accounts: [production], hours: 8}}
"""


def shop() -> dict[str, bytes]:
    """The shop's file and its parts' as one tree in memory, at the places that they name."""
    folder = ROOT / "systems/shop"
    tree = {FILE: (folder / "tarmac.yaml").read_bytes()}
    for path in (ROOT / "services").glob("*/service.yaml"):
        tree[f"services/{path.parent.name}/service.yaml"] = path.read_bytes()
    return tree


BASES = {"shop": shop(), "full": {**files(), FILE: FULL}}
#: Every file of both, by its base and name: any of them may be the one that is broken.
TARGETS = [(base, name) for base, tree in BASES.items() for name in sorted(tree)]
JUNK = [
    *(None, True, False, 0, -1, 7, 10**18, 1.5, "", " ", "x", "A", "../..", "/", "é", "x" * 300),
    *([], {}, [None], [[]], [{}], {"a": None}, {"": ""}, {"a": {"b": ["c"]}}, "1s", "${x", "a\nb"),
    *("${stores.x.y}", "${services.web.url}", "${broker.url}", "${a.b.c.d}", "<<", "*x", "$PORT"),
    *(["web", "web"], "\x00", "null", "~", "postgres", ["${"], {"<<": 1}, "9" * 30, "1e999"),
]


def outcome(tree: dict[str, bytes]) -> tuple[Problem, ...]:
    """Load; anything but a system or located problems is an error of this test."""
    try:
        load_files(tree)
    except BadInput as error:
        return error.problems or (Problem("nowhere", "nothing"),)
    return ()


def assert_located(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        assert re.fullmatch(r"[^\n]+\.yaml(:[1-9]\d*:[1-9]\d*)?", problem.where), problem
        assert "; " in problem.what or problem.what.endswith("?"), f"it says what to do: {problem}"
        assert len(problem.what) < 700
        assert not re.search(
            r"pydantic|Input should|Value error|Traceback|not YAML|\[a-z", problem.what
        ), problem
    assert len(problems) <= 2 * (MAX_PROBLEMS + 1)


Pairs = list[tuple[str, Any]]


def paired(data: Any) -> Any:
    """Mappings as lists of pairs, so that a key can stand twice."""
    if isinstance(data, dict):
        return ("map", [(str(key), paired(value)) for key, value in data.items()])
    if isinstance(data, list):
        return ("list", [(None, paired(value)) for value in data])
    return data


def written(node: Any) -> str:
    if not isinstance(node, tuple):
        return json.dumps(node)
    kind, entries = node
    if kind == "list":
        return "[" + ", ".join(written(value) for _, value in entries) + "]"
    return "{" + ", ".join(f"{json.dumps(key)}: {written(v)}" for key, v in entries) + "}"


def places(node: Any) -> list[tuple[list, int]]:
    """Every entry of a tree: the list that holds it, and where."""
    if not isinstance(node, tuple):
        return []
    found = []
    for index, (_, value) in enumerate(node[1]):
        found += [(node[1], index), *places(value)]
    return found


@st.composite
def mutated(draw) -> tuple[str, str, bytes]:
    """A base, one of its files, and this with up to three nodes changed."""
    base, name = draw(st.sampled_from(TARGETS))
    root = paired(yaml.safe_load(BASES[base][name]))
    for _ in range(draw(st.integers(1, 3))):
        entries = places(root)
        if not entries:
            break
        holder, index = draw(st.sampled_from(entries))
        key, value = holder[index]
        change = draw(st.sampled_from(["drop", "rename", "retype", "double", "move", "nest"]))
        if change == "drop":
            del holder[index]
        elif change == "rename" and key is not None:
            near = [key[1:], key + "s", key.upper(), key * 2, "", "<<", "tarmac", "run", "source"]
            holder[index] = (draw(st.sampled_from(near) | st.text(max_size=9)), value)
        elif change in ("rename", "retype"):
            holder[index] = (key, paired(draw(st.sampled_from(JUNK))))
        elif change == "double":
            holder.insert(draw(st.integers(0, len(holder))), (key, value))
        elif change == "move":
            other, place = draw(st.sampled_from(entries))
            if place < len(other):
                holder[index] = (key, json.loads(json.dumps(other[place][1])))
                holder[index] = (key, _tupled(holder[index][1]))
        else:
            holder[index] = (key, ("list", [(None, value)]))
    return base, name, written(root).encode("utf-8", "surrogatepass")


def _tupled(node: Any) -> Any:
    if isinstance(node, list) and len(node) == 2 and node[0] in ("map", "list"):
        return (node[0], [(key, _tupled(value)) for key, value in node[1]])
    return node


FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("base", BASES)
def test_the_bases_are_valid(base):
    assert outcome(BASES[base]) == ()


def test_one_of_them_uses_every_key_that_there_is():
    data = yaml.safe_load(FULL)
    used = {key for service in data["services"].values() for key in service}
    assert used == Service.model_fields.keys()
    # What is included is another repository's file.
    assert data.keys() | {"include"} == SystemFile.model_fields.keys()


def test_what_the_mutations_write_is_the_same_system():
    for base, name in TARGETS:
        again = written(paired(yaml.safe_load(BASES[base][name])))
        assert outcome({**BASES[base], name: again.encode()}) == ()


@FEW
@given(mutated())
def test_any_change_of_nodes_loads_or_gives_located_errors(mutation):
    base, name, raw = mutation
    assert_located(outcome({**BASES[base], name: raw}))


@FEW
@given(st.sampled_from(TARGETS), st.floats(0, 1), st.binary(max_size=4))
def test_a_file_that_ends_or_is_broken_at_any_byte_loads_or_gives_located_errors(
    target, part, junk
):
    base, name = target
    raw = BASES[base][name]
    at = int(part * len(raw))
    assert_located(outcome({**BASES[base], name: raw[:at]}))
    assert_located(outcome({**BASES[base], name: raw[:at] + junk + raw[at + len(junk) :]}))


@FEW
@given(
    st.sampled_from(TARGETS),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(list("{}[]:,&*!|>'\"%@`#-?\n\t $<~")))),
)
def test_a_file_with_marks_of_yaml_anywhere_loads_or_gives_located_errors(target, marks):
    base, name = target
    text = BASES[base][name].decode()
    for part, mark in marks:
        at = int(part * len(text))
        text = text[:at] + mark + text[at:]
    assert_located(outcome({**BASES[base], name: text.encode()}))


HEAD = "tarmac: 1\nsystem: junk\n"


def filled(unit: str, head: str = "", end: str = "") -> bytes:
    return (head + unit * ((MAX_BYTES - len(head) - len(end)) // len(unit)) + end).encode()


def many(unit: str, head: str, end: str) -> bytes:
    return (head + unit * 50_000 + end).encode()


def numbered(line: str, count: int, head: str = HEAD, end: str = "") -> bytes:
    return (head + "".join(line.replace("N", str(n)) for n in range(count)) + end).encode()


#: Files that are as bad as their size allows.
HOSTILE = {
    "ten megabytes": b"junk: [1, 2]\n" * 800_000,
    "binary": bytes(n * 7919 % 251 for n in range(MAX_BYTES)),
    "brackets": filled("["),
    "braces": filled("{a: "),
    "dashes": filled("- "),
    "values": filled("a,", "["),
    "keys": numbered("kN: 1\n", 8_000),
    "services": numbered("  sN: {run: x}\n", 4_000, HEAD + "services:\n"),
    "names": numbered("  SN: {run: x}\n", 4_000, HEAD + "services:\n"),
    "calls": numbered("sN, ", 10_000, HEAD + "services: {a: {run: x, calls: [", "]}}"),
    "strangers": numbered("  sN: {run: x, calls: [tN]}\n", 4_000, HEAD + "services:\n"),
    "topics": numbered("  sN: {run: x, consumes: [t.nN]}\n", 4_000, HEAD + "services:\n"),
    "ports": numbered("  sN: {run: x, port: 80}\n", 4_000, HEAD + "services:\n"),
    "sources": numbered("sN, ", 10_000, HEAD + "services: {a: {source: [", "]}}"),
    "parts": numbered("  sN: {source: services/orders}\n", 4_000, HEAD + "services:\n"),
    "variables": numbered(
        "EN: '${services.a.url}', ", 4_000, HEAD + "services: {a: {env: {", "}}}"
    ),
    "references": many("${a.b}", HEAD + "services: {a: {run: x, env: {A: '", "'}}}"),
    "pattern": filled("(a*)*", HEAD + "services: {a: {run: x, probe: {log: '", "'}}}"),
    "schedule": many("1,", HEAD + "services: {a: {run: x, tasks: {t: {schedule: '", "'}}}}"),
    "number": filled("9", HEAD + "services: {a: {run: x, port: ", "}}"),
    "alias bomb": numbered("aN: [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n", 8_000, "b: &b [x,x,x,x,x,x,x]\n"),
    "tree of aliases": "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9 if n else ['x'])}]\n" for n in range(50)
    ).encode(),
    "merges": numbered("aN: {<<: *b}\n", 5_000, "b: &b {x: 1}\n"),
    "merges of merges": "".join(
        f"a{n}: &a{n} {{<<: [{f'*a{n - 1}, *a{n - 1}' if n else ''}]}}\n" for n in range(50)
    ).encode(),
    "a long name": filled("a", HEAD + "services: {? ", " : {run: x}}"),
    "a long tag": filled("!"),
}


def cpu_s(wanted: dict[str, bytes]) -> float:
    began = time.process_time()
    assert_located(outcome(wanted))
    return time.process_time() - began


@pytest.fixture(scope="module")
def thousand_services() -> bytes:
    raw = numbered("  sN: {run: [serve, it], port: 1N, env: {A: b}}\n", 1000, HEAD + "services:\n")
    raw = re.sub(rb"port: 1(\d+)", lambda found: b"port: %d" % (1000 + int(found[1])), raw)
    assert outcome({FILE: raw}) == ()
    return raw


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_takes_no_more_than_a_few_times_what_a_thousand_services_take(
    name, thousand_services
):
    hostile = {**files(), FILE: HOSTILE[name]}
    ratios: list[float] = []
    # Both in turns: what else the cores do makes either take two or three times as long.
    while len(ratios) < 3 and not any(ratio < 12 for ratio in ratios):
        ratios.append(cpu_s(hostile) / cpu_s({FILE: thousand_services}))
    # Measured: 7 times at most; what once was quadratic, 18 times at this size.
    assert min(ratios) < 12, ratios
