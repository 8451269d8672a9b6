"""Generated files are what `make docs` would write, and the verbs' help is worth generating."""

from __future__ import annotations

import json
import re
from difflib import unified_diff
from itertools import islice
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tarmac.cli.main import tarmac

CONTEXT = click.Context(tarmac, info_name="tarmac", **tarmac.context_settings)
VERBS = tarmac.list_commands(CONTEXT)
#: Verbs whose only output is a file for other programs, in a format of its own.
OWN_FORMAT = {"completion", "schema", "run", "mcp", "ui"}


def test_every_generated_file_is_what_make_docs_would_write(root, generate):
    stale = {}
    for path, text in generate.generated().items():
        before = path.read_text() if path.exists() else ""
        if before != text:
            lines = unified_diff(before.splitlines(), text.splitlines(), n=0, lineterm="")
            stale[path.relative_to(root).as_posix()] = list(islice(lines, 12))
    assert stale == {}, "run `make docs`"


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
    assert generate.import_rule(packages).count("    tarmac_unheard\n") == lists == 6
    assert "unheard" in json.loads(generate.commit_rule(folders))["scopes"]


def test_help_lists_each_verb_once_and_owned_ones_below_their_owners():
    shown = CliRunner().invoke(tarmac, ["--help"]).output
    lines = [line.split()[0] for line in shown.splitlines() if re.match(r"  +[a-z]", line)]
    listed = [word for word in lines if word in VERBS]
    assert sorted(listed) == sorted(VERBS)
    assert {"up", "down", "ps", "logs"} <= set(VERBS)
    for owner, owned in (("drill", "journal"), ("env", "token"), ("doctor", "fetch")):
        assert listed.index(owned) > listed.index(owner)
        assert re.search(rf"^    {owned} ", shown, re.MULTILINE)


@pytest.mark.parametrize("name", VERBS)
def test_a_verbs_help_has_one_example_json_and_a_sentence_for_each_option(name):
    verb = tarmac.get_command(CONTEXT, name)
    help_text = verb.get_help(click.Context(verb, parent=CONTEXT, info_name=name))
    assert help_text.count("Example: ") == 1
    assert f"Example: tarmac {name}" in help_text
    assert verb.get_short_help_str(limit=80).endswith(".")
    options = [option for option in verb.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []
    assert name in OWN_FORMAT or any("--json" in option.opts for option in options)
