"""Java: the release that Maven or Gradle compile for; a newer compiler does that as well."""

from __future__ import annotations

from tarmac.base.toolchains.ranges import Version, version
from tarmac.base.toolchains.toolchain import Source, Toolchain, at_least


def _release(text: str) -> str:
    return at_least(text.removeprefix("1."))


def _version(text: str) -> Version:
    number = version(text)  # Java 8 and older call themselves 1.8
    return (*number[1:], 0) if number[:1] == (1,) and number[1] else number


_NUMBER = r"(?:1\.)?\d+"

TOOLCHAIN = Toolchain(
    id="java",
    title="Java",
    program="java",
    ask=("-version",),
    used_by="java|javac|mvn|mvnw|gradle|gradlew",
    sources=(
        Source(
            "pom.xml",
            rf"<(?:java\.version|maven\.compiler\.(?:release|source|target)|release)>"
            rf"\s*({_NUMBER})\s*</",
            as_range=_release,
        ),
        *(
            Source(
                file,
                rf"languageVersion[^\n]{{0,40}}\(\s*({_NUMBER})|jvmToolchain\(\s*({_NUMBER})|"
                rf"(?:source|target)Compatibility\s*=\s*(?:JavaVersion\.VERSION_)?['\"]?({_NUMBER})",
                as_range=_release,
            )
            for file in ("build.gradle", "build.gradle.kts")
        ),
        Source(".java-version", rf"^({_NUMBER})", is_strict=False, as_range=_release),
        Source(".tool-versions", r"^java\s+\D*(\d+)[\w.+-]*$", is_strict=False, as_range=_release),
        Source(".sdkmanrc", r"^java=(\d+)", is_strict=False, as_range=_release),
    ),
    folders=(
        "/usr/lib/jvm/*/bin",
        "~/.sdkman/candidates/java/*/bin",
        "~/.asdf/installs/java/*/bin",
        "~/.local/share/mise/installs/java/*/bin",
        "~/.jdks/*/bin",
        "/Library/Java/JavaVirtualMachines/*/Contents/Home/bin",
    ),
    get="install a JDK {0}, e.g. apt install openjdk-{0}-jdk or sdk install java",
    home_variable="JAVA_HOME",
    reads=_version,
    numbers=1,
)
