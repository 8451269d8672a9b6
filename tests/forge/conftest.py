"""One forge for all tests of this folder, and what came of a change of one service."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import forge
import forge_runner
import forge_runs
import pytest
from forge_runs import SERVICES, Code, Run


@dataclass(frozen=True)
class Delivery:
    """A change of one service from its pull request to main, as the forge recorded it."""

    code: Code
    #: Of the last commit of the pull request, and of the one on main that it became.
    pull: Run
    push: Run
    #: The run of a commit before with a mistake; the shop's alone has one.
    red: Run | None = None
    #: What was said to a request to merge, by its situation: the status and the words.
    refused: Mapping[str, tuple[int, str]] = field(default_factory=dict)


@pytest.fixture(scope="session")
def running(tmp_path_factory) -> Iterator[forge.Forge]:
    """Run a forge with the actions that workflows name."""
    with forge.run(tmp_path_factory.mktemp("forge")) as started:
        forge.lend_actions(started)
        yield started


@pytest.fixture(scope="session")
def runner(running, tmp_path_factory) -> Iterator[Path]:
    """Run its runner."""
    with forge_runner.run(running, tmp_path_factory.mktemp("runner")) as log:
        yield log


@pytest.fixture(scope="session")
def published(running, tmp_path_factory) -> Callable[[str], Code]:
    """Give the code of a system on the forge, its main protected."""

    @cache
    def publish(system: str) -> Code:
        folder = tmp_path_factory.mktemp(system) / "repository"
        code = forge_runs.published(running, system, SERVICES[system][0], folder)
        code.protect()
        return code

    return publish


@pytest.fixture(scope="session")
def delivered(published, runner) -> Callable[[str], Delivery]:
    """Give what came of a change of one service: proposed, approved and merged."""

    @cache
    def deliver(system: str) -> Delivery:
        code = published(system)
        service, path = SERVICES[system]
        red, refused = None, {}
        if system == "shop":
            commit = code.change("change", path, "import os\n", f"fix({service}): a mistake")
            number = code.propose("change")
            code.approve(number)
            refused["before its checks"] = code.merge(number, "squash")
            red = code.ended("pull_request", commit)
            refused["red"] = code.merge(number, "squash")
            refused["red, by force"] = code.merge(number, "squash", force_merge=True)
            commit = code.amend(path, "import os\n", "\n\n# A change.\n", f"fix({service}): it")
        else:
            commit = code.change("change", path, "\n\n# A change.\n", f"fix({service}): a change")
            number = code.propose("change")
        pull = code.ended("pull_request", commit)
        # What was approved before is another commit.
        refused["not approved"] = code.merge(number, "squash")
        code.approve(number)
        refused["as a merge commit"] = code.merge(number, "merge")
        before = code.main()
        status, said = code.merge(number, "squash")
        assert status == 200, f"{said}\n{pull}"
        merged = code.main()
        parents = code.clone.run("git", "log", "-1", "--format=%P", merged).split()
        assert parents == [before]
        return Delivery(code, pull, code.ended("push", merged), red, refused)

    return deliver
