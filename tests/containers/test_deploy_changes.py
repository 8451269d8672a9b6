"""What a deployment to one machine adds and removes: services come, go, and are taken back.

On a stand-in for a public image (`standins.STAND_IN`).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bells import IMAGE, model
from bells import bells as made_of_bells
from on_one_machine import OneMachine

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]

BELL = "  {name}:\n    run: [python3, bell.py]\n"
ONE, TWO = BELL.format(name="bell"), BELL.format(name="bell") + BELL.format(name="gong")


@pytest.fixture
def bells(docker, tmp_path) -> Iterator[OneMachine]:
    """Give a system of one program, and an image for a second one; nothing of it up."""
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    for machine in made_of_bells(docker, tmp_path, ONE):
        docker.run("tag", IMAGE, "bells/gong:0.1.0")
        yield machine


def test_a_service_that_is_no_longer_rendered_stays_until_its_end_is_confirmed(bells):
    model(bells, TWO)
    bells("deploy")
    model(bells, ONE)
    said = bells("deploy")
    assert "no longer rendered: gong; --prune removes their containers" in said
    assert bells.data("drift", code=1)["extra"] == ["bells-gong-1"]
    asked = bells("deploy", "--prune", code=2)
    assert "would remove the containers of gong; add --yes to confirm" in asked
    assert "removed: bells-gong-1" in bells("deploy", "--prune", "--yes")
    assert not bells.data("drift")["extra"]


def test_a_service_that_came_with_a_failed_release_goes_with_it(bells, tmp_path):
    bells("deploy")
    (tmp_path / "image/Dockerfile").write_text(f'FROM {IMAGE}\nCMD ["sh", "-c", "exit 7"]\n')
    bells.docker.run("build", "--tag", "bells/gong:0.1.0", str(tmp_path / "image"))
    model(bells, TWO)
    said = bells("deploy", code=1)
    assert "  + gong" in said
    assert "bells-gong-1 ended with exit status 7" in said
    assert "removed: bells-gong-1" in said
    assert "the release before runs again" in said
    model(bells, ONE)
    assert not bells.data("drift")["extra"]


def test_an_image_that_cannot_be_had_is_named_before_anything_is_changed(bells):
    bells("deploy")
    bells.docker.run("rmi", "--force", "bells/gong:0.1.0")
    model(bells, TWO)
    assert "image bells/gong:0.1.0 cannot be had" in bells("deploy", code=1)
    model(bells, ONE)
    assert not bells.data("drift")["changed"]
