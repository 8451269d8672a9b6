"""A free text of the model reaches each rendered file as one value, and as nothing else."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from tarmac.base.artifact import write
from tarmac.render import in_memory

SHOP = Path(__file__).parents[2] / "systems/shop/tarmac.yaml"
ENVIRONMENTS = ("production", "repository", "kind")
#: A text that means nothing anywhere; it stands where the others do.
CANARY = "ZcanaryZ"
PAYLOADS = {
    "shell": "$(touch /tmp/CAN)`id`\"';id;#",
    "newline": "x\n- evil: true\n  run: touch /tmp/CAN\n",
    "github": "x$${{ secrets.TOKEN }}",
    "template": "x{{ .Values.q }}{% raw %}{{ $labels.q }}",
    "hcl": 'x$${file("/etc/passwd")}"%{ for }',
    "yaml": "x: {a: b} # &a *b !!c",
    "markdown": "](javascript:alert(1))|<script>",
    "sql": "x'; drop table t; --",
}
_DIGEST = re.compile(r"\b[0-9a-f]{8,64}\b")


def model(folder: Path, text: str) -> Path:
    """Write the shop's model with a text in each place that takes any text."""
    document = yaml.safe_load(
        SHOP.read_text().replace("../../services", f"{SHOP.parents[2]}/services")
    )
    document.setdefault("env", {})["NOTE"] = text
    for service in document["services"].values():
        service.setdefault("env", {})["OWN_NOTE"] = text
    for environment in document["environments"].values():
        if environment.get("target", "cluster") == "cluster":
            environment.setdefault("env", {}).setdefault("api-gateway", {})["HERE_NOTE"] = text
    for invariant in document["invariants"].values():
        invariant["about"] = text
    folder.mkdir()
    file = folder / "tarmac.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False, width=100_000))
    return file


def rendered(file: Path) -> dict[str, str]:
    return {
        f"{environment}/{artifact.path}": write(artifact, "")
        for environment in ENVIRONMENTS
        for artifacts in in_memory.make(file, environment, ()).artifacts.values()
        for artifact in artifacts
    }


def parsed(path: str, text: str) -> Any:
    """Read a file as its own program does; a text without a known form is its lines."""
    if "/charts/" in path and "/templates/" in path:
        return text
    if path.endswith((".yaml", ".yml")):
        return list(yaml.load_all(text, yaml.BaseLoader))
    if path.endswith(".json"):
        return json.loads(text)
    return hcl2.load(io.StringIO(text)) if path.endswith(".tf") else text


def plain(value: Any, text: str) -> Any:
    """Put one word in a text's place, and another in that of digests, which follow from it."""
    if isinstance(value, dict):
        return {plain(key, text): plain(part, text) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part, text) for part in value]
    if isinstance(value, str):
        # `$$` is how Kubernetes writes `$`.
        return _DIGEST.sub(
            "DIGEST", value.replace("$$", "$").replace(text.replace("$$", "$"), CANARY)
        )
    return value


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return rendered(model(tmp_path_factory.mktemp("canary") / "shop", CANARY))


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_free_text_is_one_value_in_every_rendered_file(payload, expected, tmp_path):
    found = rendered(model(tmp_path / "shop", payload))
    assert found.keys() == expected.keys()
    changed = [path for path in found if found[path] != expected[path]]
    assert len(changed) > 10
    for path in changed:
        now, before = parsed(path, found[path]), parsed(path, expected[path])
        assert plain(now, payload) == plain(before, CANARY), path
