"""The guide about several repositories, followed with the shop's payments in one of their own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from git_repository import clone, git, push, remote
from sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/several-repositories.md").read_text(encoding="utf-8")
YAML = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
OURS = ("payment-service", "payments-db")


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Lay out the shop without its payments, which are cloned beside it, as on the page."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    origin = remote(tmp_path / "origin" / "payments.git")
    payments = clone(origin, tmp_path / "payments")
    shutil.copytree(ROOT / "services/payments", payments, dirs_exist_ok=True)
    (payments / "tarmac.yaml").write_text(YAML[0])
    code = payments / "tarmac_payments/__init__.py"
    code.write_text(f"{code.read_text()}\nprint('code of', __file__, flush=True)\n")
    push(payments, "the payments")
    git(payments, "tag", "v1.4.0")
    git(payments, "push", "--quiet", "origin", "v1.4.0")
    folder = tmp_path / "platform"
    ignored = shutil.ignore_patterns(".tarmac", "__pycache__", "payments")
    shutil.copytree(ROOT / "systems/shop", folder / "systems/shop", ignore=ignored)
    shutil.copytree(ROOT / "services", folder / "services", ignore=ignored)
    file = folder / "systems/shop/tarmac.yaml"
    own = yaml.safe_load(file.read_text())
    del own["services"]["payment-service"], own["stores"]["payments-db"]
    include = yaml.safe_load(
        YAML[1].replace("https://git.example.com/acme", f"file://{tmp_path}/origin")
    )
    file.write_text(yaml.safe_dump({**own, **include}))
    yield Sandbox(folder)
    Sandbox(file.parent).end()


def test_every_command_of_the_page_does_what_it_says(shop: Sandbox):
    said = {}
    for line in COMMANDS:
        program, *words = line.split()
        assert program == "tarmac"
        done = shop.tarmac(*words, timeout_s=180)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        said[line] = done.stdout
    lock = (shop.folder / "systems/shop/tarmac.include.lock").read_text()
    commit = re.findall(r'commit: "(\w+)"', lock)[0]
    assert f"@v1.4.0  {commit[:12]}" in said["tarmac include shop"]
    own = f"payments is {shop.folder.parent}/payments, not revision v1.4.0"
    assert own in said["tarmac up shop -d --source payments=../payments"]
    assert own in said["tarmac ps shop"]
    assert own not in said["tarmac up shop -d --source payments="]
    assert "as before" in said["tarmac include shop payments --update"]
    log = shop.tarmac("logs", "shop", "payment-service").stdout
    ran = [Path(path).parents[1] for path in re.findall(r"code of (\S+)", log)]
    assert {ran[0], ran[-1]} == {
        shop.folder.parent / "cache/tarmac/included" / ran[0].parent.name / commit
    }
    assert shop.folder.parent / "payments" in ran


def test_the_shop_renders_as_if_the_payments_were_its_own_but_for_the_image(shop: Sandbox):
    done = shop.tarmac("render", "shop", "--env", "production", timeout_s=180)
    assert done.returncode == 0, done.stderr
    tree = shop.folder / "systems/shop/deploy/production"
    assert "payment-service:v1.4.0" in (tree / "k8s/payment-service/deployment.yaml").read_text()
    cache = str(shop.folder.parent)
    assert [path for path in tree.rglob("*") if path.is_file() and cache in path.read_text()] == []
    done = shop.tarmac("render", "shop", "--env", "repository", "--out", ".", timeout_s=180)
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load((shop.folder / "ci/services.json").read_text())["services"]
    assert "order-service" in services
    assert "payment-service" not in services
