"""What holds of every file of every system in each of its environments."""

from __future__ import annotations

from functools import cache

import pytest
import yaml
from rendered import KINDS, RENDERERS, TYPICAL, artifacts_of, plan_of, system_of

from tarmac.base.artifact import COMMENTS, write
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts
from tarmac.render.renderer import PHASES
from tarmac.render.tree.decision import check_paths, collisions

HEADER = "Rendered by Tarmac from systems/shop/tarmac.yaml: tarmac render shop --env production"
EACH = pytest.mark.parametrize(("system", "environment"), TYPICAL)


@cache
def texts(system: str, environment: str) -> dict[str, str]:
    """Write each file of a tree, by its path."""
    return {made.path: write(made, HEADER) for made in artifacts_of(system, environment)}


@EACH
def test_rendering_twice_gives_the_same_bytes(system, environment):
    again = artifacts(deploy(system_of(system), environment, KINDS), RENDERERS)
    assert texts(system, environment)
    assert [(artifact.path, write(artifact, HEADER)) for artifact in again] == [
        *texts(system, environment).items()
    ]


@EACH
def test_every_path_stays_in_the_folder_and_is_nobody_elses(system, environment):
    paths = [artifact.path for artifact in artifacts_of(system, environment)]
    assert len(paths) == len(set(paths))
    check_paths(paths)
    assert list(collisions(paths, paths)) == []


@EACH
def test_every_yaml_reads_back_as_its_data(system, environment):
    found = [artifact for artifact in artifacts_of(system, environment) if artifact.data]
    assert found
    for artifact in found:
        text = texts(system, environment)[artifact.path]
        # libyaml's reader, which takes a tenth of the time.
        assert yaml.load(text, yaml.CSafeLoader) == artifact.data, artifact.path


@EACH
def test_each_file_with_comments_says_what_made_it_and_ends_with_a_newline(system, environment):
    for artifact in artifacts_of(system, environment):
        text = texts(system, environment)[artifact.path]
        assert text.endswith("\n"), artifact.path
        if artifact.path.endswith(tuple(COMMENTS)):
            assert HEADER in "".join(text.splitlines(keepends=True)[:2]), artifact.path


def test_every_renderer_has_a_phase_and_one_alone_renders_what_all_do():
    whole = artifacts_of("shop", "production")
    for renderer in RENDERERS.values():
        assert renderer.phase in PHASES
        alone = artifacts(plan_of("shop", "production"), RENDERERS, [renderer.id])
        assert set(map(repr, alone)) <= set(map(repr, whole))
