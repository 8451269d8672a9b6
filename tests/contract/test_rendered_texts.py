"""A text of the model is refused, or reaches each rendered file as one value and no other thing."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml
from payloads import Planted

SHOP = Path(__file__).parents[2] / "systems/shop/tarmac.yaml"
#: A text that means nothing anywhere; it stands where the others do.
CANARY = "ZcanaryZ"
LANGUAGES = {
    "shell": "$(touch /tmp/CAN)`id`\"';id;#",
    "github": "x$${{ secrets.TOKEN }}",
    "template": "x{{ .Values.q }}{% raw %}{{ $labels.q }}",
    "hcl": 'x$${file("/etc/passwd")}"%{ for }',
    "yaml": "x: {a: b} # &a *b !!c",
    "markdown": "](javascript:alert(1))|<script>",
    "sql": "x'; drop table t; --",
}
#: One text with something of every language, the one that most texts take, and one of three lines.
PAYLOADS = {
    "every language": " ".join(LANGUAGES.values()),
    "shell": LANGUAGES["shell"],
    "lines": "x\n- evil: true\n  run: touch /tmp/CAN\n",
}
_DIGEST = re.compile(r"\b[0-9a-f]{8,64}\b")


#: Every key of a service of another language that is free text.
MIXED = """
tarmac: 1
system: mixed
domain: mixed.example.com
env: {SHARED: "words"}
services:
  web:
    run: [node, main.js, argument]
    cwd: web
    port: 8080
    image_port: 8080
    probe: {http: "/ready"}
    stores: {db: main-db, cache: cache}
    env: {NOTE: "words", URL: "${stores.main-db.url}"}
    public: {host: www, paths: ["/"]}
    tasks:
      prepare: {run: [node, prepare.js, argument]}
      nightly: {run: [node, nightly.js, argument], schedule: "0 3 * * *"}
    volumes: {uploads: uploads}
    writable: {temporary: "/srv/tmp"}
    watch: ["web/*.js"]
    resources: {cpu: 100m, memory: 128Mi}
    calls: {back: {timeout: 2s}}
  back: {run: node back.js argument, cwd: back, port: 8081, probe: {command: [node, probe.js]}}
  lines: {run: [node, lines.js], cwd: back, port: 8082, probe: {log: waiting for jobs}}
stores:
  main-db: {kind: postgres, init: [schema.sql], seed: seed.sql}
  cache: redis
environments:
  production:
    cloud: aws
    region: us-east-1
    zones: 3
    namespace: mixed
    registry: 123456789012.dkr.ecr.us-east-1.amazonaws.com/mixed
    servers: {aurora: [main-db], elasticache: [cache]}
    infrastructure:
      project: mixed
      api_networks: [203.0.113.0/24]
      nodes: {general: {min: 1, desired: 2, max: 3}}
      servers: {aurora: {instance: db.t4g.medium}, elasticache: {instance: cache.t4g.medium}}
    env: {web: {HERE: "words"}}
    packaging: [helm, kustomize]
    ingress: {kind: ingress, controller: nginx, tls: mixed-tls, issuer: letsencrypt}
    observability: {runbooks: "https://example.com/runbooks"}
  kind: {packaging: [helm, kustomize], secrets: script}
  compose: {target: compose}
  repository: {target: repository}
delivery:
  repository: https://github.com/acme/mixed
  gitops: https://github.com/acme/mixed-gitops
  pipelines: [github, gitlab]
  owners: ["@acme/mixed"]
invariants:
  holds: {store: main-db, query: "select 1 where false", about: "words"}
"""
#: Each model's environments, and how many of its texts are free at least.
MODELS = {
    "shop": (("production", "repository", "kind"), 40),
    "mixed": (("production", "repository", "kind", "compose"), 20),
}


def planted(folder: Path, name: str) -> Planted:
    """Write a model and the files that it names."""
    folder.mkdir(parents=True)
    text = SHOP.read_text().replace("../../services", f"{SHOP.parents[2]}/services")
    if name == "mixed":
        text = MIXED
        for part in ("web", "back"):
            (folder / part).mkdir()
            (folder / part / "package.json").write_text('{"name": "x"}')
            (folder / part / "Dockerfile").write_text("FROM node:22\nUSER 1000\nEXPOSE 8080\n")
        for file in ("schema.sql", "seed.sql"):
            (folder / file).write_text("select 1;")
    return Planted(text, folder)


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


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
@pytest.mark.parametrize("name", MODELS)
def test_every_text_of_a_model_is_refused_or_one_value_in_every_rendered_file(
    name, payload, tmp_path
):
    environments, least = MODELS[name]
    model = planted(tmp_path / name, name)
    places = model.taking(payload)
    assert least < len(places) < len(model.texts())
    found = model.rendered(environments)
    model.plant(places, CANARY)
    expected = model.rendered(environments)
    assert found.keys() == expected.keys()
    changed = [path for path in found if found[path] != expected[path]]
    assert len(changed) > 10
    for path in changed:
        now, before = parsed(path, found[path]), parsed(path, expected[path])
        assert plain(now, payload) == plain(before, CANARY), path
