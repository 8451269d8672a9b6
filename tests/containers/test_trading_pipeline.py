"""The lint step of trading's pipeline, by the command that a runner runs."""

from __future__ import annotations

import os

import docker_here
import kit_images
import pytest
from pipelines import cloned

pytestmark = pytest.mark.timeout(600)


def test_a_lint_error_ends_the_step_of_each_of_tradings_services_that_changed(tmp_path):
    try:
        kit_images.uv()
    except docker_here.NoDocker as missing:
        pytest.skip(str(missing))
    clone = cloned("trading", tmp_path / "repository", dict(os.environ))
    services = {
        "user-service": clone.folder / "services/identity/tarmac_identity/service.py",
        "portfolio-service": clone.folder / "services/portfolio/tarmac_portfolio/service.py",
    }
    for code in services.values():
        code.write_text(code.read_text() + "\n\n# A change.\n")
    clone.commit("fix(portfolio-service): a change of two")
    touched = clone.run("scripts/changed-services", "--base", "HEAD~1", "--head", "HEAD")
    assert set(touched.split()) == set(services)
    for service, code in services.items():
        clone.run("scripts/ci", "lint", service)
        code.write_text(f"import os\n{code.read_text()}")
        clone.run("scripts/ci", "lint", service, code=1)
