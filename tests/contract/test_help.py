"""`tarmac help TOPIC`: what a verb, a key, a fault, a kind of store or a gate is."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tarmac.base.errors import BadInput
from tarmac.cli.main import tarmac
from tarmac.cli.output import topics


def asked(*words):
    """Ask, and return what is printed."""
    done = CliRunner().invoke(tarmac, ["help", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_without_a_topic_all_of_them_are_listed():
    said = asked()
    for name in (" connect, cost,", "services,", "bandwidth,", "postgres,", "NET001"):
        assert name in said
    listed = json.loads(asked("--json"))
    assert {kind: len(names) for kind, names in listed.items()}.keys() == {
        "verbs", "keys", "faults", "stores",
    }  # fmt: skip


@pytest.mark.parametrize(
    "topic", [name for names in topics.topics(tarmac).values() for name in names]
)
def test_every_topic_has_an_answer(topic):
    assert len(asked(topic).split()) > 5


def test_a_verb_is_told_as_its_own_help_tells_it():
    own = CliRunner().invoke(tarmac, ["up", "--help"]).output
    assert asked("up").splitlines()[1:] == own.splitlines()[1:]


def test_a_verb_that_is_a_fault_as_well_is_told_as_both():
    said = asked("restart")
    assert said.index("Usage: ") < said.index("restart  (fault)")
    assert [one["kind"] for one in json.loads(asked("restart", "--json"))] == ["verb", "fault"]


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("services.calls.timeout", "The timeout of a call."),
        ("services.order-service.calls", "How one service calls another."),
        ("environments.ingress.kind", "gateway or ingress"),
        ("slots.env", "key of service.yaml"),
        ("latency", "The proxy counts the delayed bytes"),
        ("postgres", "url, host, port"),
        ("NET001", "To suppress a finding in its place"),
    ],
)
def test_a_topic_is_explained(topic, said):
    assert said in asked(topic)


def test_a_key_names_those_in_it_with_type_and_default():
    [found] = json.loads(asked("services.calls", "--json"))
    assert found["kind"] == "key of tarmac.yaml"
    inside = {key["name"]: (key["type"], key["default"]) for key in found["keys"]}
    assert inside["retries"] == ("integer", "1")


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("serv", "no such topic; did you mean"),
        ("services.cals", "services has no 'cals': did you mean 'calls'?"),
        ("nothing.calls", "no such topic; choose one of"),
        ("NET999", "no such gate"),
    ],
)
def test_an_unknown_topic_is_one_message_with_the_nearest(topic, said):
    with pytest.raises(BadInput, match=said.replace("?", r"\?")):
        CliRunner().invoke(tarmac, ["help", topic], catch_exceptions=False)
