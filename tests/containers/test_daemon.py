"""The tests' own Docker: one that was killed does not stand in the way of the next."""

from __future__ import annotations

import contextlib
import os
import signal

import docker_here
import pytest


def test_data_of_a_killed_daemon_is_removed_though_it_was_mounted(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(docker_here, "_unmount", lambda folder: None)  # its session was killed too
        with contextlib.suppress(AssertionError, OSError), _daemon(tmp_path) as docker:
            (tmp_path / "data/half-a-layer").touch()
            pid = int((docker.socket.parent / "pid").read_text())
            os.kill(pid, signal.SIGKILL)
    assert not (tmp_path / docker_here.ENDED_WELL).exists()
    with _daemon(tmp_path) as docker:
        assert docker.read("/info")["DockerRootDir"] == str(tmp_path / "data")
        assert not (tmp_path / "data/half-a-layer").exists()
    assert (tmp_path / docker_here.ENDED_WELL).exists()


@contextlib.contextmanager
def _daemon(keep):
    try:
        with docker_here.daemon(keep) as started:
            yield started
    except docker_here.NoDocker as error:
        pytest.skip(str(error))
