"""The line of a compiler or a package manager that says why a build failed, out of its output.

Called by `causes`. A build ends with words that say nothing (`exit code 1`, `BUILD FAILURE`), and
what it failed for stands above, once for each mistake: the first is the one to correct. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: A reason is cut here; pip lists all versions that there are.
MOST_CHARACTERS = 240
#: What has nothing to do with the code that is built: the causes of all programs name it.
_OF_THE_MACHINE = re.compile(r"(?i)no space left on device|ENOSPC|EDQUOT|quota exceeded")
_NPM = r"^npm err(?:or|!) "
_COMPILES = "it does not compile: "
_JAVA = "it is for Java {0}, and an older one compiles here; install that one"
_RUNS = "it is for {0} {1}, and {2} runs here; install that one"

#: (pattern of its lines, what it means and what to do), by tool; the first that matches wins.
_PATTERNS: tuple[tuple[str, str], ...] = (
    # Versions of the tools themselves: what a compiler says after that is not to be believed.
    (r"error: (?:invalid (?:target|source) release: |release version )(\d+)", _JAVA),
    (r"^[ \t]+(\S+) requires rustc ([\d.]+)$", "it is for Rust {1} ({0}); install that one"),
    (r"engine \"(\w+)\" is incompatible .*Expected version \"([^\"]+)\"\. Got \"([^\"]+)\"", _RUNS),
    (_NPM + r"notsup Required:\s+(\{.+\})", "it is for other tools, {0}; install that one"),
    (
        (
            r"requires a different Python: (\S+) not in '([^']+)'|"
            r"Python version \((\S+)\) is not allowed by the project \((\S+)\)"
        ),
        "it is for Python {1}, and {0} runs here; install that one",
    ),
    (
        r"Failed to download `\S+/cpython-(\d+\.\d+)",
        "it is for Python {0}, which uv cannot download; install that one",
    ),
    (
        r"version of pip does not support python (\S+) \(requires >=(\S+)\)",
        "it is for Python {0}, for which this pip installs nothing; it wants {1} or newer",
    ),
    (
        (
            r"(?:No matching toolchains found|Cannot find a Java installation)[^{]*"
            r"\{languageVersion=(\d+)"
        ),
        "it is for Java {0}; install that one",
    ),
    (
        r"Unsupported class file major version (\d+)",
        "its Gradle is older than this Java (class files of version {0}); run it by an older Java",
    ),
    (
        r"IllegalAccessError: class lombok\.javac",
        "its Lombok is older than this Java; run it by an older Java, or take a newer Lombok",
    ),
    (
        r"Source option (\d+) is no longer supported",
        "it is for Java {0}, which this compiler no longer knows; set maven.compiler.release",
    ),
    # Rust.
    (
        r"^error(?:\[E\d+\])?: (?!could not compile)(.+)\n(?:[^\n]*\n){0,2}?\s*--> (\S+)$",
        f"{_COMPILES}{{1}}: {{0}}",
    ),
    (r"^error: no matching package named `(\S+)` found", "crate {0} is not found; see Cargo.toml"),
    (
        r"^error: failed to select a version for (?:the requirement )?`([^`]+)`",
        "no version of crate {0} fits; see Cargo.toml, or run cargo update",
    ),
    (r"system library `(\S+)` required by crate", "the library {0} is not installed; install it"),
    # uWSGI: a folder of its container, in its file of settings.
    (
        r"chdir\(\) to (/\S+)\nchdir\(\): No such file or directory",
        "it works in the folder {0}, which is not here; correct `chdir` in its settings",
    ),
    # C, for packages of every language.
    (
        r"^[ \t]*\S+:\d+:\d+: fatal error: (\S+): No such file or directory",
        "a package needs the header {0}; install the library's -dev package",
    ),
    (
        r"gyp ERR! cwd \S*node_modules/(\S+)\n(?:.*\n){0,3}?.*gyp ERR! node -v v?([\d.]+)",
        "package {0} cannot be built for Node {1}; install a newer {0}, or the Node that it is for",
    ),
    # Go: an error in the code, a missing module; a panic's places have no column.
    (
        r"^\S+\.go:\d+:\d+: (\S+@v\S+): reading \S+: (\d{3} \w[\w ]*)$",
        "module {0} cannot be downloaded: {1}",
    ),
    (r"^(\S+\.go:\d+:\d+): (.+?); to add it:\n\s*(.+)", f"{_COMPILES}{{0}}: {{1}}; {{2}}"),
    (r"^(\S+\.go:\d+:\d+): ((?!\[).+)", f"{_COMPILES}{{0}}: {{1}}"),
    (r"^go: (\S+@\S+): (.+)", "module {0} cannot be downloaded: {1}"),
    # TypeScript and bundlers.
    (
        r"^(\S+\.[cm]?tsx?)[(:](\d+)[,:](\d+)\)?:? (?:- )?error (TS\d+: .+)",
        f"{_COMPILES}{{0}}:{{1}}:{{2}}: {{3}}",
    ),
    (
        r"\[ERROR\] Could not resolve \"([^\"]+)\"\n\s*\n?\s*(\S+?:\d+:\d+)",
        "{1} imports {0}, which is not installed",
    ),
    (
        r"failed to resolve import \"([^\"]+)\" from \"([^\"]+)\"",
        "{1} imports {0}, which is not installed",
    ),
    # Java: Maven and Gradle.
    (r"^\[ERROR\] (/\S+\.\w+):\[(\d+),(\d+)\] (.+)", f"{_COMPILES}{{0}}:{{1}}:{{2}}: {{3}}"),
    (r"^(\S+\.(?:java|groovy|scala)):(\d+): error: (.+)", f"{_COMPILES}{{0}}:{{1}}: {{2}}"),
    (r"^e: (?:file://)?(\S+\.kts?:\d+:\d+):? (.+)", f"{_COMPILES}{{0}}: {{1}}"),
    (
        r"^\[(?:ERROR|FATAL)\].*Could not (?:find|transfer) artifact (\S+) (?:in|from/to) (\S+)",
        "Maven finds no {0} in {1}; see pom.xml, or whether that repository answers",
    ),
    (
        (
            r"^\[ERROR\] Failed to execute goal \S+(?: \(\S+\))? on project ([^\s:]+): (.+?)"
            r"(?: -> \[Help \d+\])?$"
        ),
        "Maven says of {0}: {1}",
    ),
    (
        r"^[ \t]*> Could not (?:find|resolve) (\S+:\S+:\S+?)\.?$",
        "Gradle finds no {0}; correct its version",
    ),
    (
        r"UnknownHostException: (\S+)\n(?:\s+at .*\n)*\s+at org\.gradle\.wrapper",
        "gradlew cannot download its Gradle from {0}; install Gradle, and run it by that",
    ),
    (
        r"main class org\.apache\.maven\.wrapper\.MavenWrapperMain",
        "mvnw has no .mvn/wrapper here; run mvn in its place",
    ),
    (
        r"main class org\.gradle\.wrapper\.GradleWrapperMain",
        "gradlew has no gradle/wrapper/gradle-wrapper.jar here; run gradle in its place",
    ),
    (r"^\* What went wrong:\n(.+)\n> (.+)", "Gradle says: {0} {1}"),
    # npm, pnpm, Yarn.
    (
        _NPM + r"notarget No matching version found for (\S+?)\.?$",
        "no version {0} exists; correct package.json",
    ),
    (
        _NPM + r"404 +(?:The requested resource )?'(\S+?)'",
        "package {0} does not exist; log in if it is private, or correct package.json",
    ),
    (
        _NPM + r"Found: (\S+)[\s\S]*?Could not resolve dependency:\nnpm err\S+ (.+)",
        "packages contradict: {0} is wanted, but {1}; correct one, or set legacy-peer-deps=true",
    ),
    (
        _NPM + r"(?:Missing|Invalid): (.+)",
        "package-lock.json is behind package.json ({0}); run npm install",
    ),
    (
        _NPM + r"code (?:E?[A-Z_]+)\n(?:.*\n)*?npm err\S+ .*request to (\S+) failed",
        "npm does not reach {0}; check the network",
    ),
    (r"ERR_PNPM_(?!UNSUPPORTED_ENGINE|RECURSIVE)\w+\s+(.+)", "pnpm says: {0}"),
    (
        r"^error (?:Error: )?https?://[^/]+/(\S+?)/-/\S+: Request failed \"404",
        "the package registry has no {0} of the version in yarn.lock; take another one",
    ),
    (r"^error (Couldn't find .+|Your lockfile needs .+)", "Yarn says: {0}"),
    (r"^➤ YN(?!0000|0007|0013|0002|0060|0086)\d{4}: (?:[│·] )?(.+)", "Yarn says: {0}"),
    # pip, uv, Poetry, Pipenv.
    (
        r"^ERROR: Cannot install (.+?) because these package versions have conflicting",
        "packages contradict: {0}; loosen one of the versions",
    ),
    (r"pg_config executable not found", "psycopg2 is built with pg_config; install libpq-dev"),
    (
        r"Can not find valid pkg-config name",
        "mysqlclient is built with MySQL's library; install default-libmysqlclient-dev, pkg-config",
    ),
    (
        r"No package '([^']+)' found|^[ \t]*Package (\S+?),? was not found in the pkg-config",
        "a package needs the library {0}; install its -dev package",
    ),
    (
        (
            r"Getting requirements to build wheel did not run(?:(?!\[end of output\])[\s\S])*"
            r"\n[ \t]+(\w*(?:Error|Exception): [^\n]+)\n(?:[^\n]*\n){0,3}?[ \t]*\[end of output\]"
        ),
        "a package cannot be built for this Python: {0}",
    ),
    (
        (
            r"^[ \t]*(?:error:|\W) No solution found when resolving[^\n]*\n\s*(?:cause:|╰─▶) "
            r"([^,]+(?:,(?! we can conclude)[^,]+)*)"
        ),
        "uv finds no versions that fit: {0}",
    ),
    (
        r"Unable to find installation candidates for (\S+) \((\S+?)\)",
        "Poetry finds no package {0} {1} for this machine; see poetry.lock",
    ),
    (r"^(Because [\s\S]+?), version solving failed", "Poetry finds no versions that fit: {0}"),
    (
        r"pyproject\.toml changed significantly since poetry\.lock",
        "poetry.lock is behind pyproject.toml; run poetry lock",
    ),
    (
        (
            r"File \"\S+/site-packages/(\w+)/[^\n]*\n(?:(?!ImportError)[^\n]*\n){1,3}"
            r"ImportError: cannot import name \S+ from '(?!\1\b)(\w+)[\w.]*' \(\S*/site-packages/"
        ),
        (
            "package {0} does not fit the {1} that is installed; name versions that go together, "
            "such as `uv pip compile --exclude-newer` finds for the list's own day"
        ),
    ),
    (r"ERROR: Failed building wheel for (\S+)", "package {0} cannot be built for this Python"),
)


def build_failure(lines: Sequence[str]) -> str:
    """Return why a build failed, in one sentence; empty where its lines are of no known tool's."""
    text = "\n".join(lines)
    if _OF_THE_MACHINE.search(text):
        return ""
    for pattern, meaning in _PATTERNS:
        if match := re.search(pattern, text, re.MULTILINE):
            said = meaning.format(*(group for group in match.groups() if group is not None))
            return " ".join(said.split())[:MOST_CHARACTERS]
    return ""
