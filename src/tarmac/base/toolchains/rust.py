"""Rust: `rust-version` of Cargo.toml; rustup itself obeys a rust-toolchain file."""

from __future__ import annotations

from tarmac.base.toolchains.toolchain import Source, Toolchain, at_least, same_major

TOOLCHAIN = Toolchain(
    id="rust",
    title="Rust",
    program="rustc",
    ask=("--version",),
    used_by="cargo|rustc",
    sources=(
        Source("Cargo.toml", r"^rust-version\s*=\s*\"([\d.]+)\"", as_range=at_least),
        Source(".tool-versions", r"^rust\s+(\d[\d.]*)", is_strict=False, as_range=same_major),
    ),
    folders=("~/.rustup/toolchains/[0-9]*/bin", "~/.asdf/installs/rust/*/bin"),
    get="rustup update",
)
