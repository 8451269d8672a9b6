"""Ruby: the version that a Gemfile asks for, on which Bundler insists, and its switchers' files."""

from __future__ import annotations

from tarmac.base.toolchains.toolchain import Source, Toolchain

TOOLCHAIN = Toolchain(
    id="ruby",
    title="Ruby",
    program="ruby",
    ask=("--version",),
    used_by="ruby|bundle|rails|rake|puma",
    sources=(
        Source("Gemfile", r"^[ \t]*ruby\s+['\"]([^'\"]+)['\"]"),
        Source(".ruby-version", r"^(?:ruby-)?(\d[\d.]*)"),
        Source(".tool-versions", r"^ruby\s+(\d[\d.]*)"),
    ),
    folders=(
        "~/.rbenv/versions/*/bin",
        "~/.rvm/rubies/ruby-*/bin",
        "~/.rubies/ruby-*/bin",
        "~/.asdf/installs/ruby/*/bin",
        "~/.local/share/mise/installs/ruby/*/bin",
    ),
    get="rbenv install {0}",
)
