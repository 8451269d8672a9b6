"""The form for a new service makes in Backstage, byte for byte, what `tarmac new` writes."""

from __future__ import annotations

import base64
import itertools
import subprocess

import pytest
import yaml
from portal_trees import FORM, PUSHING, changed, pushed, write_tree
from rendered import ROOT, artifacts_of, system_of

from tarmac.change.create import sources, template
from tarmac.change.create.choices import Choices, values
from tarmac.model.loader import load
from tarmac.render.portal.parts.skeleton import skeletons

#: Real processes: a test that fails is tried once more, and then listed.
pytestmark = pytest.mark.servers

LANGUAGES = tuple(one.language for one in skeletons())
#: A system without a broker, and one whose environments have another one than it has here: a
#: service would speak to one of them only, so the form offers none.
BROKERS = {"starter": ("none", "rabbitmq"), "shop": ("none",)}
COMBINATIONS = [
    (system, *rest)
    for system, brokers in BROKERS.items()
    for rest in itertools.product(LANGUAGES, ("none", "postgres"), brokers, ("none", "redis"))
]
SYSTEM = "starter"
NAME, OWNER = "price-list", "team-a"
#: The service that is followed from the form to the catalogue.
ONCE = "gift-cards"
DESCRIPTION = "Prices of things (in cents)"


@pytest.fixture(autouse=True)
def _settled(portal):
    """Begin once Backstage has read what it was given: until then it answers slowly."""
    portal.wait(lambda found: PUSHING in found and "system:default/travel" in found)


def form(system=SYSTEM):
    """Return the rendered form, and its files as Backstage is sent them."""
    files = {a.path: a for a in artifacts_of(system, "repository")}
    start = FORM.rpartition("/")[0] + "/"
    contents = [
        {
            "path": path.removeprefix(start),
            "base64Content": base64.b64encode(artifact.content.encode()).decode(),
        }
        for path, artifact in files.items()
        if path.startswith(f"{start}skeleton/")
    ]
    return files[FORM].data, contents


def asked(language, database, messaging, cache, **others):
    return {
        "name": NAME, "description": DESCRIPTION, "owner": f"group:{SYSTEM}/{OWNER}",
        "language": language, "database": database, "messaging": messaging, "cache": cache,
        **others,
    }  # fmt: skip


def dry_run(portal, given, system=SYSTEM):
    entity, contents = form(system)
    body = {"template": pushed(entity), "values": given, "secrets": {}}
    return portal.ask("/api/scaffolder/v2/dry-run", {**body, "directoryContents": contents})


def made_by_tarmac(language, database, messaging, cache, system=SYSTEM):
    """Return what `tarmac new service` writes with the same choices: files, and entries."""
    used = sources.own(f"{language}-http")
    chosen = Choices(
        NAME,
        tuple(kind for kind in (database, cache) if kind != "none"),
        "none" if messaging == "none" else "publishes",
        "" if messaging == "none" else messaging,
        owner=OWNER,
        description=DESCRIPTION,
    )
    given = {**values(chosen, system_of(system), used.data), "folder": f"../../services/{NAME}"}
    entries = [text for _, text in template.entry(used, given)]
    return template.files(used, given), entries


def test_there_are_sixteen_combinations_of_the_roadmaps_choices():
    assert {"python", "node"} <= {*LANGUAGES}
    roadmap = [c for c in COMBINATIONS if c[0] == "starter" and c[1] in ("python", "node")]
    assert len(roadmap) == 16


@pytest.mark.parametrize(("system", "language", "database", "messaging", "cache"), COMBINATIONS)
def test_a_dry_run_makes_the_files_that_tarmac_new_makes(
    portal, system, language, database, messaging, cache
):
    chosen = (language, database, messaging, cache)
    status, said = dry_run(portal, asked(*chosen), system)
    assert status == 200, said
    folder = f"services/{NAME}/"
    found = {
        file["path"].removeprefix(folder): base64.b64decode(file["base64Content"]).decode()
        for file in said["directoryContents"]
    }
    wanted, entries = made_by_tarmac(*chosen, system)
    entry = found.pop("tarmac-entry.yaml")
    assert found.keys() == wanted.keys()
    assert [path for path in wanted if found[path] != wanted[path]] == []
    # The entries of the model: the same data, in one file.
    joined = {}
    for text in entries:
        joined |= yaml.safe_load(text)
    assert yaml.safe_load(entry) == joined
    assert joined["services"].keys() == {NAME}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_repository_of_its_own_is_a_system_alone(portal, language):
    chosen = (language, "postgres", "rabbitmq", "redis")
    status, said = dry_run(portal, asked(*chosen, repository="own"))
    assert status == 200, said
    found = {
        file["path"]: base64.b64decode(file["base64Content"]).decode()
        for file in said["directoryContents"]
    }
    wanted, _ = made_by_tarmac(*chosen)
    root = {"tarmac.yaml", "README.md", ".gitignore"}
    assert {*found} == root | {f"services/{NAME}/{path}" for path in wanted}
    alone = load("tarmac.yaml", lambda path: found[path].encode())
    assert {*alone.file.services} == {NAME}
    address = f"https://github.com/tarmac-examples/{NAME}"
    assert alone.file.delivery.repository == address
    assert f"git: {address}.git, revision: main" in found["README.md"]
    assert "systems/starter/tarmac.yaml" in said["output"]["text"][0]["content"]


