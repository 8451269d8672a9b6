"""A promotion writes an environment's version and images into a model's text, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.base.errors import BadInput
from tarmac.model.loader import load
from tarmac.model.promotion import ImageVersions, amended, current, promoted

FILE = "tarmac.yaml"
HEAD = """\
# A small system.
tarmac: 1
system: mini
services:
  web: {run: [npm, start], port: 8080}
  orders:   # the heart
    run: [npm, start]
    port: 3003
environments:
"""
DIGEST = "sha256:" + "a" * 64


def system_of(text):
    return load(FILE, lambda path: text.encode())


def promote(text, to, source=None, **images):
    system = system_of(text)
    before, after = current(system, to), promoted(system, source, to, images)
    return amended(text, FILE, to, before, after)


STAGES = (
    HEAD
    + """\
  stg:
    registry: r.example.com/stg   # the account for rehearsals
    version: 1.2.0
    images: {orders: sha-0123456789ab}
  prod:
    # Nobody touches this by hand.
    zones: 3
    registry: r.example.com/prod
    domain: example.com
"""
)


def test_one_environment_takes_what_another_runs_and_every_other_line_stays():
    made = promote(STAGES, "prod", "stg")
    new = [line for line in made.splitlines() if line not in STAGES.splitlines()]
    assert new == []
    assert made.splitlines()[-5:] == [
        "    zones: 3",
        "    registry: r.example.com/prod",
        "    version: 1.2.0",
        "    images: {orders: sha-0123456789ab}",
        "    domain: example.com",
    ]
    assert made.startswith(STAGES.removesuffix("    domain: example.com\n"))
    system = system_of(made)
    assert current(system, "prod") == current(system, "stg")


def test_one_image_of_an_environment_is_replaced_where_it_stands():
    made = promote(STAGES, "stg", orders="1.3.0")
    assert made == STAGES.replace("sha-0123456789ab", "1.3.0")


def test_a_digest_stands_without_quotes_and_a_number_in_them():
    assert f"{{orders: sha-0123456789ab, web: {DIGEST}}}" in promote(STAGES, "stg", web=DIGEST)
    made = promote(STAGES, "stg", web="1.10")
    assert 'web: "1.10"' in made
    assert current(system_of(made), "stg").images["web"] == "1.10"


BLOCK = (
    HEAD
    + """\
  prod:
    images:
      orders: 1.0.0   # held back
      web: 1.1.0
    # the end
  stg: {}
"""
)


def test_in_a_block_each_line_and_its_comment_stays():
    assert promote(BLOCK, "prod", orders="1.0.1") == BLOCK.replace("1.0.0 ", "1.0.1 ")


def test_a_new_image_of_a_block_gets_a_line_of_its_own():
    text = BLOCK.replace("      web: 1.1.0\n", "")
    assert promote(text, "prod", web="1.1.0") == BLOCK


def test_what_the_other_does_not_have_goes():
    text = BLOCK.replace("stg: {}", "stg: {images: {orders: 1.0.0}}")
    made = promote(text, "prod", "stg")
    assert "      web: 1.1.0\n" not in made
    assert "      orders: 1.0.0   # held back\n" in made
    assert "    images: {}\n    # the end\n" in promote(BLOCK, "prod", "stg")


def test_an_environment_in_one_line_stays_in_one():
    made = promote(BLOCK, "stg", web="1.1.0")
    assert "  stg: {images: {web: 1.1.0}}\n" in made
    made = promote(BLOCK.replace("{}", "{zones: 2}"), "stg", web="1.1.0")
    assert "  stg: {images: {web: 1.1.0}, zones: 2}\n" in made


def test_a_file_without_an_end_of_line_is_no_obstacle():
    made = promote(HEAD + "  prod:\n    registry: r.example.com/prod", "prod", web="1.1.0")
    assert made.endswith("    registry: r.example.com/prod\n    images: {web: 1.1.0}\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"to": "production"}, "environment 'production' does not exist; choose one of: prod, stg"),
        ({"to": "prod", "source": "stage"}, "environment 'stage' does not exist"),
        ({"to": "prod", "source": "prod"}, "cannot be promoted to itself"),
        (
            {"to": "prod", "order": "1.0.0"},
            "order: no such service or store; did you mean 'orders'?",
        ),
        ({"to": "prod", "orders": "a b"}, "'a b' is not a tag"),
        ({"to": "prod", "orders": "sha256:12"}, "'sha256:12' is not a tag"),
    ],
)
def test_an_error_is_reported_with_what_is_there(arguments, words):
    with pytest.raises(BadInput, match=words.replace("?", r"\?")):
        promote(STAGES, **arguments)


UPDATED = STAGES.replace(
    "    registry: r.example.com/prod\n",
    "    registry: r.example.com/prod\n    gitops: {source: helm, updater: RULE}\n",
)


@pytest.mark.parametrize(
    ("rule", "arguments", "words"),
    [
        (
            "semver",
            {"to": "prod", "source": "stg"},
            "never run; tag a release, or remove `updater`",
        ),
        ("newest-build", {"to": "prod", "web": "1.1.0"}, "never run; merge, and it deploys the"),
        ("semver", {"to": "stg", "source": "prod"}, "not in this file; name tags with --image"),
    ],
)
def test_an_environment_that_an_updater_writes_has_no_second_writer(rule, arguments, words):
    text = UPDATED.replace("RULE", rule)
    line = next(n for n, text_line in enumerate(text.splitlines(), 1) if "updater:" in text_line)
    where = f"{FILE}:{line}:28: `updater: {rule}`: Argo CD Image Updater writes what prod runs"
    with pytest.raises(BadInput) as refused:
        promote(text, **arguments)
    assert where in str(refused.value)
    assert words in str(refused.value)
    assert promote(text, "stg", web="1.1.0").count("1.1.0") == 1


@pytest.mark.parametrize(
    "environments",
    [
        "  stg: &it {zones: 2}\n  prod: *it\n",
        "  stg: {images: &it {web: 1.0.0}}\n  prod: {images: *it}\n",
    ],
)
def test_what_two_environments_share_is_refused(environments):
    with pytest.raises(BadInput, match="write"):
        promote(HEAD + environments, "prod", web="1.1.0")


tags = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}\Z")
images = st.dictionaries(st.sampled_from(["web", "orders"]), tags)


@given(images, tags, images, tags, st.booleans())
def test_whatever_is_promoted_is_there_and_promoting_back_gives_it_back(old, was, new, now, block):
    shown = "".join(f"\n      {name}: '{tag}'" for name, tag in old.items()) if block else None
    written = shown or " {" + ", ".join(f"{n}: '{t}'" for n, t in old.items()) + "}"
    text = f"{HEAD}  prod:\n    version: '{was}'\n    images:{written}\n    zones: 2\n"
    before, after = ImageVersions(was, old), ImageVersions(now, new)
    made = amended(text, FILE, "prod", before, after)
    assert current(system_of(made), "prod") == after
    back = amended(made, FILE, "prod", after, before)
    assert current(system_of(back), "prod") == before
    assert back.count("\n") >= text.count("\n") - len(old)
