"""Reads off a program's source where it listens: a number in its code, whatever it is told.

`listening` asks. The number may stand in the call that listens, or in a constant of the same file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder
from tarmac.adopt.variables.code import SCRIPT, texts
from tarmac.adopt.variables.variable_read import line_of

#: Ports of mail servers elsewhere; those of store kinds are in their fingerprints.
OTHER_SERVERS = frozenset({25, 587})
_LISTENS = re.compile(
    r"\.listen\(\s*(\d{2,5})\b|\.listen\(\s*\{[^}]{0,300}?\bport:\s*(\d{2,5})\b|"
    r"ListenAndServe\w*\(\s*\"[\w.]*:(\d{2,5})\"|net\.Listen\(\s*\"tcp\",\s*\"[\w.]*:(\d{2,5})\"|"
    r"(?:app|uvicorn|application)\.run\((?:[^()]|\([^()]{0,99}\)){0,300}?\bport\s*=\s*(\d{2,5})\b|"
    r"(?:TCPServer|HTTPServer|make_server|start_server)\([^\d\n]{0,99}"
    r"(?:\d+(?:\.\d+){3}['\"],\s*)?(\d{4,5})\b|"
    r"^[ \t]*server\.port\s*[=:]\s*(\d{2,5})\s*$|"
    r"InetSocketAddress\(\s*(?:\"[^\"]{0,99}\",\s*)?(\d{2,5})\)|"
    r"\bport:\s*(\d{4,5})\s*,?\s*$|add_insecure_port\(\s*f?['\"][^'\"]{0,99}:(\d{2,5})['\"]|"
    r"(?:\.|::)bind\(\s*[(&]{0,2}\"[\d.]+:(\d{2,5})\"|"
    r"SocketAddr(?:V4)?::from\(\(\s*(?:\[[\d,\s]{7,30}\]|Ipv4Addr::\w+),\s*(\d{2,5})\b|"
    r"\bembeddedServer\(\s*\w+\s*,\s*(?:port\s*=\s*)?(\d{2,5})\b",
    re.MULTILINE,
)
#: What stands beside the port of a server that a program connects to: `username: 'shop'`.
_OF_A_LOGIN = re.compile(r"\b(?:database|db(?:Name)?|user(?:name)?|password)['\"]?:\s")
#: Go's frameworks, and the server of its library: `r.Run(":8080")`, `Addr: ":8080"`.
_GO = re.compile(
    r"\.(?:Run|Start|Listen)\(\s*\"(?:0\.0\.0\.0)?:(\d{2,5})\"\s*[,)]|"
    r"\bAddr:\s*\"(?:0\.0\.0\.0)?:(\d{2,5})\"|"
    # A function of its own: `ListenGRPC(service, 8080)`.
    r"\b(?:Listen|Serve)\w*\(\s*(?:[\w.&]+,\s*){1,3}(\d{4,5})\s*\)"
)
#: The same where a name stands for the number, which is the group.
_GO_NAMED = re.compile(
    r"\bAddr:\s*(?:fmt\.Sprintf\(\s*\"[\d.]*:%[sdv]\",\s*|\"[\d.]*:\"\s*\+\s*)?(\w+)\b(?![.(])|"
    r"(?:ListenAndServe\w*|\.Run|\.Start|\.Listen)\(\s*"
    r"(?:fmt\.Sprintf\(\s*\"[\d.]*:%[sdv]\",\s*|\"[\d.]*:\"\s*\+\s*)?(\w+)\b(?![.(])|"
    r"net\.Listen\(\s*\"tcp\",\s*(?:fmt\.Sprintf\(\s*\"[\d.]*:%[sdv]\",\s*|\"[\d.]*:\"\s*\+\s*)?"
    r"(\w+)\b(?![.(])"
)
_SCRIPT_NAMED = re.compile(r"\.listen\(\s*(?:\{\s*port:\s*)?([A-Za-z_$][\w$]*)\b(?![.(])")
_PYTHON_NAMED = re.compile(
    r"(?:app|uvicorn|application)\.run\([^)]{0,300}?\bport\s*=\s*([A-Za-z_]\w*)\b(?![.(])"
)
_NAMED = {(".go",): _GO_NAMED, SCRIPT: _SCRIPT_NAMED, (".py",): _PYTHON_NAMED}
#: A program's default port, for when PORT is not set.
_OWN_NUMBER = re.compile(r"(?i)\b(?:default_?)?port\s*:?=\s*[\"']?:?(\d{4,5})\b")
#: A program of Nest that a broker alone hands its work, and what of Nest listens at a port.
_BY_BROKER = re.compile(
    r"createMicroservice\b[^;]{0,600}?\bTransport\.(?:NATS|RMQ|KAFKA|REDIS|MQTT)\b"
)
_AT_A_PORT = re.compile(
    r"NestFactory\.create\s*[<(]|connectMicroservice|createServer\(|Transport\.(?:TCP|GRPC)\b"
)


#: A worker of BullMQ, and what of Node listens at a port.
_BY_QUEUE = re.compile(r"\bnew Worker\s*(?:<[^()]{0,99}>)?\(")
_OF_QUEUES = re.compile(r"['\"]bullmq['\"]")
_NODE_LISTENS = re.compile(
    r"\.listen\(|createServer\(|\bserve\(|\bexpress\(\)|\b[fF]astify\(|"
    r"\bnew (?:Hono|Koa|Elysia|Server|WebSocketServer|ApolloServer)\s*[<(]|NestFactory"
)


#: A program of Nest that a broker hands its work beside what it would serve, which it never does.
_HYBRID = re.compile(r"NestFactory\.create[<(][\s\S]*\.startAllMicroservices\(\)")
_HYBRID_LISTENS = re.compile(r"\.listen\(|Transport\.(?:TCP|GRPC)\b")


def listens_nowhere(folder: Folder) -> bool:
    """Tell whether a program's code says that a broker or a queue hands it all its work."""
    found = [*texts(folder)]
    own = [text for _, text in found]
    if any(map(_BY_BROKER.search, own)) and not any(map(_AT_A_PORT.search, own)):
        return True
    node = [text for file, text in found if file.endswith(SCRIPT)]
    if any(map(_HYBRID.search, node)) and not any(map(_HYBRID_LISTENS.search, node)):
        return True
    works = any(_OF_QUEUES.search(text) and _BY_QUEUE.search(text) for text in node)
    return works and not any(map(_NODE_LISTENS.search, node))


