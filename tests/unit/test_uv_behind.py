"""The program that `uv` is, also where the one on PATH is a script that chooses a version."""

from __future__ import annotations

import docker_here
import kit_images
import pytest


@pytest.fixture(scope="module")
def uv():
    try:
        return kit_images.uv()
    except docker_here.NoDocker as missing:
        pytest.skip(str(missing))


def test_behind_a_script_is_the_program_that_it_runs(uv, tmp_path):
    shim = tmp_path / "uv"
    shim.write_text(f'#!/bin/sh\nset -e\nprogram={uv}\nexec "$program" "$@"\n')
    shim.chmod(0o755)
    found = kit_images.uv_behind(str(shim))
    assert found == uv
    assert not found.read_bytes().startswith(b"#!")


@pytest.mark.parametrize("text", ["#!/bin/sh\necho no version is set >&2\nexit 127\n", "nothing"])
def test_behind_a_script_that_runs_nothing_is_none(text, tmp_path):
    shim = tmp_path / "uv"
    shim.write_text(text)
    shim.chmod(0o755)
    assert kit_images.uv_behind(str(shim)) is None
