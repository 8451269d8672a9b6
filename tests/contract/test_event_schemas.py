"""Every event, held against what was published before and against all who read it.

`services/<part>/published/<topic>.json` is what readers rely on. To change an event on purpose: add
a member, and write the new schema over the one in `published/` in the same commit. What would break
a reader goes under a new topic, which is published beside the old one until nobody reads that; then
the old topic is taken out, with its files.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
import yaml

from tarmac_kit_testing import broken, unreadable

SERVICES = Path(__file__).parents[2] / "services"
WRITTEN = {path.stem: path for path in sorted(SERVICES.glob("*/tarmac_*/schemas/*.json"))}
BEFORE = {path.stem: path for path in sorted(SERVICES.glob("*/published/*.json"))}


def _readers():
    for path in sorted(SERVICES.glob("*/service.yaml")):
        for topic in yaml.safe_load(path.read_text()).get("consumes") or []:
            yield pytest.param(path.parent.name, topic, id=f"{path.parent.name}-{topic}")


def test_every_event_stands_in_published_and_nothing_else_does():
    assert {topic: path.parents[2] for topic, path in WRITTEN.items()} == {
        topic: path.parents[1] for topic, path in BEFORE.items()
    }


@pytest.mark.parametrize("topic", WRITTEN)
def test_an_event_schema_stays_readable_by_older_consumers(topic):
    now, before = (json.loads(paths[topic].read_text()) for paths in (WRITTEN, BEFORE))
    assert broken(now, before) == [], (
        f"{topic}: this breaks its readers; add members instead, or publish a new topic"
    )
    assert now == before, (
        f"{topic}: nobody is broken, so copy {WRITTEN[topic]} over {BEFORE[topic]}"
    )


@pytest.mark.parametrize(("part", "topic"), [*_readers()])
def test_who_consumes_an_event_can_read_it_as_it_is_and_as_it_was(part, topic):
    reads = importlib.import_module(f"tarmac_{part}.events").READ
    assert topic in reads, f"tarmac_{part}.events.READ: name the model of {topic}"
    model = reads[topic].model_json_schema()
    for version in (WRITTEN, BEFORE):
        assert unreadable(json.loads(version[topic].read_text()), model) == []
