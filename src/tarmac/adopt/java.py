"""Java and Kotlin: Spring Boot and Quarkus by Maven or Gradle, and one file that runs alone."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tarmac.adopt.survey.found import Folder, Recogniser, Service, folder_name, installed
from tarmac.adopt.variables import spring_settings

_MAIN = re.compile(r"static void main\(\s*String")
#: A program, as Java and Kotlin have it; Quarkus makes one of routes.
_PROGRAM = re.compile(
    r"@SpringBootApplication|@QuarkusMain|static void main\(|\bfun main\(|@Path\("
)
_PARENT = re.compile(r"<parent>[\s\S]{0,999}?</parent>|<!--[\s\S]{0,9999}?-->")
_ARTIFACT = re.compile(r"<artifactId>([\w.-]+)</artifactId>")
#: Plugins that check style, and what leaves them out.
_CHECKS = {
    "checkstyle": "-Dcheckstyle.skip",
    "spotless": "-Dspotless.check.skip",
    "maven-pmd": "-Dpmd.skip",
    "spotbugs": "-Dspotbugs.skip",
}
#: The version of Spring that a build is made of, and the first one whose Lombok knows Java 17.
_OF_SPRING = re.compile(
    r"<artifactId>spring-boot-starter-parent</artifactId>\s*<version>(\d+)\.(\d+)"
)
_KNOWS_JAVA_17 = (2, 6)
_NEWER_LOMBOK = " -Dlombok.version=1.18.30"
#: The script that starts a program which Gradle has put together.
_OF_GRADLE = re.compile(r"(?:\./)?build/install/[\w.-]+/bin/[\w.-]+")
#: Gradle's plugin for programs, and Ktor's, which brings it.
_PLUGIN = re.compile(
    r"(?m)^[ \t]*(?:id\s*\(?['\"](?:application|io\.ktor\.plugin)['\"]|application[ \t]*$|"
    r"apply plugin: ['\"]application|"
    r"alias\(\s*\w+\.plugins\.(?:ktor|application)\s*\)(?!\s*apply false))"
)
#: A task of a build's own that starts the program.
_RUN_TASK = re.compile(
    r"(?m)^[ \t]*(?:tasks?(?:\.register)?<JavaExec>\(\s*\"run\"|"
    r"tasks?(?:\.register)?[ (]+['\"]?run['\"]?\s*[(,]\s*(?:type:\s*)?JavaExec\b)"
)


def _build(folder: Folder) -> tuple[str, str, str]:
    """Find the build file, its program and what it says."""
    if "pom.xml" in folder.files:
        return "pom.xml", "./mvnw" if _has_mvnw(folder) else "mvn", folder.read("pom.xml")
    name = folder.has("build.gradle.kts", "build.gradle")
    return (
        name,
        "./gradlew" if "gradlew" in folder.files else folder.upwards("gradlew") or "gradle",
        folder.read(name) if name else "",
    )


def _has_mvnw(folder: Folder, place: str = ".") -> bool:
    """Tell whether a folder has Maven's wrapper with what that reads: some leave it out of git."""
    read = ("maven-wrapper.properties", "maven-wrapper.jar")
    known = any(folder.exists(posixpath.normpath(f"{place}/.mvn/wrapper/{name}")) for name in read)
    return known and folder.exists(posixpath.normpath(f"{place}/mvnw"))


class _Framework(NamedTuple):
    """A framework that a build file names, and how its programs are started."""

    named: str
    maven: str
    gradle: str
    port_variable: str


_FRAMEWORKS = (
    _Framework("spring-boot", "-q spring-boot:run", "-q bootRun", "SERVER_PORT"),
    _Framework("quarkus", "-q quarkus:dev", "-q quarkusDev", "QUARKUS_HTTP_PORT"),
    _Framework("micronaut", "-q mn:run", "-q run", "MICRONAUT_SERVER_PORT"),
)


def _services(folder: Folder) -> tuple[Service, ...]:
    file, program, text = _build(folder)
    found = _of_framework(folder, file, program, text) or _of_plugin(folder, file, program, text)
    return found or (() if file else _alone(folder))


