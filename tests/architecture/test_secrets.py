"""Settings come from the environment, and no secret was ever committed (FND-12)."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from tarmac_kit.limits import LimitSettings
from tarmac_kit.otlp import SpanSettings
from tarmac_kit.settings import Settings

#: Written so that no pattern finds itself here. Each begins with plain letters, so it is fast.
PATTERNS = {
    "private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"),
    "AWS access key": re.compile(rb"A[KS]IA[0-9A-Z]{16}\b"),
    "GitHub token": re.compile(rb"gh[pousr]_[A-Za-z0-9]{36}"),
    "GitHub token of one purpose": re.compile(rb"github_pat_[A-Za-z0-9_]{50,}"),
    "Slack token": re.compile(rb"xox[abprs]-[A-Za-z0-9-]{20,}"),
    "Stripe key": re.compile(rb"k_live_(?<=[rs]k_live_)[A-Za-z0-9]{16,}"),
    "password in a URL": re.compile(
        rb"://(?<=[a-z0-9+]://)[^\s:/@\"'`<>{}$%]+:([^\s:/@\"'`<>{}$%]+)@[a-z0-9\[]"
    ),
}
PLACEHOLDERS = {b"pw", b"p", b"password", b"pass", b"secret", b"...", b"guest"}
#: Folders whose examples and fixtures may spell out a made-up URL.
EXAMPLES = ("docs/", "tests/", "CONTRIBUTING.md", "README.md")


def findings(path, content):
    """Return what in one file's bytes looks like a secret, as `path: what`."""
    found = []
    for what, pattern in PATTERNS.items():
        for match in pattern.finditer(content):
            if what == "password in a URL" and (
                match.group(1) in PLACEHOLDERS or path.startswith(EXAMPLES) or "/tests/" in path
            ):
                continue
            line = content.count(b"\n", 0, match.start()) + 1
            found.append(f"{path}:{line}: {what}")
    return found


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"-----BEGIN RSA " + b"PRIVATE KEY-----", "private key"),
        (b"key = 'AKIA" + b"ABCDEFGHIJKLMNOP'", "AWS access key"),
        (b"ghp_" + b"a" * 36, "GitHub token"),
        (b"github_pat_" + b"a" * 50, "GitHub token of one purpose"),
        (b"sk_live_" + b"a" * 24, "Stripe key"),
        (b"postgresql://orders:hunter2" + b"@db.example.com/orders", "password in a URL"),
    ],
)
def test_a_secret_is_recognised(content, what):
    assert findings("src/tarmac/settings.py", content) == [f"src/tarmac/settings.py:1: {what}"]


@pytest.mark.parametrize(
    "content",
    [
        b"postgresql://user:pw@host:5432/db",
        b'f"postgresql://{user}:{password}@{host}"',
        b"postgresql://orders@localhost/orders",
        b"https://example.com/a:b@c",
    ],
)
def test_a_placeholder_is_not_taken_for_a_secret(content):
    assert findings("kit/tarmac_kit/database.py", content) == []


def test_no_version_of_any_file_in_the_history_holds_a_secret(root):
    def git(*arguments, data=b""):
        return subprocess.run(
            ["git", *arguments], cwd=root, input=data, capture_output=True, check=True
        ).stdout

    names = {}
    for line in git("rev-list", "--objects", "HEAD").splitlines():
        oid, _, path = line.partition(b" ")
        if path:
            names.setdefault(oid, path.decode())
    assert "pyproject.toml" in names.values()
    stream = git("cat-file", "--batch", data=b"\n".join(names) + b"\n")
    found, at = [], 0
    while at < len(stream):
        end = stream.index(b"\n", at)
        oid, kind, size = stream[at:end].split()
        content = stream[end + 1 : end + 1 + int(size)]
        at = end + 1 + int(size) + 1
        if kind == b"blob":
            found += findings(names[oid], content)
    assert found == []


def test_env_files_are_ignored_by_git_and_the_example_is_not(root):
    def ignored(path):
        ask = ["git", "check-ignore", "-q", "--no-index", path]
        return subprocess.run(ask, cwd=root, check=False).returncode == 0

    assert ignored(".env")
    assert ignored("systems/shop/.env")
    assert ignored(".tarmac/shop/state.sqlite")
    assert not ignored(".env.example")


def test_the_example_lists_every_key_that_a_user_may_set(root):
    parts = [yaml.safe_load(p.read_text()) for p in sorted(root.glob("services/*/service.yaml"))]
    assert parts
    example = (root / ".env.example").read_text()
    listed = set(re.findall(r"^# ([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))
    for part in parts:
        assert (part.get("secrets") or {}).keys() <= listed
        settings = part.get("settings") or {}
        assert {key for key, spec in settings.items() if "default" in spec} <= listed
        # What has no default is given by the plan or by the system's file.
        assert all(spec.get("required") for key, spec in settings.items() if key not in listed)


def test_the_example_lists_what_the_kit_reads_in_every_service_with_its_default(generate):
    given_by_the_plan = {"service_name", "host", "port", "broker_url", "publishes", "consumes"}
    models = (Settings, LimitSettings, SpanSettings)
    fields = [field for model in models for field in model.model_fields.items()]
    defaults = {
        name.upper(): field.default for name, field in fields if name not in given_by_the_plan
    }
    assert defaults.keys() == generate.KIT_SETTINGS.keys()
    shown = {
        name: text == "true" if isinstance(defaults[name], bool) else type(defaults[name])(text)
        for name, (text, _) in generate.KIT_SETTINGS.items()
    }
    assert shown == defaults
