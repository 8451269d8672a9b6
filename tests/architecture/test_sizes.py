"""Module sizes: nothing over 500 lines, a gate at most 200, another extension file at most 120."""

from __future__ import annotations

from collections import Counter

from tarmac import render
from tarmac.base import registry
from tarmac.catalog import stores
from tarmac.check import gates

LIMIT = 500
GATE_LIMIT = 200
EXTENSION_LIMIT = 130
VERBS = "src/tarmac/cli"
#: The most modules that a folder has: more are of several topics, and each gets a folder.
CROWDED = 55

#: An extension file that is longer, with the reason why it stays one file.
LONGER = {
    "src/tarmac/cli/drill.py": "the options of running, repeating, exporting and scheduling",
    "src/tarmac/catalog/stores/mongodb.py": "two servers and a container, each with its settings",
    "src/tarmac/catalog/stores/postgres.py": "a template, roles and grants, and a start packet",
    "src/tarmac/catalog/stores/rabbitmq.py": "an Erlang server's environment, here and contained",
}


def test_no_python_file_is_longer_than_500_lines(sources):
    assert len(sources) > 20
    long = {s.name: len(s.text.splitlines()) for s in sources}
    assert {name: lines for name, lines in long.items() if lines > LIMIT} == {}


def test_no_folder_is_crowded(sources):
    folders = Counter(s.name.rpartition("/")[0] for s in sources if s.name.startswith("src/"))
    assert {name: number for name, number in folders.items() if number > CROWDED} == {}


def limit_of(name):
    """Return how many lines an extension file may have."""
    return GATE_LIMIT if name.startswith("src/tarmac/check/gates/") else EXTENSION_LIMIT


def test_no_extension_file_is_longer_than_its_limit(sources):
    modules = [m for catalogue in (stores, render, gates) for m in registry.modules(catalogue)]
    names = {"src/" + module.__name__.replace(".", "/") + ".py" for module in modules}
    extensions = {
        s.name: len(s.text.splitlines())
        for s in sources
        if s.name in names or s.name.rpartition("/")[0] == VERBS
    }
    assert extensions
    long = {name for name, lines in extensions.items() if lines > limit_of(name)}
    assert sorted(long - LONGER.keys()) == []
    # An entry that is no longer needed goes away with the lines that needed it.
    assert sorted(LONGER.keys() - long) == []


def test_a_helper_of_renderers_and_gates_stays_under_120_lines_too(sources):
    modules = [m for catalogue in (render, gates) for m in registry.modules(catalogue)]
    own = {"src/" + module.__name__.replace(".", "/") + ".py" for module in modules}
    folders = ("src/tarmac/render/", "src/tarmac/check/gates/")
    core = ("src/tarmac/render/tree/", "src/tarmac/render/in_memory.py")
    helpers = [
        s
        for s in sources
        if s.name.startswith(folders) and not s.name.startswith(core) and s.name not in own
    ]
    assert len(helpers) > 50
    long = {s.name for s in helpers if len(s.text.splitlines()) > EXTENSION_LIMIT}
    assert sorted(long) == [], "split it by topic"