def _of_framework(folder: Folder, file: str, program: str, text: str) -> tuple[Service, ...]:
    framework = next((known for known in _FRAMEWORKS if known.named in text), None)
    is_below = bool(file or folder.path)
    if (
        framework is None and is_below and _is_spring(folder)
    ):  # the build file above it names the framework
        framework = _FRAMEWORKS[0]
    if framework is None or "<packaging>pom</packaging>" in text or not _starts(folder):
        return ()
    maven = file == "pom.xml"
    if maven and _ends_at_once(folder, text):
        return ()
    own = spring_settings.own_port(folder) if framework.named == "spring-boot" else 0
    program += _without_checks(folder, text) if maven else ""
    return (
        Service(
            name=folder_name(folder),
            folder=folder.path,
            run=f"{program} {framework.maven if maven else framework.gradle}",
            why=file,
            ports={"http": own or 8080},
            port_variable=framework.port_variable,
            tasks=_tasks(folder),
            guesses=() if own else ("port 8080, the framework's usual one",),
        ),
    )


def _tasks(folder: Folder) -> Mapping[str, str]:
    """Make the modules beside it that others of the project depend on, once for all of them."""
    listed = _PARENT.sub("", folder.read("../pom.xml"))
    modules = re.findall(r"<module>([\w-]+)</module>", listed)
    poms = {module: folder.read(f"../{module}/pom.xml") for module in modules}
    own = {module: _PARENT.sub("", pom).partition("<dependencies>") for module, pom in poms.items()}
    names = {m: match[1] for m, (head, *_) in own.items() if (match := _ARTIFACT.search(head))}
    wanted = {name for *_, rest in own.values() for name in _ARTIFACT.findall(rest)}
    libraries = [module for module, name in names.items() if name in wanted]
    mine = dict.fromkeys(_dependencies(folder.read("pom.xml")))
    if not {*mine} & {names[module] for module in libraries}:
        return _of_projects_beside(folder, mine)
    program = _maven(folder, "..")
    last = f"../{libraries[0]}/target/.installed"
    program += _without_checks(folder, "")
    make = f"{program} -q -DskipTests -pl {','.join(libraries)} -am install"
    return {"install": installed(last, f"((cd .. && {make}) && touch {last})")}


def _maven(folder: Folder, place: str) -> str:
    """Say what calls Maven in a folder beside or above: its own wrapper, where there is one."""
    shell = "" if folder.starts(f"{place}/mvnw") else "sh "
    return f"{shell}./mvnw" if _has_mvnw(folder, place) else "mvn"


def _dependencies(pom: str) -> list[str]:
    """List what a build file depends on, without what it is made of."""
    return _ARTIFACT.findall(_PARENT.sub("", pom).partition("<dependencies>")[2])


def _of_projects_beside(folder: Folder, mine: Iterable[str]) -> Mapping[str, str]:
    """Install the projects beside it that it depends on, where no build file lists them all."""
    tasks: dict[str, str] = {}
    for name in mine:
        pom = folder.read(f"../{name}/pom.xml") if folder.exists(f"../{name}/pom.xml") else ""
        head = _PARENT.sub("", pom).partition("<dependencies>")[0]
        if name not in _ARTIFACT.findall(head):
            continue
        program = _maven(folder, f"../{name}")
        # What is made to be started by itself has its classes in another place of its file.
        make = f"{program} -q -DskipTests -Dspring-boot.repackage.skip=true install"
        mark = f"../{name}/target/.installed"
        task = "install" if not tasks else f"install-{name}"
        tasks[task] = installed(mark, f"((cd ../{name} && {make}) && touch {mark})")
    return tasks


#: Packages of a program of Spring that nothing listens with, and nothing waits.
_QUIET = re.compile(
    r"spring-boot-starter(?:-(?:test|json|logging|log4j2|validation|aop))?|lombok|mapstruct|"
    r"spring-boot-(?:devtools|configuration-processor|maven-plugin)|jackson-[\w-]+|"
    r"maven-[\w-]+|junit[\w-]*|mockito[\w-]*|assertj[\w-]*|commons-lang3|guava|jakarta\.[\w.-]+"
)
_GOES_ON = re.compile(
    r"\b(?:CommandLine|Application)Runner\b|@Scheduled\b|@EnableScheduling\b|ServerSocket|HttpServer|"
    r"\bwhile\s*\(true\)|\bThread\b|Executor\b|\.await\(|\bjoin\("
)


