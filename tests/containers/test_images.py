"""Every service as a container: built, run as nobody on a read-only root, asked, wedged.

On stand-ins for the public base images (`standins.STAND_IN`), since no registry can be reached.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import kit_images
import pytest
from rendered import ROOT

from tarmac.base.launch import Secret, Text
from tarmac.plan.cluster import Workload
from tarmac.render.compose.parts.services import HEALTHCHECK

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

#: In files of a checkout that no image may hold.
LEAKED = "leaked-by-a-careless-checkout"
LIMIT_BYTES = 200_000_000
SHELLS = ("sh", "bash", "dash", "ash", "busybox", "pip", "pip3", "uv", "apt", "dpkg", "perl")
LOCKED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
LOCKED = (*LOCKED, "--security-opt", "no-new-privileges")
#: At a time as many as two processors can ask every second.
BATCHES = 4
IGNORED = (".md", ".env", ".gitignore", "Dockerfile", ".pyi")
WRITE_AND_WALK = """
import os
try:
    print(open('/app/x', 'w'))
except OSError as error:
    print(error)
for at, _, files in os.walk('/app/own'):
    for file in files:
        print(f'{at}/{file}')
"""
NAMES = {
    content: "+".join(content[0]) + "".join(f"[{e}]" for e in content[1])
    for content in kit_images.services()
}


def of(secret: Secret) -> str:
    outside = secret.path.endswith("/url")  # the one store that is outside takes emails
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
        time.sleep(0.1)
    return True


def health(docker, container: str) -> str:
    status: str = docker.inspect(container)["State"]["Health"]["Status"]
    return status


def started(docker, image: str, workload, *more: str, network: str = "none") -> str:
    """Run an image as a cluster would, alone: with its own variables and no store to be found."""
    env = {name: filled(variable.value) for name, variable in workload.env.items()}
    told = [part for item in env.items() for part in ("--env", "=".join(item))]
    return docker.say("run", "--detach", "--network", network, *LOCKED, *told, *more, image)


@pytest.fixture(scope="module")
def images(images) -> dict[kit_images.Content, str]:
    """Give the name of each service's image, by what is in it."""
    return images.all()


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
    assert all(docker.inspect(tag)["RootFS"]["Layers"][:2] == first for tag in images.values())


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_service_runs_as_nobody_and_answers_and_is_unhealthy_once_wedged(docker, images, batch):
    contents = list(images)[batch::BATCHES]
    # The image's own check, only more often: half a minute each time, three times, is long for a
    # test. Its own numbers are those of the labels' test.
    often = ("--health-interval", "1s", "--health-timeout", "2s", "--health-start-period", "30s")
    often = (*often, "--health-retries", "1")
    running = {
        NAMES[program]: started(docker, images[program], kit_images.services()[program][0], *often)
        for program in contents
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
            refused = docker.run("exec", container, "sh", "-c", "true", check=False)
            assert refused.returncode in (126, 127), refused.stderr
            written, *own = docker.say(*python, WRITE_AND_WALK).splitlines()
            assert "Read-only file system" in written
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


def test_a_service_answers_on_the_port_that_is_published(docker, images):
    """Asked from outside the container, on the one port that a setting gave it: 3000 inside."""
    content = next(iter(images))
    workload = kit_images.services()[content][0]
    docker.run("network", "create", "alone")
    options = ("--publish", "127.0.0.1::3000", "--env", "PORT=3000")
    container = started(docker, images[content], workload, *options, network="alone")
    try:
        address = docker.say("port", container, "3000/tcp")

        def live() -> bool:
            try:
                with urllib.request.urlopen(f"http://{address}/health", timeout=2) as answer:
                    return (answer.status, json.load(answer)["status"]) == (200, "ok")
            except OSError:
                return False

        assert until(live), docker.run("logs", "--tail", "5", container).stderr[-2000:]
    finally:
        docker.run("rm", "--force", container)
        docker.run("network", "rm", "alone")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """Copy what an image is built of, with files beside it that belong into none."""
    folder = tmp_path_factory.mktemp("checkout")
    argv = ("git", "ls-files", "-z", "uv.lock", "pyproject.toml", "kit", "kit-testing", "services")
    listed = subprocess.run(
        [*argv, "src/tarmac/__init__.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    for place in (".", "services/offers", "services/offers/tarmac_offers", "kit"):
        (folder / place / ".env").write_text(f"PASSWORD={LEAKED}\n")
    return folder


def offers() -> Workload:
    """Find a service whose image is small."""
    every = (workload for workloads in kit_images.services().values() for workload in workloads)
    return next(service for service in every if service.parts == ("tarmac_offers",))


def test_what_is_ignored_is_in_no_image(docker, checkout, tmp_path):
    kit_images.build(docker, offers(), "offers:ignored", checkout)
    archive = tmp_path / "image.tar"
    docker.run("save", "--output", str(archive), "offers:ignored")
    names, seen = set(), 0
    # All layers, as they would be pushed: what a later one hides would be found as well.
    with tarfile.open(archive) as image:
        for member in filter(tarfile.TarInfo.isfile, image):
            content = gzip_or_plain(image.extractfile(member).read())
            assert LEAKED.encode() not in content, member.name
            if tarfile.is_tarfile(io.BytesIO(content)):
                with tarfile.open(fileobj=io.BytesIO(content)) as layer:
                    names |= {member.name for member in layer}
                seen += 1
    assert seen > 3
    assert any(name.endswith("tarmac_offers/app.py") for name in names)
    assert [name for name in names if Path(name).name in (".env", ".git")] == []


def gzip_or_plain(content: bytes) -> bytes:
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def test_an_edit_of_a_source_alone_uses_what_was_installed_again(docker, checkout):
    layers = []
    for tag in ("before", "after"):
        with (checkout / "services/offers/tarmac_offers/app.py").open("a") as source:
            source.write(f"# {tag}\n")
        kit_images.build(docker, offers(), f"offers:{tag}", checkout)
        layers.append(docker.inspect(f"offers:{tag}")["RootFS"]["Layers"])
    before, after = layers
    # Base, its library compiled, what the lock says; then the sources.
    assert before[:3] == after[:3]
    assert before[3] != after[3]


def test_a_build_without_a_service_says_what_to_give(docker):
    offers = next(iter(kit_images.services().values()))[0]
    with pytest.raises(AssertionError, match="give --build-arg SERVICE"):
        kit_images.build(docker, offers, "none:1", told={"SERVICE": ""})
