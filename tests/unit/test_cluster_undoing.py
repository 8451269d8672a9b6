"""What a drill does to a cluster is undone: step by step, at its end, and when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tarmac.base.errors import TarmacError
from tarmac.run.cluster.kubectl import Kubectl
from tarmac.run.undoing import UndoProcess, undo_process

LONG_S, POLL_S = 20.0, 0.02


@pytest.fixture
def kubectl(tmp_path: Path) -> Kubectl:
    """Give a program that writes down how it is called, and fails if that ends with `fail`."""
    program = tmp_path / "kubectl"
    program.write_text(
        f'#!/bin/sh\necho "$*" >>{tmp_path}/calls\ncase $* in *fail) echo no >&2; exit 1 ;; esac\n'
    )
    program.chmod(0o700)
    (tmp_path / "own").mkdir()
    config = tmp_path / "own" / "config"
    config.touch()
    return Kubectl(str(program), "lab", config)


def undoing(kubectl: Kubectl) -> AbstractContextManager[UndoProcess]:
    program = (kubectl.program, f"--kubeconfig={kubectl.config}")
    return undo_process(program, config=kubectl.config)


def calls(kubectl: Kubectl) -> list[str]:
    file = kubectl.config.parents[1] / "calls"
    lines = file.read_text().splitlines() if file.exists() else []
    return [line.removeprefix(f"--kubeconfig={kubectl.config} ") for line in lines]


def test_a_step_is_undone_when_it_is_asked_for_and_the_others_at_the_end(kubectl):
    with undoing(kubectl) as undo:
        for name in ("a", "b", "c"):
            undo.add(name, "scale", name)
        undo.run("b")
        undo.run("b")  # once is enough
        assert calls(kubectl) == ["scale b"]
    assert calls(kubectl) == ["scale b", "scale c", "scale a"]


def test_the_first_state_is_the_one_to_go_back_to(kubectl):
    with undoing(kubectl) as undo:
        undo.add("a", "scale", "--replicas=2")
        undo.add("a", "scale", "--replicas=0")
    assert calls(kubectl) == ["scale --replicas=2"]


def disturb(kubectl: Kubectl) -> None:
    with undoing(kubectl) as undo:
        undo.add("a", "scale", "fail")


def test_what_cannot_be_undone_is_reported(kubectl):
    with pytest.raises(TarmacError, match="not undone: kubectl scale fail: no"):
        disturb(kubectl)


def test_all_is_undone_and_no_key_is_left_when_the_drill_is_killed(kubectl, tmp_path):
    drill = f"""
import pathlib, time
from tarmac.run.undoing import undo_process
config = pathlib.Path({str(kubectl.config)!r})
with undo_process(({kubectl.program!r}, f"--kubeconfig={{config}}"), config=config) as undo:
    undo.add("a", "scale", "a")
    undo.add("b", "scale", "b")
    print("disturbed", flush=True)
    time.sleep(600)
"""
    argv = [sys.executable, "-c", drill]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "disturbed\n"
        os.kill(process.pid, signal.SIGKILL)
    end = time.monotonic() + LONG_S
    while kubectl.config.parent.exists():
        assert time.monotonic() < end, calls(kubectl)
        time.sleep(POLL_S)
    assert calls(kubectl) == ["scale b", "scale a"]
