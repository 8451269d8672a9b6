"""`tarmac new` in memory: placeholders, what is chosen, entries in the text of a model."""

from __future__ import annotations

import itertools
from pathlib import Path

import jinja2
import pytest

from tarmac.base.errors import BadInput
from tarmac.change.create import choices, sources, template
from tarmac.change.create.choices import Choices
from tarmac.change.create.placeholders import filled
from tarmac.model.addition import added
from tarmac.model.loader import load
from tarmac.render.assets import assets

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(
    {
        path.split("/")[2]
        for path in assets(sources.OWN)
        if path.endswith(template.FILE) and path.count("/") == 3
    }
)
DATA = sources.own("python-http").data
MODEL = """\
# A shop of ours.
tarmac: 1
system: corner

services:
  till:
    run: python3 till.py
    port: 7001   # the first
    publishes: [till.closed]

  shelf:
    run: python3 shelf.py
    port: 7002
    #   env: {A: b}

  # a later one
  # third: {}

stores: {}   # none yet

broker: rabbitmq
objectives:
- {service: till, availability: 99}
"""


def system(text=MODEL):
    """Load a model's text."""
    return load("tarmac.yaml", lambda _: text.encode())


def given(**chosen):
    """Return the values of a choice."""
    return {
        **choices.values(Choices("items", **chosen), system(), DATA),
        "folder": "services/items",
    }


def problems(call, *args, **named):
    """Return what a call refuses."""
    with pytest.raises(BadInput) as refused:
        call(*args, **named)
    return [str(problem) for problem in refused.value.problems]


def test_a_value_and_a_condition_are_filled_in():
    text = (
        "a ${{ values.name }}\n{%- if values.x or values.y %}\n\nb\n{%- else %}\nc\n{%- endif %}\n"
    )
    assert filled(text, {"name": "n", "x": False, "y": True}, "t") == "a n\n\nb\n"
    assert filled(text, {"name": "n", "x": False, "y": False}, "t") == "a n\nc\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a ${{ values.nmae }}", "t:1: unknown value 'nmae'; did you mean 'name'?"),
        ("a\n\n{%- if values.x %}\n{%- endif %}", "t:3: a tag behind an empty line"),
        ("{%- if values.x %}\n{%- endif %}", "t:1: a tag behind an empty line, or in the first"),
        ("a\n{%- if values.x %}", "t:2: an `if` without its `endif`"),
        ("a\n{%- endif %}", "t:2: `endif` without an `if`"),
        ("a\n{% for x in y %}", "t:2: '{% for x in y %}' is not"),
        ("${{ values.name | upper }}", "t:1: '${{ values.name | upper }}' is not"),
    ],
)
def test_a_mistake_in_a_template_is_told_with_its_line(text, said):
    assert any(said in problem for problem in problems(filled, text, {"name": "n", "x": True}, "t"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_jinja_makes_the_same_files_of_our_templates(name):
    jinja = jinja2.Environment(
        variable_start_string="${{",
        variable_end_string="}}",
        keep_trailing_newline=True,
        autoescape=False,
    )
    used = sources.own(name)
    read = {
        path: jinja.from_string(text)
        for path, text in used.texts.items()
        if path.endswith(template.END) and path.split("/")[0] in used.folders
    }
    base = given()
    for number, (store, events) in enumerate(
        itertools.product(used.data.stores, ("none", "publishes", "consumes"))
    ):
        cached, broker = bool(number % 2), used.data.brokers[number % 2]
        has_broker = events != "none"
        values = {
            **base,
            "store": store,
            "broker": broker if has_broker else "none",
            **{kind: kind == store for kind in used.data.stores if kind != "none"},
            "redis": store == "redis" or cached,
            "cache": cached and store in ("postgres", "mongodb"),
            **{kind: has_broker and kind == broker for kind in used.data.brokers},
            **{kind: kind == events for kind in ("publishes", "consumes")},
        }
        by_jinja = {path: text.render(values=values) for path, text in read.items()}
        entries = dict(template.entry(used, values))
        assert entries
        assert {path: by_jinja[path] for path in entries} == entries
        made = template.files(used, values)
        assert set(made.values()) <= set(by_jinja.values())
        assert not [path for path, text in made.items() if "values." in path or "{%" in text]


def test_entries_go_behind_those_that_are_there_and_comments_stay():
    addition = (
        "services:\n  items:\n    run: python3 items.py # x\n    port: 7003\n"
        "stores:\n  items-db: postgres\nobjectives:\n  - {service: items, latency: 1s}\n"
        "broker: nats\n"
    )
    made = added(MODEL, "tarmac.yaml", addition, "entry")
    assert (
        made
        == """\
# A shop of ours.
tarmac: 1
system: corner

services:
  till:
    run: python3 till.py
    port: 7001   # the first
    publishes: [till.closed]

  shelf:
    run: python3 shelf.py
    port: 7002
    #   env: {A: b}

  items:
    run: python3 items.py # x
    port: 7003

  # a later one
  # third: {}

stores: # none yet
  items-db: postgres

broker: rabbitmq
objectives:
- {service: till, availability: 99}
- {service: items, latency: 1s}
"""
    )


def test_a_new_section_stands_where_it_belongs():
    before = "services:\n  b:\n    run: c\nobjectives:\n  - {service: b, latency: 1s}\n"
    made = added(before, "f", "stores:\n  db: postgres\nbroker: nats\n", "entry")
    assert made == before.replace(
        "objectives", "\nstores:\n  db: postgres\n\nbroker: nats\n\nobjectives"
    )


@pytest.mark.parametrize("name", ["shop", "trading", "travel", "hello-dd", "starter"])
def test_an_entry_changes_no_line_of_a_real_system(name):
    text = (ROOT / "systems" / name / "tarmac.yaml").read_text()
    addition = (
        "services:\n  items:\n    run: a\n    port: 1\nstores:\n  items-db: postgres\n"
        "objectives:\n  - {service: items, latency: 1s}\n"
    )
    made = added(text, "tarmac.yaml", addition, "entry").splitlines()
    left = iter(made)
    assert all(line in left for line in text.splitlines())
    new = len(made) - len(text.splitlines())
    assert new <= len(addition.splitlines()) + 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services:\n  items: {run: a}\n", "services has 'items' already"),
        ("services: {b: {run: a}}\n", "f:1:1: `services` is written in braces"),
        ("x: &x {b: {run: a}}\nservices: *x\n", "`services` is an alias"),
    ],
)
def test_an_entry_that_cannot_be_added_is_refused(text, said):
    (told,) = problems(added, text, "f", "services:\n  items:\n    run: b\n", "entry")
    assert said in told