#: What a program of Go has that listens, or may have another one of its company listen.
_GO_LISTENS = re.compile(
    r"(?i)listen|serve|grpc|gin-gonic|/echo|fiber|go-chi|httprouter|beego|kratos|connect"
    r"rpc|go-zero|\"net/rpc|hertz|iris|\bAddr\b|\":\d{2,5}\""
)


#: What a program of Go has that works off what others leave it, or does something again and again.
_GO_WORKS = re.compile(r"(?i)consum|subscrib|brpop|blpop|cron|newticker|select \{\}|\bfor \{")


def has_no_server(folder: Folder) -> bool:
    """Tell whether nothing in a program of Go listens: it reads a port with the settings of all."""
    own = [text for file, text in texts(folder) if file.endswith(".go")]
    return any(map(_GO_WORKS.search, own)) and not any(map(_GO_LISTENS.search, own))


#: What a program of Go calls to listen, by its library or another one, and what is a remark.
_GO_OPENS = re.compile(
    r"(?i)listen|\.serve\w*\(|\bhttp\.server\b|\bnewserver\(|\.(?:run|start)\(|\bserver\w*\."
)
_GO_REMARK = re.compile(r"(?m)//.*$|/\*[\s\S]*?\*/")
#: A client of a broker that takes messages.
_GO_TAKES = re.compile(
    r"\bkafka\.(?:NewReader|NewConsumer\w*|Reader)\b|\bConsumerGroup|\.Consume\("
)


def takes_messages_alone(folder: Folder) -> bool:
    """Tell whether a module of Go only takes messages of a broker: nothing of it listens."""
    if "go.mod" not in folder.files or "=>" in folder.read("go.mod"):
        return False  # what it has of its own elsewhere may listen
    files = [file for file in folder.sources(".go") if not file.endswith(".pb.go")]
    own = [_GO_REMARK.sub("", folder.read(file)) for file in files]
    return any(map(_GO_TAKES.search, own)) and not any(map(_GO_OPENS.search, own))


def port_of_main(folder: Folder, package: str) -> int:
    """Find the number that a main package of Go itself listens on; 0 where it is told one."""
    own = [file for file in folder.sources(".go") if posixpath.dirname(file) == package]
    said = {file: folder.read(file) for file in own}
    if any(re.search(r"\.\w*P(?:ort|ORT)\b|\"\w*PORT\"", text) for text in said.values()):
        return 0
    found = (number for file, text in said.items() for number, _ in _in_calls(file, text))
    return next(found, 0)


def starts_flask(text: str, folder: Folder) -> bool:
    """Tell whether a file starts Flask's own server at its usual port: `app.run(debug=True)`."""
    runs = re.search(
        r"^[ \t]+(?:app|application|flask_app)\.run\((?![^()]*\bport\b)[^()]*\)", text, re.MULTILINE
    )
    lists = servers.libraries(folder)
    return bool(runs and re.search(r"(?im)^[ \t\"']*flask\b", lists))


