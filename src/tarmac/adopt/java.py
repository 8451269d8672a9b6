"""Java and Kotlin: Spring Boot and Quarkus by Maven or Gradle, and one file that runs alone."""

from __future__ import annotations

import re

from tarmac.adopt._found import Folder, Recogniser, Service, folder_name

_MAIN = re.compile(r"static void main\(\s*String")


def _build(folder: Folder) -> tuple[str, str, str]:
    """Find the build file, its program and what it says."""
    if "pom.xml" in folder.files:
        return "pom.xml", "./mvnw" if "mvnw" in folder.files else "mvn", folder.read("pom.xml")
    name = folder.has("build.gradle.kts", "build.gradle")
    return (
        name,
        "./gradlew" if "gradlew" in folder.files else "gradle",
        folder.read(name) if name else "",
    )


def _services(folder: Folder) -> tuple[Service, ...]:
    file, program, text = _build(folder)
    maven = file == "pom.xml"
    known: tuple[str, str] | None = None
    # A check of style reads the whole folder, and has no part in a start.
    program += " -Dcheckstyle.skip" if maven and "checkstyle" in text else ""
    if "spring-boot" in text:
        known = ("-q spring-boot:run" if maven else "-q bootRun", "SERVER_PORT")
    elif "quarkus" in text:
        known = ("-q quarkus:dev" if maven else "-q quarkusDev", "QUARKUS_HTTP_PORT")
    elif "micronaut" in text:
        known = ("-q mn:run" if maven else "-q run", "MICRONAUT_SERVER_PORT")
    if known is not None:
        return (
            Service(
                name=folder_name(folder),
                folder=folder.path,
                run=f"{program} {known[0]}",
                why=file,
                ports={"http": 8080},
                port_variable=known[1],
                guesses=("port 8080, the framework's usual one",),
            ),
        )
    if not maven and re.search(
        r"(?m)^[ \t]*(id\s*\(?['\"]application['\"]|apply plugin: ['\"]application)", text
    ):
        line = f"{program} -q run"
        return (Service(folder_name(folder), folder.path, run=line, why=file),)
    if file:
        return ()
    alone = [f for f in folder.sources(".java") if "/" not in f and _MAIN.search(folder.read(f))]
    if len(alone) != 1:
        return ()
    return (
        Service(name=folder_name(folder), folder=folder.path, run=f"java {alone[0]}", why=alone[0]),
    )


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    """Say `java -jar app.jar` of a container as what makes and runs it."""
    found = _services(folder)
    return found[0].run if found and argv[:1] == ("java",) else ""


RECOGNISER = Recogniser(id="java", rank=50, services=_services, here=_here)