@pytest.mark.parametrize("system", BROKERS)
@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Price List"},
        {"name": "user-service"},
        {"owner": ""},
        {"owner": None},
        {"language": "cobol"},
        {"database": "oracle"},
        {"description": "$(rm -rf /)"},
    ],
    ids=lambda wrong: "-".join(map(str, wrong.items())),
)
def test_the_form_refuses_a_bad_value(portal, wrong, system):
    given = {**asked(LANGUAGES[0], "none", "none", "none"), **wrong}
    given = {key: value for key, value in given.items() if value is not None}
    status, said = dry_run(portal, given, system)
    assert status == 400, said
    [key] = wrong
    assert key in str(said)


def test_a_task_pushes_the_new_service_as_a_branch_of_a_repository(portal, git_server):
    remote, bare = git_server
    token = portal.guest()
    portal.wait(lambda found: PUSHING in found)
    given = asked("python", "postgres", "rabbitmq", "redis", remote=remote)
    body = {"templateRef": PUSHING, "values": given}
    status, task = portal.ask("/api/scaffolder/v2/tasks", body, token=token)
    assert status == 201, task
    state = portal.finished(task["id"], token)
    events = portal.ask(f"/api/scaffolder/v2/tasks/{task['id']}/events", token=token)[1]
    assert state == "completed", events
    listed = git(bare, "ls-tree", "-r", "--name-only", f"new-service/{NAME}").splitlines()
    wanted, _ = made_by_tarmac("python", "postgres", "rabbitmq", "redis")
    folder = f"services/{NAME}/"
    assert {*listed} == {f"{folder}{path}" for path in (*wanted, "tarmac-entry.yaml")}
    for path, text in wanted.items():
        assert git(bare, "show", f"new-service/{NAME}:{folder}{path}") == text
    assert git(bare, "log", "-1", "--format=%s", f"new-service/{NAME}").strip() == (
        f"feat: add {NAME}"
    )


def test_one_run_leaves_code_pipeline_application_and_an_entry_of_the_catalogue(
    portal, forge, git_server, tmp_path
):
    """A person has moved the entries into the model: nothing else is between the run and these."""
    remote, _ = git_server
    token = portal.guest()
    given = asked("python", "postgres", "rabbitmq", "redis", remote=remote)
    given |= {"name": ONCE}
    body = {"templateRef": PUSHING, "values": given}
    status, task = portal.ask("/api/scaffolder/v2/tasks", body, token=token)
    assert status == 201, task
    assert portal.finished(task["id"], token) == "completed"
    events = portal.ask(f"/api/scaffolder/v2/tasks/{task['id']}/events", token=token)[1]
    [output] = [e["body"]["output"] for e in events if "output" in e["body"]]
    change, catalogued, followed = output["links"]
    clone = tmp_path / "clone"
    branch = ("--branch", f"new-service/{ONCE}")
    # The first link: the code, where it can be cloned.
    subprocess.run(["git", "clone", "--quiet", *branch, change["url"], str(clone)], check=True)
    code = clone / f"services/{ONCE}"
    assert (code / "Dockerfile").is_file()

    entries = yaml.safe_load((code / "tarmac-entry.yaml").read_text())

    def merged(model):
        for section, entry in entries.items():
            if isinstance(entry, list):
                model.setdefault(section, []).extend(entry)
            elif isinstance(entry, dict):
                model.setdefault(section, {}).update(entry)
            else:
                model[section] = entry

    # The second: what the pipeline builds, in the system's rendered repository.
    rendered = changed(SYSTEM, merged)
    texts = {artifact.path: artifact.content for artifact in rendered}
    assert f"services/{ONCE}" in str(texts["ci/services.json"])
    # The third: an Application of the name that the link searches for.
    deployed = changed(SYSTEM, merged, "production")
    applications = [a.data for a in deployed if (a.data or {}).get("kind") == "Application"]
    [found] = [one for one in applications if ONCE in one["metadata"]["name"]]
    assert found["spec"]["source"]["path"]
    assert followed["url"] == f"https://argocd.starter.example.com/applications?search={ONCE}"
    # The fourth, and its link: the entity that Backstage shows, with what the service answers.
    write_tree(forge.folder / SYSTEM, rendered, {ONCE: code})
    reference = catalogued["entityRef"]
    assert reference == f"component:{SYSTEM}/{ONCE}"
    there = portal.wait(
        lambda known: known.get(reference, {}).get("relations") and f"api:{SYSTEM}/{ONCE}" in known
    )
    assert "/items/{id}" in there[f"api:{SYSTEM}/{ONCE}"]["spec"]["definition"]
    relations = {(r["type"], r["targetRef"]) for r in there[reference]["relations"]}
    assert ("dependsOn", f"resource:{SYSTEM}/{ONCE}-db") in relations
    write_tree(forge.folder / SYSTEM, artifacts_of(SYSTEM, "repository"))
    portal.wait(lambda known: reference not in known)


def git(bare, *arguments):
    return subprocess.run(
        ["git", "-C", str(bare), *arguments], capture_output=True, text=True, check=True
    ).stdout


def test_the_rendered_form_proposes_the_change_where_the_code_is():
    entity, _ = form()
    last, _ = [s for s in entity["spec"]["steps"] if s["action"].startswith("publish:")]
    assert last["action"] == "publish:github:pull-request"
    assert last["input"]["repoUrl"] == "github.com?owner=tarmac-examples&repo=starter"
    assert (ROOT / "systems/starter/tarmac.yaml").is_file()
    assert "systems/starter/tarmac.yaml" in last["input"]["description"]
