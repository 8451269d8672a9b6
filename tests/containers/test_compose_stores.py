"""The databases of the shop and of trading under Docker Compose: what they keep, and until when.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

import pytest
import yaml
from composed import Compose, laid_out

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]


@pytest.mark.parametrize("system", ["shop", "trading"])
def test_every_databases_rows_survive_down_and_end_with_its_volume(docker, tmp_path, system):
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    compose = Compose(docker, laid_out(system, tmp_path))
    file = yaml.safe_load((compose.folder / "compose.yaml").read_text())
    databases = [name for name in file["services"] if name.endswith("-db")]
    assert len(databases) >= 3

    def answers(query: str) -> set[str]:
        psql = ("psql", "-U", "postgres", "-d", "postgres", "--tuples-only", "--no-align")
        return {
            docker.say("exec", compose.container(name), *psql, "--command", query)
            for name in databases
        }

    def again(*argv: str) -> None:
        compose("--profile", "all", "down", "--timeout", "1", *argv)
        compose("up", "--detach", "--wait", *databases)

    try:
        again()
        answers("CREATE TABLE kept AS SELECT generate_series(1, 20)")
        again()
        assert answers("SELECT count(*) FROM kept") == {"20"}
        again("--volumes")
        assert answers("SELECT to_regclass('kept') IS NULL") == {"t"}
    finally:
        compose("--profile", "all", "down", "--volumes", "--timeout", "1")