def _ends_at_once(folder: Folder, text: str) -> bool:
    """Tell whether a module only has the main class that a new project of Spring brings along.

    It has nothing that listens, so that it ends as it starts: others depend on its classes.
    """
    named = _dependencies(text)
    if "spring-boot-starter" not in named or not all(map(_QUIET.fullmatch, named)):
        return False
    sources = (file for file in folder.sources(".java", ".kt") if "src/main/" in file)
    return not any(_GOES_ON.search(folder.read(file)) for file in sources)


def _without_checks(folder: Folder, text: str) -> str:
    """Leave out the checks of style that a build has: they have no part in a start.

    An old Spring brings a Lombok that does not compile with the Java of later years.
    """
    newer = _NEWER_LOMBOK * _has_old_lombok(text or folder.read("pom.xml"))
    text += folder.read("../pom.xml")
    return "".join(f" {skip}" for plugin, skip in _CHECKS.items() if plugin in text) + newer


def _has_old_lombok(text: str) -> bool:
    """Tell whether a build has the Lombok of its Spring, from before Java 17."""
    spring = _OF_SPRING.search(text)
    lombok = re.search(r"<artifactId>lombok</artifactId>\s*(<version>)?", _PARENT.sub("", text))
    is_old = spring is not None and (int(spring[1]), int(spring[2])) < _KNOWS_JAVA_17
    return is_old and lombok is not None and not lombok[1] and "<lombok.version>" not in text


def _is_spring(folder: Folder) -> bool:
    sources = (file for file in folder.sources(".java", ".kt") if "src/main/" in file)
    return any("@SpringBootApplication" in folder.read(file) for file in sources)


def _starts(folder: Folder) -> bool:
    """Tell whether a module has a program: not a library, and not one that only lists others."""
    # A package may well be called `examples`: its name says nothing of what it is for.
    listed = [file for file in folder.files if file.endswith((".java", ".kt", ".groovy"))]
    sources = [file for file in listed if not re.search(r"(^|/)src/(?!main/)", file)]
    if not listed:
        return not any(map(folder.exists, ("settings.gradle", "settings.gradle.kts")))
    return any(_PROGRAM.search(folder.read(file)) for file in sources)


def _of_plugin(folder: Folder, file: str, program: str, text: str) -> tuple[Service, ...]:
    """Read Gradle's plugin for programs, or a build's own task that starts one."""
    if file == "pom.xml" or not (_PLUGIN.search(text) or _RUN_TASK.search(text)):
        return ()
    return (Service(folder_name(folder), folder.path, run=f"{program} -q run", why=file),)


def _alone(folder: Folder) -> tuple[Service, ...]:
    """Find one file that runs by itself."""
    files = [f for f in folder.sources(".java") if "/" not in f and _MAIN.search(folder.read(f))]
    if len(files) != 1:
        return ()
    return (Service(folder_name(folder), folder.path, run=f"java {files[0]}", why=files[0]),)


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    """Say `java -jar app.jar` of a container as what makes and runs it, and Gradle's own script."""
    if argv and _OF_GRADLE.fullmatch(argv[0]) and folder.has("build.gradle", "build.gradle.kts"):
        return f"{_build(folder)[1]} -q installDist && {' '.join(argv)}"
    if argv[:1] != ("java",):
        return ""
    if found := _services(folder):
        return found[0].run
    file, program, _ = _build(folder)
    jar = argv[argv.index("-jar") + 1] if "-jar" in argv[:-1] else ""
    if not file or not jar.startswith(("target/", "build/")):
        return ""
    made = f"{program} -q -DskipTests package" if file == "pom.xml" else f"{program} -q assemble"
    return f"{made} && {' '.join(argv)}"


RECOGNISER = Recogniser(id="java", rank=50, services=_services, tasks=_tasks, here=_here)
