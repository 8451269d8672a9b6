"""Module sizes: nothing over 500 lines, an extension file at most 120."""

from __future__ import annotations

LIMIT = 500
EXTENSION_LIMIT = 120
EXTENSION_FOLDERS = tuple(f"src/tarmac/{each}/" for each in ("stores", "cli", "render", "gates"))

#: An extension file that is longer, with the reason why it stays one file.
LONGER = {
    "src/tarmac/stores/mongodb.py": "two servers and a container, each with settings of its own",
    "src/tarmac/stores/postgres.py": "a template to copy, roles and grants, and a start packet",
    "src/tarmac/gates/canary_numbers.py": "owner, steps, thresholds and labels of one object",
    "src/tarmac/gates/canary_routes.py": "what Flagger makes, and what a Rollout moves",
    "src/tarmac/gates/entry.py": "three kinds of ways in",
    "src/tarmac/render/flagger.py": "a Canary, what it asks and its hosts' way in",
    "src/tarmac/render/kustomize.py": "a base and an overlay, which are each other's rest",
    "src/tarmac/render/rollouts.py": "a Rollout, what it asks and the routes that it moves",
    "src/tarmac/stores/rabbitmq.py": "the environment of an Erlang server, here and contained",
}


def test_no_python_file_is_longer_than_500_lines(sources):
    assert len(sources) > 20
    long = {s.name: len(s.text.splitlines()) for s in sources}
    assert {name: lines for name, lines in long.items() if lines > LIMIT} == {}


def test_an_extension_file_stays_under_120_lines(sources):
    extensions = {
        s.name: len(s.text.splitlines())
        for s in sources
        if s.name.startswith(EXTENSION_FOLDERS) and not s.path.name.startswith("_")
    }
    assert extensions
    long = {name for name, lines in extensions.items() if lines > EXTENSION_LIMIT}
    assert sorted(long - LONGER.keys()) == []
    # An entry that is no longer needed goes away with the lines that needed it.
    assert sorted(LONGER.keys() - long) == []
