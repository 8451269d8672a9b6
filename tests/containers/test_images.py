"""Every service as a container: built, run as nobody on a read-only root, asked, wedged.

On stand-ins for the public base images (`standins.STAND_IN`), since no registry can be reached.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import kit_images
import pytest
from rendered import ROOT

from tarmac.launch import Secret, Text
from tarmac.render._compose import HEALTHCHECK

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

LIMIT_BYTES = 200_000_000
SHELLS = ("sh", "bash", "dash", "ash", "busybox", "pip", "pip3", "uv", "apt", "dpkg", "perl")
LOCKED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
LOCKED = (*LOCKED, "--security-opt", "no-new-privileges")
#: At a time as many as two processors can ask every second.
BATCHES = 4
IGNORED = (".md", ".env", ".gitignore", "Dockerfile", ".pyi")
WRITE = "open('/app/x', 'w')"
WALK = "import os; [print(f'{at}/{f}') for at, _, fs in os.walk('/app/own') for f in fs]"
NAMES = {
    content: "+".join(content[0]) + "".join(f"[{e}]" for e in content[1])
    for content in kit_images.services()
}


def of(secret: Secret) -> str:
    outside = secret.path.endswith("/url")  # the one store that is outside takes letters
    return "smtp://user:word@mail.invalid:25" if outside else "0" * 2 * secret.size_bytes


def filled(value: Text) -> str:
    """Write a value with some secret in it."""
    return "".join(of(part) if isinstance(part, Secret) else part for part in value)


def until(passes: Callable[[], bool], within_s: float = 90) -> bool:
    """Tell whether something comes true."""
    end = time.monotonic() + within_s
    while not passes():
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


def health(docker, container: str) -> str:
    return docker.say("inspect", "--format", "{{.State.Health.Status}}", container)


def started(docker, image: str, workload, *more: str) -> str:
    """Run an image as a cluster would, alone: with its own variables and no store to be found."""
    env = {name: filled(each.value) for name, each in workload.env.items()}
    told = [part for item in env.items() for part in ("--env", "=".join(item))]
    return docker.say("run", "--detach", "--network", "none", *LOCKED, *told, *more, image)


@pytest.mark.parametrize("content", NAMES, ids=NAMES.get)
def test_an_image_is_small_and_says_what_it_is(docker, images, content):
    image = docker.inspect(images[content])
    assert image["Size"] < LIMIT_BYTES
    config = image["Config"]
    assert config["User"] == "65534:65534"
    assert config["Entrypoint"] == ["/usr/bin/python3", "-m", "tarmac_kit.serve"]
    check = config["Healthcheck"]
    seconds = [check[key] / 1e9 for key in ("Interval", "Timeout", "StartPeriod")]
    assert (seconds, check["Retries"]) == ([30, 3, 10], 3)
    assert check["Test"] == ["CMD", *HEALTHCHECK]
    labels = {k.removeprefix("org.opencontainers.image."): v for k, v in config["Labels"].items()}
    assert labels["revision"] == kit_images.LABELS["REVISION"]
    assert labels["source"] == kit_images.LABELS["SOURCE"]
    assert labels["version"] == kit_images.LABELS["VERSION"]
    assert labels["title"]


def test_the_base_and_a_whole_image_have_no_shell_and_no_pip(docker, images, tmp_path):
    content, image = next(iter(images.items()))
    container = started(docker, image, kit_images.services()[content][0])
    archive = tmp_path / "root.tar"
    try:
        docker.run("export", "--output", str(archive), container)
    finally:
        docker.run("rm", "--force", container)
    listed = subprocess.run(["tar", "-tf", archive], capture_output=True, text=True, check=True)
    files = listed.stdout.splitlines()
    assert "app/own/tarmac_kit/healthcheck.py" in files
    programs = {path.rsplit("/", 1)[-1] for path in files if "bin/" in path}
    assert "python3.13" in programs
    assert not programs & set(SHELLS)
    assert not [path for path in files if "/pip/" in path]
    # The first two layers are this one's in every image.
    first = docker.inspect(image)["RootFS"]["Layers"][:2]
    assert all(docker.inspect(each)["RootFS"]["Layers"][:2] == first for each in images.values())


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_service_runs_as_nobody_and_answers_and_is_unhealthy_once_wedged(docker, images, batch):
    contents = list(images)[batch::BATCHES]
    # The image's own check, only more often: half a minute each time is long for a test.
    often = ("--health-interval", "1s", "--health-timeout", "2s", "--health-start-period", "30s")
    running = {
        NAMES[each]: started(docker, images[each], kit_images.services()[each][0], *often)
        for each in contents
    }
    pids = {}
    try:
        for name, container in running.items():
            assert until(lambda c=container: health(docker, c) == "healthy"), (
                name,
                docker.run("logs", "--tail", "5", container).stderr[-2000:],
            )
            pids[container] = pid = docker.inspect(container)["State"]["Pid"]
            status = Path(f"/proc/{pid}/status").read_text()
            ids = {line.split()[0]: line.split()[1:] for line in status.splitlines()}
            assert set(ids["Uid:"]) == set(ids["Gid:"]) == {"65534"}
            assert int(ids["CapEff:"][0], 16) == 0
            assert ids["NoNewPrivs:"] == ["1"]
            python = ("exec", container, "/usr/bin/python3", "-c")
            assert "Read-only file system" in docker.run(*python, WRITE, check=False).stderr
            refused = docker.run("exec", container, "sh", "-c", "true", check=False)
            assert refused.returncode in (126, 127), refused.stderr
            own = docker.say(*python, WALK).splitlines()
            assert "/app/own/tarmac_kit/healthcheck.py" in own
            assert not [f for f in own if f.endswith(IGNORED) or "/tests/" in f]
        for pid in pids.values():
            os.kill(pid, signal.SIGSTOP)
        for name, container in running.items():
            assert until(lambda c=container: health(docker, c) == "unhealthy"), name
    finally:
        docker.run("rm", "--force", *running.values())


def test_the_port_is_a_setting(docker, images):
    content = next(iter(images))
    container = started(
        docker, images[content], kit_images.services()[content][0], "--env", "PORT=4567"
    )
    try:
        asked = ("exec", container, *HEALTHCHECK)
        assert until(lambda: docker.run(*asked, check=False).returncode == 0)
        said = docker.run("exec", "--env", "PORT=4568", *asked[1:], check=False)
        assert "127.0.0.1:4568/health/live: no answer" in said.stderr
    finally:
        docker.run("rm", "--force", container)


def test_an_edit_of_a_source_alone_uses_what_was_installed_again(docker, tmp_path):
    listed = subprocess.run(
        [
            "git",
            "ls-files",
            "-z",
            "uv.lock",
            "pyproject.toml",
            "kit",
            "services",
            "src/tarmac/__init__.py",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    (tmp_path / ".env").write_text("PASSWORD=leaked\n")
    offers = next(
        w for each in kit_images.services().values() for w in each if w.parts == ("tarmac_offers",)
    )
    layers = []
    for tag in ("before", "after"):
        with (tmp_path / "services/offers/tarmac_offers/app.py").open("a") as source:
            source.write(f"# {tag}\n")
        kit_images.build(docker, offers, f"offers:{tag}", tmp_path)
        layers.append(docker.inspect(f"offers:{tag}")["RootFS"]["Layers"])
    before, after = layers
    # Base, its library compiled, what the lock says; then the sources.
    assert before[:3] == after[:3]
    assert before[3] != after[3]


def test_a_build_without_a_service_says_what_to_give(docker):
    offers = next(iter(kit_images.services().values()))[0]
    with pytest.raises(AssertionError, match="give --build-arg SERVICE"):
        kit_images.build(docker, offers, "none:1", told={"SERVICE": ""})