def test_a_service_gets_the_next_port_the_systems_broker_and_its_topic():
    values = given(events="consumes", stores=("postgres", "redis"))
    assert (values["port"], values["broker"], values["topic"]) == (
        "7003",
        "rabbitmq",
        "till.closed",
    )
    assert (values["store"], values["cache"]) == ("postgres", True)
    assert values["metrics_port"] == "7004"
    assert given(port=7000)["metrics_port"] == "7003", "those between are taken"
    assert given(stores=("redis",))["store"] == "redis"


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"name": "Items"}, "Items: no DNS label"),
        ({"name": "till"}, "tarmac.yaml:6:3: the name 'till' is taken here"),
        ({"stores": ("postgres", "mongodb")}, "--store: postgres and mongodb"),
        ({"stores": ("postgers",)}, "no files for 'postgers'; did you mean 'postgres'?"),
        ({"port": 7001}, "--port: 7001 is taken"),
        ({"calls": ("tills",)}, "--calls: no such service 'tills'; did you mean 'till'?"),
        ({"events": "publishes", "broker": "nats"}, "the system's broker is rabbitmq"),
        ({"events": "consumes", "topic": "a.b"}, "no service publishes 'a.b'"),
        ({"topic": "a.b"}, "--topic: a topic without events"),
        ({"description": 'a "quote"'}, "--description: 'a \"quote\"'"),
    ],
)
def test_a_choice_that_is_wrong_is_refused_with_its_place(chosen, said):
    told = problems(choices.values, Choices(**{"name": "items", **chosen}), system(), DATA)
    assert len(told) == 1
    assert said in told[0]


def test_a_service_that_would_not_find_its_broker_in_an_environment_is_refused():
    text = MODEL + "environments:\n  production:\n    broker: nats\n"
    chosen = Choices("items", events="publishes")
    (told,) = problems(choices.values, chosen, system(text), DATA)
    assert told.startswith("tarmac.yaml:")
    assert "production runs nats, and the new service would speak to rabbitmq only" in told
