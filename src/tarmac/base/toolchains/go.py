"""Go: the `go` line of go.mod; a newer Go fetches what it asks for, unless that is switched off."""

from __future__ import annotations

from tarmac.base.toolchains.toolchain import Source, Toolchain, at_least

TOOLCHAIN = Toolchain(
    id="go",
    title="Go",
    program="go",
    ask=("version",),
    used_by="go",
    sources=(Source("go.mod", r"^go\s+(\d+(?:\.\d+)*)", as_range=at_least),),
    folders=(
        "~/sdk/go*/bin",
        "/usr/local/go*/bin",
        "~/go/pkg/mod/golang.org/toolchain@v0.0.1-go*/bin",
        "~/.asdf/installs/golang/*/go/bin",
        "~/.local/share/mise/installs/go/*/bin",
    ),
    get="install Go {0} (https://go.dev/dl), or set GOTOOLCHAIN=auto",
)