def own_number(folder: Folder) -> int:
    """Find a program's default port, for when PORT is not set; 0 if none is found."""
    others = servers.ports() | OTHER_SERVERS  # it connects to those
    found = (int(m[1]) for _, text in texts(folder) for m in _OWN_NUMBER.finditer(text))
    return next((number for number in found if number not in others), 0)


def literal_port(folder: Folder, run: str = "") -> tuple[int, str] | None:
    """Find the number that a program listens on, and its place; None if it has none in its code.

    Args:
        run: what starts it; what other modules of Python do where they are started counts for them.
    """
    others, started = _of_others(folder), _modules_of(run)
    own = [(file, text) for file, text in texts(folder) if not file.startswith(others)]
    own = [(file, _as_imported(file, text, started)) for file, text in own]
    for reader in (_in_calls, _in_constants):
        for file, content in own:
            for number, at in reader(file, content):
                # A program that names the port of a database or a broker connects to it.
                if number not in OTHER_SERVERS and number not in servers.ports():
                    return number, f"{file}:{line_of(content, at)}"
    return None


#: A file or a module of Python that a command starts.
_STARTED = re.compile(r"(?<!\S)(?:-m\s+([\w.]+)|(\S+)\.py)(?=\s|$)")
#: What a module of Python does where it is started itself.
_WHERE_STARTED = re.compile(r"(?m)^if\s+__name__\s*==\s*['\"]__main__['\"]\s*:")


def _modules_of(run: str) -> frozenset[str]:
    """List the modules of Python that a command starts, as paths without their ends."""
    found = _STARTED.findall(run)
    return frozenset(m.replace(".", "/") if m else posixpath.normpath(f) for m, f in found)


def _as_imported(file: str, text: str, started: frozenset[str]) -> str:
    """Leave out of a module what it does where it is started, where another one is."""
    stem = file.removesuffix(".py").removesuffix("/__main__")
    is_started = not file.endswith(".py") or not started or stem in started
    guard = None if is_started else _WHERE_STARTED.search(text)
    return text[: guard.start()] if guard else text


def _in_calls(file: str, content: str) -> Iterator[tuple[int, int]]:
    """Yield the numbers in calls that listen, each with its place."""
    patterns = (_LISTENS, _GO) if file.endswith(".go") else (_LISTENS,)
    for match in _web_first(match for one in patterns for match in one.finditer(content)):
        if not _is_of_a_login(content, match):
            yield int(next(group for group in match.groups() if group)), match.start()


def _is_of_a_login(content: str, match: re.Match[str]) -> bool:
    """Tell whether a port is of a server that the program connects to, by what is beside it."""
    if not match[0].startswith("port"):
        return False
    begin = max(content.rfind(sign, 0, match.start()) for sign in "{}")
    end = min((at for sign in "{}" if (at := content.find(sign, match.end())) >= 0), default=None)
    return bool(_OF_A_LOGIN.search(content[begin + 1 : end]))


def _web_first(found: Iterable[re.Match[str]]) -> list[re.Match[str]]:
    """Put what listens for other programs last: `net.Listen` beside a web server."""
    return sorted(found, key=lambda match: match[0].startswith("net.Listen"))


def _in_constants(file: str, content: str) -> Iterator[tuple[int, int]]:
    """Yield the numbers of constants that a call names: `const port = 3000`, `listen(port)`."""
    pattern = next((one for ends, one in _NAMED.items() if file.endswith(ends)), None)
    for match in _web_first(pattern.finditer(content)) if pattern else ():
        name = re.escape(next(group for group in match.groups() if group))
        value = re.search(
            rf"(?m)^[ \t]*(?:export\s+)?(?:const|let|var|final)?[ \t]*{name}"
            rf"[ \t]*(?::?[ \t]*\w+[ \t]*)?:?=[ \t]*[\"']?:?(\d{{2,5}})[\"']?[ \t]*;?[ \t]*$",
            content,
        )
        if value:
            yield int(value[1]), value.start()


def _of_others(folder: Folder) -> tuple[str, ...]:
    """List the folders below that are projects of their own: the pages of a server, say."""
    names = ("package.json", "pyproject.toml", "go.mod", "pom.xml", "Cargo.toml")
    places = {posixpath.dirname(file) for file in folder.files if file.endswith(names)} - {""}
    own = any(name in folder.files for name in names)
    # One of several images is of another program, which others build.
    images = {posixpath.dirname(file) for file in folder.files if file.endswith("/Dockerfile")}
    if "Dockerfile" in folder.files:
        places |= {place for place in images if any(folder.below(place).sources(".py", *SCRIPT))}
        own = True
    return tuple(f"{place}/" for place in sorted(places)) if own else ()
