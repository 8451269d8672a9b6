"""Module sizes: nothing over 500 lines, an extension file at most 120."""

from __future__ import annotations

from tarmac import gates, registry, render, stores

LIMIT = 500
EXTENSION_LIMIT = 120
VERBS = "src/tarmac/cli/"

#: An extension file that is longer, with the reason why it stays one file.
LONGER = {
    "src/tarmac/cli/drill.py": "the options of running, repeating, exporting and scheduling",
    "src/tarmac/stores/mongodb.py": "two servers and a container, each with settings of its own",
    "src/tarmac/stores/postgres.py": "a template to copy, roles and grants, and a start packet",
    "src/tarmac/gates/argo/git004_replicas.py": "numbers in objects and in patches, with owners",
    "src/tarmac/gates/kubernetes/net001_ports.py": "five kinds of objects that name a port",
    "src/tarmac/gates/kubernetes/obj002_namespaces.py": "a plan's namespace, and files' own",
    "src/tarmac/gates/pipelines/pip008_languages.py": "services of a plan, and folders of files",
    "src/tarmac/gates/resilience/drp002_creation_time.py": "four places that wait for a database",
    "src/tarmac/gates/kubernetes/ver001_versions.py": "images, actions, API versions",
    "src/tarmac/gates/resilience/drp001_recovery_point.py": "promises, and three backups",
    "src/tarmac/gates/mesh/can004_canary_numbers.py": "owner, steps, thresholds, labels",
    "src/tarmac/gates/mesh/can003_canary_routes.py": "what Flagger makes, and what a Rollout moves",
    "src/tarmac/gates/kubernetes/net003_ingress.py": "three kinds of routes",
    "src/tarmac/stores/rabbitmq.py": "the environment of an Erlang server, here and contained",
}


def test_no_python_file_is_longer_than_500_lines(sources):
    assert len(sources) > 20
    long = {s.name: len(s.text.splitlines()) for s in sources}
    assert {name: lines for name, lines in long.items() if lines > LIMIT} == {}


def test_an_extension_file_stays_under_120_lines(sources):
    modules = [m for catalogue in (stores, render, gates) for m in registry.modules(catalogue)]
    names = {"src/" + module.__name__.replace(".", "/") + ".py" for module in modules}
    extensions = {
        s.name: len(s.text.splitlines())
        for s in sources
        if s.name in names or (s.name.startswith(VERBS) and not s.path.name.startswith("_"))
    }
    assert extensions
    long = {name for name, lines in extensions.items() if lines > EXTENSION_LIMIT}
    assert sorted(long - LONGER.keys()) == []
    # An entry that is no longer needed goes away with the lines that needed it.
    assert sorted(LONGER.keys() - long) == []


def test_a_helper_of_renderers_and_gates_stays_under_120_lines_too(sources):
    modules = [m for catalogue in (render, gates) for m in registry.modules(catalogue)]
    own = {"src/" + module.__name__.replace(".", "/") + ".py" for module in modules}
    folders = ("src/tarmac/render/", "src/tarmac/gates/")
    helpers = [s for s in sources if s.name.startswith(folders) and s.name not in own]
    assert len(helpers) > 50
    long = {s.name for s in helpers if len(s.text.splitlines()) > EXTENSION_LIMIT}
    assert sorted(long) == [], "split it by topic"
