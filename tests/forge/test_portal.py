"""The form for a new service in a real Backstage, and a forge whose main is protected.

The system's repository is made and protected as a team does it: by the API and the rendered script.
That of a single service is made and protected by the form.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator

import backstage
import pytest
import yaml
from forge import ADMIN, AUTHOR, ORGANIZATION
from portal_trees import PUSHING, write_proposing
from rendered import ROOT, artifacts_of
from waiting import until

from tarmac.model.loader import load

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

NAME, ALONE = "gift-cards", "price-alerts"
#: The shop's file, which includes the service's.
SHOP = "systems/shop/tarmac.yaml"


@pytest.fixture(scope="module")
def portal(running, tmp_path_factory) -> Iterator[backstage.Backstage]:
    """Run Backstage with the shop's form, which proposes at this forge."""
    form = write_proposing(tmp_path_factory.mktemp("form"), artifacts_of("shop", "repository"))
    told = {"FORGE_URL": running.url, "FORGE_TOKEN": running.token(AUTHOR)}
    told["FORGE_OWNER_TOKEN"] = running.token(ADMIN)
    folder = tmp_path_factory.mktemp("backstage")
    with backstage.run(folder, "127.0.0.1", [str(form)], **told) as started:
        started.wait(lambda found: PUSHING in found)
        yield started


def filled_in(portal, name, **others):
    """Fill in the form as the guest, and return what the task says at its end."""
    token = portal.guest()
    given = {
        "name": name, "description": "Gift cards", "owner": "group:shop/platform-team",
        "language": "python", "database": "postgres", "messaging": "none", "cache": "none",
        **others,
    }  # fmt: skip
    body = {"templateRef": PUSHING, "values": given}
    status, task = portal.ask("/api/scaffolder/v2/tasks", body, token=token)
    assert status == 201, task
    state = portal.finished(task["id"], token)
    events = portal.ask(f"/api/scaffolder/v2/tasks/{task['id']}/events", token=token)[1]
    assert state == "completed", events
    [output] = [event["body"]["output"] for event in events if "output" in event["body"]]
    return output


def test_the_form_proposes_a_new_service_where_main_is_protected(portal, published):
    code = published("shop")
    assert code.forge.get(f"{code.path}/branches/main")["protected"]
    before = code.main()
    output = filled_in(portal, NAME)
    (proposed,) = (
        pull
        for pull in code.forge.get(f"{code.path}/pulls?state=open")
        if pull["head"]["ref"] == f"new-service/{NAME}"
    )
    assert proposed["title"] == f"feat: add {NAME}"
    assert "tarmac-entry.yaml into systems/shop/tarmac.yaml" in proposed["body"]
    assert proposed["base"]["ref"] == "main"
    listed = code.forge.get(f"{code.path}/pulls/{proposed['number']}/files?limit=50")
    names = {file["filename"] for file in listed}
    assert f"services/{NAME}/Dockerfile" in names
    assert all(name.startswith(f"services/{NAME}/") for name in names)
    assert output["links"][0]["url"] == proposed["html_url"]
    # It changes nothing before it is reviewed and its checks are green.
    assert code.merge(proposed["number"], "squash")[0] == 405
    assert code.main() == before


def test_the_same_user_s_file_is_not_taken_on_main_itself(portal, published):
    code = published("shop")
    body = {"branch": "main", "message": "feat: a short way", "content": "e30="}
    status, said = code.forge.ask("POST", f"{code.path}/contents/short-way.json", body, AUTHOR)
    assert status == 403, said


def test_the_form_makes_a_repository_whose_main_is_protected(portal, running):
    output = filled_in(portal, ALONE, repository="own")
    path = f"repos/{ORGANIZATION}/{ALONE}"
    # What was pushed is in the forge's own records a moment after the push has ended.
    asyncio.run(until(lambda: not running.get(path)["empty"]))
    made = running.get(path)
    assert (made["default_branch"], made["private"]) == ("main", True)
    assert running.get(f"{path}/branches/main")["protected"]
    [rule] = running.get(f"{path}/branch_protections")
    assert (rule["rule_name"], rule["required_approvals"]) == ("main", 1)
    # Its owner's commit is refused there, too.
    body = {"branch": "main", "message": "feat: a short way", "content": "e30="}
    status, said = running.ask("POST", f"{path}/contents/short-way.json", body, ADMIN)
    assert status == 403, said
    assert next(link["url"] for link in output["links"] if "url" in link) == made["html_url"]
    assert f"{ALONE}.git, revision: main" in output["text"][0]["content"]

    def content(name):
        return base64.b64decode(running.get(f"{path}/contents/{name}?ref=main")["content"])

    # It runs alone, and within the shop.
    own = content("tarmac.yaml")
    alone = load("tarmac.yaml", {"tarmac.yaml": own}.__getitem__)
    assert {*alone.file.services} == {ALONE}
    assert {*alone.file.stores} == {f"{ALONE}-db"}
    assert b"FROM" in content(f"services/{ALONE}/Dockerfile")
    model = yaml.safe_load((ROOT / SHOP).read_bytes())
    model["include"] = [{"path": "alone"}]
    files = {
        SHOP: yaml.safe_dump(model, sort_keys=False).encode(),
        "systems/shop/alone/tarmac.yaml": own,
    }
    joined = load(SHOP, lambda asked: files.get(asked) or (ROOT / asked).read_bytes())
    assert ALONE in joined.file.services
