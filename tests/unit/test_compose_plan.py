"""What a deployment with Docker Compose would change, what has drifted, and why nothing runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import pytest
from composed_containers import container, done, release, wanted

from tarmac.base.errors import BadInput
from tarmac.run.compose import containers as c
from tarmac.run.compose.arranging import check_secrets
from tarmac.run.compose.causes import causes, said_by_compose
from tarmac.run.compose.drift import drift
from tarmac.run.compose.images import stable_name, unneeded
from tarmac.run.compose.planning import Change, plan
from tarmac.run.compose.project import Project
from tarmac.run.compose.running import state

if TYPE_CHECKING:
    from tarmac.run.compose.docker import Docker

ALL = (container("web"), container("db"), done())


def test_a_service_without_containers_is_new_and_others_stay():
    made = plan(wanted(), ALL[1:], None)
    assert (made.added, made.changed, made.unchanged) == ((Change("web"),), (), 2)


def test_a_change_names_its_fields_by_what_was_deployed_before():
    there = [replace(one, labels={**one.labels, c.HASH: "other"}) for one in ALL[:1]]
    made = plan(wanted(environment={"LEVEL": "debug"}), [*there, *ALL[1:]], release())
    assert made.changed == (Change("web", ("environment.LEVEL: info -> debug",)),)
    nothing_known = plan(wanted(), [*there, *ALL[1:]], None)
    assert nothing_known.changed[0].fields == ("its variables or files have other values",)


def test_another_image_is_a_change_and_one_that_is_to_come_is_named():
    old = replace(ALL[0], image="sha256:0123456789abcdef")
    made = plan(wanted(), [old, *ALL[1:]], None)
    assert made.changed == (Change("web", ("image: sha256:0123456789ab -> sha256:aa",)),)
    images = {name: image for name, image in wanted().images.items() if name != "web"}
    made = plan(replace(wanted(), images=images), [old, *ALL[1:]], None)
    (said,) = made.changed[0].fields
    assert said.endswith("-> shop/web:tarmac-shop-aa, to be brought")


def test_what_is_no_longer_rendered_is_gone_and_what_another_has_put_there_is_foreign():
    by_hand = replace(container("web", 2), labels={c.SERVICE: "web", c.HASH: "h-web"})
    made = plan(wanted(), [*ALL, by_hand, container("old")], None)
    assert (made.gone, made.foreign) == (("old",), ("shop-web-2",))


def test_files_that_are_mounted_are_part_of_a_service():
    labels = release().services["db"]["labels"]
    assert labels[c.SYSTEM] == "shop"
    assert len(labels["tarmac.mounted"]) == 16
    assert "tarmac.mounted" not in release().services["web"]["labels"]


def test_nothing_has_drifted_where_all_is_as_it_was_put_there():
    found = drift(wanted(), ALL)
    assert (found.differs, found.compared) == (False, 3)


def test_drift_tells_what_is_missing_other_or_unknown():
    other = replace(container("db"), networks={"shop_db": "", "bridge": ""}, state="paused")
    renamed = replace(container("web"), labels={**container("web").labels, c.ENVIRONMENT: "stage"})
    found = drift(wanted(), [other, renamed, container("debug")])
    assert (found.missing, found.extra) == (("db-setup",), ("shop-debug-1",))
    assert [(one.id, one.fields) for one in found.changed] == [
        (
            "shop-db-1",
            ("state: paused -> running", "network bridge: connected, and not rendered"),
        ),
        ("shop-web-1", ("label tarmac.environment: stage -> prod",)),
    ]


def test_a_second_container_of_a_service_is_told_and_ended_by_the_next_deployment():
    there = [*ALL, container("web", 2)]
    assert drift(wanted(), there).changed == (Change("web", ("containers: 2 -> 1",)),)
    assert plan(wanted(), there, release()).changed == (Change("web", ("containers: 2 -> 1",)),)


def test_a_service_that_was_ended_well_has_drifted_all_the_same():
    stopped = container("db", Status="exited", Pid=0)
    assert drift(wanted(), [stopped, ALL[0], done()]).changed == (
        Change("shop-db-1", ("state: exited (0) -> running",)),
    )


def test_a_container_off_its_network_has_drifted():
    off = replace(container("web"), networks={})
    assert drift(wanted(), [off, *ALL[1:]]).changed == (
        Change("shop-web-1", ("network shop_db: not connected",)),
    )


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"Status": "exited", "ExitCode": 3}, "ended with exit status 3"),
        ({"Status": "exited", "ExitCode": 137}, "was ended by signal 9"),
        (
            {"Status": "restarting", "ExitCode": 1, "restarts": 4},
            "ended with exit status 1, started 5 times",
        ),
        (
            {"Status": "exited", "ExitCode": 137, "OOMKilled": True},
            "used more memory than its limit (64 MB) and was killed",
        ),
        (
            {"Health": {"Status": "unhealthy", "Log": [{"Output": "no\nanswer"}]}},
            "does not pass its check: no answer",
        ),
        ({"Status": "paused"}, "is paused; `docker unpause shop-web-1` lets it go on"),
    ],
)
def test_a_cause_says_how_a_container_ended_or_what_it_waits_for(said, why):
    (cause,) = causes([container("web", **said)])
    assert cause.text == f"shop-web-1 {why}"


def test_what_serves_and_what_has_ended_well_have_no_cause():
    healthy = container("web", Health={"Status": "healthy"})
    assert causes([healthy, done(), container("db")]) == []
    assert state("web", "service", [healthy]).ready
    assert state("db-setup", "task", [done()]).ready
    late = state("web", "service", [healthy, container("web", 2, Health={"Status": "starting"})])
    assert (late.ready, late.detail) == (False, "1 of 2 ready")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            (
                "Error response from daemon: driver failed: Bind for 127.0.0.1:8083 failed: port "
                "is already allocated"
            ),
            "port 8083 of the machine is taken; end what listens there: ss -ltnp",
        ),
        (
            "failed to bind: listen tcp4 127.0.0.1:80: bind: address already in use",
            "port 80 of the machine is taken; end what listens there: ss -ltnp",
        ),
        (
            "Error response from daemon: No such image: shop/web:1",
            "image shop/web:1 is not there; push it, or let `tarmac deploy` build it",
        ),
        (
            "error while interpolating: required variable TOKEN is missing a value: run it",
            "TOKEN has no value; give it in the environment",
        ),
        ("something else", "something else"),
    ],
)
def test_what_compose_says_is_told_with_what_to_do(text, why):
    assert said_by_compose(text).text == why


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("shop/web:1", "shop/web"),
        ("postgres", "postgres"),
        ("localhost:5000/web", "localhost:5000/web"),
        ("localhost:5000/web:2@sha256:ff", "localhost:5000/web"),
        ("registry.example.com/web@sha256:ff", "registry.example.com/web"),
    ],
)
def test_an_image_is_named_for_its_project_and_its_content(image, repository):
    named = stable_name(image, "sha256:0123456789abcdef", "shop")
    assert named == f"{repository}:tarmac-shop-0123456789ab"


def test_only_a_projects_own_names_are_removed():
    mine, kept = "web:tarmac-shop-0123456789ab", "web:tarmac-shop-ba9876543210"
    others = ("web:tarmac-shop-eu-0123456789ab", "web:1", "<none>:<none>")
    assert unneeded([mine, kept, *others], "shop", [kept]) == [mine]


@dataclass(frozen=True)
class Daemon:
    """One that has the data of a project, and nothing else."""

    host: str
    is_here: bool
    volumes: tuple[str, ...] = ("shop_data-db",)

    def lines(self, *argv: str) -> list[str]:
        assert argv[:2] == ("volume", "ls")
        return list(self.volumes)


def test_data_whose_secrets_are_elsewhere_is_left_alone(tmp_path):
    project = Project(cast("Docker", Daemon("unix:///d.sock", True)), release(), tmp_path)
    with pytest.raises(BadInput, match=r"\.env: is not there, but shop has data on unix:///d.sock"):
        check_secrets(project)
    (tmp_path / ".env").touch()
    check_secrets(project)


def test_files_of_secrets_are_not_mounted_from_another_machine(tmp_path):
    secret = release(secrets=[{"source": "key", "target": "/run/secrets/key"}])
    far = Daemon("ssh://me@there", False, ())
    with pytest.raises(
        BadInput, match=r"shop: mounts secrets as files \(web\); they have to be on"
    ):
        check_secrets(Project(cast("Docker", far), secret, tmp_path))
    check_secrets(Project(cast("Docker", far), release(), tmp_path))


def test_a_container_is_read_with_its_address_and_its_published_ports():
    one = container("web")
    assert (one.networks, one.aliases) == ({"shop_db": "172.18.0.2"}, {"shop_db": ("web",)})
    assert (one.published, one.env) == ({80: "127.0.0.1:8080"}, {"LEVEL": "info", "EMPTY": ""})
