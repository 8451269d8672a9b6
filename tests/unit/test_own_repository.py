"""A new service in a repository of its own: a system alone, and a part of the one including it."""

from __future__ import annotations

import pytest
import yaml
from demo_system import DEMO, KINDS, demo
from rendered import ROOT, artifacts_of, system_of

from tarmac.change.create import choices, sources
from tarmac.change.create.choices import Choices
from tarmac.change.create.placeholders import filled
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.portal.parts import proposal
from tarmac.render.portal.parts.skeleton import skeletons

SYSTEM, NAME = "systems/starter/tarmac.yaml", "price-alerts"
COMBINATIONS = [
    (one.language, *parts)
    for one in skeletons()
    for parts in (("none", "none", "none"), ("postgres", "rabbitmq", "redis"))
]


def made(language, database, messaging, cache):
    """Return the file of the system in such a repository."""
    events = "none" if messaging == "none" else "publishes"
    stores = tuple(kind for kind in (database, cache) if kind != "none")
    chosen = Choices(NAME, stores, events, "" if messaging == "none" else messaging, owner="team-a")
    data = sources.own(f"{language}-http").data
    values = {
        **choices.values(chosen, system_of("starter"), data),
        "folder": f"services/{NAME}",
        "model": SYSTEM,
        "repository": f"https://github.com/acme/{NAME}",
    }
    [one] = (one for one in skeletons() if one.language == language)
    path = "repository/tarmac.yaml.njk"
    return filled(one.texts[path], values, path).encode()


@pytest.mark.parametrize("chosen", COMBINATIONS, ids="-".join)
def test_it_loads_alone_and_a_system_includes_it(chosen):
    own = made(*chosen)
    alone = load("tarmac.yaml", {"tarmac.yaml": own}.__getitem__)
    assert [*alone.file.services] == [NAME]
    assert deploy(alone, "repository", KINDS).delivery.repository.endswith(f"/acme/{NAME}")

    including = yaml.safe_load((ROOT / SYSTEM).read_bytes())
    including["include"] = [{"path": "alone"}]
    files = {
        SYSTEM: yaml.safe_dump(including, sort_keys=False).encode(),
        "systems/starter/alone/tarmac.yaml": own,
    }
    joined = load(SYSTEM, lambda path: files.get(path) or (ROOT / path).read_bytes())
    assert {*joined.file.services} == {NAME, *including["services"]}
    assert {*joined.file.stores} == {*alone.file.stores, *including["stores"]}
    assert joined.file.broker == alone.file.broker


def steps(system):
    form = {a.path: a for a in artifacts_of(system, "repository")}
    return form["catalog/template/new-service.yaml"].data["spec"]["steps"]


def test_one_of_the_two_last_steps_runs():
    propose, own = steps("shop")[-2:]
    assert propose["if"] == "${{ not (parameters.repository == 'own') }}"
    assert own["if"] == "${{ parameters.repository == 'own' }}"
    assert own["action"] == "publish:github"
    assert own["input"]["repoUrl"] == (
        "github.com?owner=tarmac-examples&repo=${{ parameters.name }}"
    )
    assert own["input"]["protectDefaultBranch"] is True


def test_entries_to_move_are_made_where_the_system_s_repository_is_changed():
    asked = {step["id"]: step["if"] for step in steps("shop") if step["id"].startswith("python-")}
    assert asked["python-entry"].endswith("and not (parameters.repository == 'own') }}")
    assert asked["python-repository"].endswith("and parameters.repository == 'own' }}")
    assert "repository" not in asked["python-base"]


@pytest.mark.parametrize(
    ("host", "actions"),
    [
        ("gitlab.com/acme/demo", ["publish:gitlab:merge-request", "publish:gitlab"]),
        ("git.acme.com/acme/demo", []),
    ],
)
def test_the_forge_of_the_code_decides_what_is_offered(host, actions):
    text = (
        f"{DEMO}environments:\n      repository: {{target: repository}}\n"
        f"    delivery: {{repository: 'https://{host}'}}\n"
    )
    other = deploy(demo(text), "repository", KINDS)
    assert [step["action"] for step in proposal.published(other, "services")] == actions
    assert bool(proposal.texts(other)) is bool(actions)
