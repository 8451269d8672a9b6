"""A runner of Gitea's Actions for tests: jobs are processes of this machine (its host mode).

What a job finds is what a self-hosted runner has: git, Node.js, jq, and Python in the tool cache,
which is this machine's own under the version that the workflows ask for. Side containers of a job
are not started: the services' tests start their stores themselves.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import yaml
from forge import HOST, Forge, which

from tarmac.render.pipelines.parts import github_steps
from tarmac.render.pipelines.parts import pipeline as parts

READY_S = 30.0
#: What a job needs besides what is brought to it.
PROGRAMS = ("node", "git", "jq", "bash", "unshare")
#: /etc/hosts for one process and what it starts: the forge's name.
NAMED = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'


def _tool_cache(work: Path) -> None:
    """Put this machine's Python where actions/setup-python looks first."""
    place = work / f"tool_cache/Python/{parts.PYTHON}.0/x64"
    base = Path(sys.base_prefix) / "bin/python3"
    subprocess.run([base, "-m", "venv", place], check=True)
    place.with_name("x64.complete").touch()


def _settings(folder: Path, forge: Forge) -> Path:
    file = folder / "runner.yaml"
    settings = {
        "log": {"level": "info"},
        "runner": {
            "file": str(folder / "registered"),
            "capacity": 1,
            "envs": {"UV_PYTHON_DOWNLOADS": "never"},
            "fetch_interval": "1s",
            "fetch_interval_max": "1s",
            "state_report_interval": "1s",
            "log_report_interval": "1s",
            "log_report_max_latency": "500ms",
            "labels": [f"{github_steps.RUNNER}:host"],
        },
        "cache": {"enabled": True, "dir": str(folder / "caches"), "host": "127.0.0.1"},
        "host": {"workdir_parent": str(folder / "work")},
    }
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return file


def _environment(home: Path) -> dict[str, str]:
    """Say what jobs inherit: the way to registries of packages, and nothing of a user's."""
    ours = ("GIT_", "PYTEST", "COV_", "TARMAC_", "VIRTUAL_ENV", "PYTHON", "XDG_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    for name in ("GIT_SSL_CAINFO",):
        if name in os.environ:
            kept[name] = os.environ[name]
    bins = [path for path in kept["PATH"].split(":") if "venv" not in path and ".uv" not in path]
    uv = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache/uv")
    return kept | {"HOME": str(home), "PATH": ":".join(bins), "UV_CACHE_DIR": uv}


@contextlib.contextmanager
def run(forge: Forge, folder: Path) -> Iterator[Path]:
    """Run a runner of the whole forge until the end; yield its log."""
    for program in PROGRAMS:
        which(program)
    home = folder / "home"
    home.mkdir()
    _tool_cache(folder / "work")
    env, log = _environment(home), folder / "runner.log"
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {HOST}\n", encoding="utf-8")
    settings = _settings(folder, forge)
    token = forge.program("actions", "generate-runner-token").split()[-1]
    alone = ["unshare", "--mount", *(["--map-root-user"] if os.getuid() else [])]
    program = [*alone, "sh", "-c", NAMED, "sh", str(hosts)]
    program += [str(forge.home / "runner"), "--config", str(settings)]
    # Jobs clone from the address that the runner was registered at.
    subprocess.run(
        [*program, "register", "--no-interactive", "--instance", f"http://{HOST}:{forge.port}",
         "--token", token, "--name", "tests", "--labels", f"{github_steps.RUNNER}:host"],
        cwd=folder, env=env, check=True, capture_output=True,
    )  # fmt: skip
    with log.open("wb") as said:
        process = subprocess.Popen(
            [*program, "daemon"], cwd=folder, env=env,
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
        try:
            _wait(process, log)
            yield log
        finally:
            process.terminate()  # it ends its job, too
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    ends_at = time.monotonic() + READY_S
    while "declare successfully" not in (said := log.read_text(errors="replace")):
        assert process.poll() is None, said[-3000:]
        assert time.monotonic() < ends_at, said[-3000:]
        time.sleep(0.1)
