"""What a controller of Rollouts needs beside its own program."""

from __future__ import annotations

import pytest
from objects import objects_of
from rendered import artifacts_of

VALUES = "rollouts/values/argo-rollouts.yaml"


@pytest.mark.parametrize("environment", ["stg", "prod"])
def test_the_values_install_each_plugin_that_a_rollout_names(environment):
    canaries = (
        one["spec"]["strategy"]["canary"] for one in objects_of("travel", environment, "Rollout")
    )
    named = {name for canary in canaries for name in canary["trafficRouting"]["plugins"]}
    (values,) = (a.data for a in artifacts_of("travel", environment) if a.path == VALUES)
    controller = values["controller"]
    (plugin,) = controller["trafficRouterPlugins"]
    assert named == {plugin["name"]}
    (copies,) = controller["initContainers"]
    assert (
        f"file://{copies['command'][-1]}{copies['command'][1].rpartition('/')[2]}"
        == plugin["location"]
    )


def test_an_environment_without_rollouts_has_no_values_for_their_controller():
    assert not [a for a in artifacts_of("travel", "dev") if a.path == VALUES]
