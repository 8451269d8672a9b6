"""Python: what pip and Poetry refuse otherwise, else what the repository is tried with."""

from __future__ import annotations

from tarmac.base.toolchains.toolchain import Source, Toolchain

_IMAGE = r"(?i:^FROM)\s+(?:\S*/)?python:(3\.\d+)"

TOOLCHAIN = Toolchain(
    id="python",
    title="Python",
    program="python3",
    ask=("--version",),
    # Not uv, which finds or fetches one itself.
    used_by=r"python3?(?:\.\d+)?|pip3?|poetry|pipenv",
    sources=(
        Source("pyproject.toml", r"^requires-python\s*=\s*['\"]([^'\"]+)['\"]"),
        Source("pyproject.toml", r"^python\s*=\s*['\"]([^'\"]+)['\"]"),
        Source("Pipfile", r"^python_(?:full_)?version\s*=\s*['\"]([^'\"]+)['\"]"),
        Source(".python-version", r"^(?:python-)?(3\.\d+)", is_strict=False),
        Source("runtime.txt", r"^python-(3\.\d+)", is_strict=False),
        Source(".tool-versions", r"^python\s+(3\.\d+)", is_strict=False),
        *(
            Source(file, _IMAGE, is_strict=False)
            for file in ("Dockerfile", "docker/Dockerfile", "build/Dockerfile")
        ),
    ),
    folders=(
        "~/.pyenv/versions/*/bin",
        "~/.local/share/uv/python/cpython-*/bin",
        "~/.asdf/installs/python/*/bin",
        "~/.local/share/mise/installs/python/*/bin",
        "/opt/python/*/bin",
    ),
    get="pyenv install {0}, or uv python install {0}",
    instead=".venv/bin/python",
    named=r"(?<![\w./-])python(3\.\d+)(?= )",
)
