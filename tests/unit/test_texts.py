"""No text of the model carries another language into what is rendered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tarmac.base.errors import BadInput
from tarmac.base.foreign import files
from tarmac.model.loader import load

SHOP = Path(__file__).parents[2] / "systems/shop/tarmac.yaml"
#: What another language would act on, by its name.
PAYLOADS = {
    "shell": "$(touch /tmp/CAN)",
    "backtick": "`id`",
    "separator": ";id",
    "newline": "\n- evil: true",
    "github": "${{ secrets.TOKEN }}",
    "template": "{{ $labels.q }}",
    "hcl": '${file("/etc/passwd")}',
    "hcl directive": "%{ for x in y }",
    "yaml": ": {a: b} #",
    "markdown": "](javascript:alert(1))",
    "sql": "'; drop table t; --",
    "space": " x",
    "quote": '"',
}
#: Each typed text of the model, by its path.
TYPED = [
    ("owner",),
    ("domain",),
    ("delivery", "repository"),
    ("delivery", "gitops"),
    ("delivery", "owners", 0),
    ("externals", "stripe", "hosts", 0),
    ("services", "api-gateway", "public", "paths", 0),
    *(
        ("environments", "production", name)
        for name in ("cloud", "region", "domain", "registry", "version")
    ),
    ("environments", "production", "nodes", "role"),
    ("environments", "production", "observability", "runbooks"),
]


def model():
    document = yaml.safe_load(SHOP.read_bytes())
    document["externals"] = {"stripe": {"hosts": ["api.stripe.com"]}}
    document["services"]["api-gateway"]["externals"] = ["stripe"]
    production = document["environments"]["production"]
    production.update({"domain": "shop.example.com", "version": "1.0.0"})
    return document


def put(document, path, change):
    for step in path[:-1]:
        document = document[step]
    document[path[-1]] = change(document[path[-1]])


def problems(document):
    text = yaml.safe_dump(document, sort_keys=False, width=100_000).encode()

    def read(path):
        return text if Path(path) == SHOP else files.content(path)

    try:
        load(str(SHOP), read)
    except BadInput as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_typed_text_lets_no_other_language_in(payload):
    """All at once, so that each is named by its own error, with its place."""
    document = model()
    for path in TYPED:
        put(document, path, lambda value: f"{value}{payload}")
    found = problems(document)
    assert all(re.match(r".*tarmac\.yaml:\d+:\d+: ", line) for line in found)
    assert len(found) >= len(TYPED)


def test_the_values_themselves_are_taken():
    assert problems(model()) == []
