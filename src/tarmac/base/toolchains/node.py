"""Node: `engines` of package.json, and the files of its version switchers."""

from __future__ import annotations

from tarmac.base.toolchains.toolchain import Source, Toolchain, same_major

TOOLCHAIN = Toolchain(
    id="node",
    title="Node",
    program="node",
    ask=("--version",),
    used_by="node|npm|npx|yarn|pnpm|tsx|ts-node|nodemon",
    sources=(
        Source("package.json", r'"engines"\s*:\s*\{[^}]*"node"\s*:\s*"([^"]+)"'),
        Source(".nvmrc", r"^v?(\d[\d.]*)", is_strict=False, as_range=same_major),
        Source(".node-version", r"^v?(\d[\d.]*)", is_strict=False, as_range=same_major),
        Source(".tool-versions", r"^nodejs\s+(\d[\d.]*)", is_strict=False, as_range=same_major),
    ),
    folders=(
        "~/.nvm/versions/node/v*/bin",
        "~/.local/share/fnm/node-versions/v*/installation/bin",
        "~/.fnm/node-versions/v*/installation/bin",
        "~/.volta/tools/image/node/*/bin",
        "~/.asdf/installs/nodejs/*/bin",
        "~/.local/share/mise/installs/node/*/bin",
        "~/n/n/versions/node/*/bin",
        "/usr/local/n/versions/node/*/bin",
    ),
    get="nvm install {0}",
    numbers=1,
)
