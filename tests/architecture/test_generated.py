"""Generated files are what `make docs` would write, and the verbs' help is worth generating."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from tarmac.cli.main import tarmac

CONTEXT = click.Context(tarmac, info_name="tarmac", **tarmac.context_settings)
VERBS = tarmac.list_commands(CONTEXT)
#: Verbs whose only output is a file for other programs, in a format of its own.
OWN_FORMAT = {"schema", "run", "mcp"}


def test_every_generated_file_is_what_make_docs_would_write(root, generate):
    stale = [
        path.relative_to(root).as_posix()
        for path, text in generate.generated().items()
        if not path.exists() or path.read_text() != text
    ]
    assert stale == [], "run `make docs`"


def test_a_new_service_gets_into_every_list(root, generate):
    folders = sorted([*(p.parent for p in root.glob("services/*/pyproject.toml")), Path("unheard")])
    packages = [f"tarmac_{folder.name}" for folder in folders]
    written = generate.project_lists(folders)
    assert "\ntarmac-unheard = { workspace = true }\n" in written
    assert '\n    "tarmac-unheard",\n' in written
    assert '"services/unheard"' in written
    assert written.count("unheard") == 3
    before = (root / ".importlinter").read_text()
    lists = before.count("    tarmac_orders\n")
    assert generate.import_rule(packages).count("    tarmac_unheard\n") == lists == 5
    assert "unheard" in json.loads(generate.commit_rule(folders))["scopes"]


def test_there_are_verbs():
    assert {"up", "down", "ps", "logs"} <= set(VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_a_verbs_help_has_one_example_and_a_line_for_the_list(name):
    verb = tarmac.get_command(CONTEXT, name)
    help_text = verb.get_help(click.Context(verb, parent=CONTEXT, info_name=name))
    assert help_text.count("Example: ") == 1
    assert f"Example: tarmac {name}" in help_text
    assert verb.get_short_help_str(limit=80).endswith(".")


@pytest.mark.parametrize("name", sorted(set(VERBS) - OWN_FORMAT))
def test_a_verb_that_tells_something_can_tell_it_as_json(name):
    options = [o for p in tarmac.get_command(CONTEXT, name).params for o in p.opts]
    assert "--json" in options


@pytest.mark.parametrize("name", VERBS)
def test_every_option_of_a_verb_says_what_it_does(name):
    params = tarmac.get_command(CONTEXT, name).params
    assert [p.name for p in params if isinstance(p, click.Option) and not p.help] == []
