"""The form for a new service in a real Backstage, and a forge whose main is protected.

The repository is made and protected as a team does it: by the API and the rendered script.
"""

from __future__ import annotations

from collections.abc import Iterator

import backstage
import pytest
from forge import AUTHOR
from portal_trees import PUSHING, write_proposing
from rendered import artifacts_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

NAME = "gift-cards"


@pytest.fixture(scope="module")
def portal(running, tmp_path_factory) -> Iterator[backstage.Backstage]:
    """Run Backstage with the shop's form, which proposes at this forge."""
    form = write_proposing(tmp_path_factory.mktemp("form"), artifacts_of("shop", "repository"))
    told = {"FORGE_URL": running.url, "FORGE_TOKEN": running.token(AUTHOR)}
    folder = tmp_path_factory.mktemp("backstage")
    with backstage.run(folder, "127.0.0.1", [str(form)], **told) as started:
        started.wait(lambda found: PUSHING in found)
        yield started


def test_the_form_proposes_a_new_service_where_main_is_protected(portal, published):
    code = published("shop")
    assert code.forge.get(f"{code.path}/branches/main")["protected"]
    before = code.main()
    token = portal.guest()
    given = {
        "name": NAME, "description": "Gift cards", "owner": "group:shop/platform-team",
        "language": "python", "database": "postgres", "messaging": "none", "cache": "none",
    }  # fmt: skip
    body = {"templateRef": PUSHING, "values": given}
    status, task = portal.ask("/api/scaffolder/v2/tasks", body, token=token)
    assert status == 201, task
    state = portal.finished(task["id"], token)
    events = portal.ask(f"/api/scaffolder/v2/tasks/{task['id']}/events", token=token)[1]
    assert state == "completed", events

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
    [output] = [event["body"]["output"] for event in events if "output" in event["body"]]
    assert output["links"][0]["url"] == proposed["html_url"]
    # It changes nothing before it is reviewed and its checks are green.
    assert code.merge(proposed["number"], "squash")[0] == 405
    assert code.main() == before


def test_the_same_user_s_file_is_not_taken_on_main_itself(portal, published):
    code = published("shop")
    body = {"branch": "main", "message": "feat: a short way", "content": "e30="}
    status, said = code.forge.ask("POST", f"{code.path}/contents/short-way.json", body, AUTHOR)
    assert status == 403, said
