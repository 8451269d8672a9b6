"""The committed JSON Schemas are what the models say."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from tarmac_identity import events


@pytest.mark.parametrize("topic", events.PUBLISHED)
def test_the_committed_schema_of_a_topic_is_its_models(topic: str) -> None:
    committed = json.loads((files("tarmac_identity") / "schemas" / f"{topic}.json").read_text())
    assert committed == events.PUBLISHED[topic].model_json_schema()


def test_every_committed_schema_has_a_model() -> None:
    committed = (files("tarmac_identity") / "schemas").iterdir()
    assert {path.name for path in committed} == {f"{topic}.json" for topic in events.PUBLISHED}
