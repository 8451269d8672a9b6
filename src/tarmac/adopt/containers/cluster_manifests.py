"""Kubernetes manifests: the variables of each deployment, for repositories without compose.

The survey asks. Charts are templates of another tool: what they render stands at `OF_CHART`.
"""

from __future__ import annotations

import base64
import contextlib
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from tarmac.adopt.containers.compose_parts import Texts
from tarmac.adopt.containers.kustomize import kustomizations
from tarmac.adopt.stores import first_sql, servers
from tarmac.adopt.survey.found import Folder, Service, Store, Survey, valid_name
from tarmac.adopt.variables import code
from tarmac.base.foreign.data import from_yaml, problem

MOST_FILES = 100
#: Deployments that are named in one line.
MOST_NAMED = 12
#: The file beside a chart's own at which what it renders is read; it is on no disk.
OF_CHART = "rendered-chart.yaml"
_FOLDERS = re.compile(r"(^|/)(k8s|kube|kubernetes|manifests?|deploy)[^/]*/", re.IGNORECASE)
_ASIDE = re.compile(r"(^|/)(extras?|examples?|samples?|tests?|e2e|hack|docs?|ci)/", re.IGNORECASE)
#: A word that may be a host, with the rest of its name in a cluster.
_HOST = re.compile(
    r"(?<![\w.-])([a-z][a-z0-9-]*)(?:\.[a-z0-9-]+\.svc(?:\.cluster\.local)?)?(?![\w.-])"
)
_IN_FULL = re.compile(
    r"(?<![\w.-])([a-z][a-z0-9-]*)\.[a-z0-9-]+(?:\.svc(?:\.cluster\.local)?)?(?![\w.-])"
)
_KINDS = ("Deployment", "StatefulSet")
#: What the name of a deployment or a service says besides which program it is.
_ROLE = re.compile(r"-(?:depl|deployment|deploy|app|service|svc|server|statefulset|pod)$")
_GIVES = ("ConfigMap", "Secret")


@dataclass(frozen=True)
class Deployment:
    """What a deployment says of its first container."""

    image: str
    #: The values that stand there, or in the objects that it names.
    env: Mapping[str, str]
    #: The path that is asked whether it is ready, on its first port; "": none.
    probe: str = ""
    #: The name by which the others reach it: that of the one Service which selects it; "": none.
    host: str = ""
    #: The folder that its image is built from, as a file of the tool says that builds it; "": none.
    built_from: str = ""


def deployed(root: Folder) -> dict[str, Deployment]:
    """Read every deployment of a repository, by its name."""
    kustomized = tuple(kustomizations(root))
    listed = {path for one in kustomized for path in one.resources}
    files = [
        file
        for file in root.files
        if file.endswith((".yaml", ".yml"))
        and (file in listed or _FOLDERS.search(file) or file.endswith(OF_CHART))
    ]
    # What is there for another day never counts before what is there.
    files.sort(key=lambda file: bool(_ASIDE.search(file)))
    documents = [one for file in files[:MOST_FILES] for one in _documents(root, file)]
    given: dict[tuple[str, str], Mapping[str, str]] = {}
    for document in documents:
        if document.get("kind") in _GIVES:
            given.setdefault((str(document["kind"]), _name(document)), _values(document))
    for one in kustomized:
        for key, values in one.generated.items():  # of overlays: what their base does not say
            given[key] = {**values, **given.get(key, {})}
    selectors = {
        _name(document): _texts(_at(document, "spec").get("selector"))
        for document in documents
        if document.get("kind") == "Service"
    }
    found: dict[str, Deployment] = {}
    contexts = _contexts(root)
    for document in documents:
        if document.get("kind") in _KINDS:
            labels = _texts(_at(document, "spec", "template", "metadata").get("labels")).items()
            named = [
                name for name, wanted in selectors.items() if wanted and wanted.items() <= labels
            ]
            host = named[0] if len(named) == 1 else ""
            first = _container(document, given)
            plain = re.sub(r"(?::[\w.-]+)?(?:@.*)?$", "", first.image)
            first = replace(
                first,
                host=host,
                env={name: _in_short(value, selectors) for name, value in first.env.items()},
                built_from=contexts.get(plain, ""),
            )
            found.setdefault(_name(document), first)
    return found


def _in_short(value: str, names: Collection[str]) -> str:
    """Write a host of the cluster by its first name alone: `db.default.svc.cluster.local` is db."""
    return _IN_FULL.sub(lambda match: match[1] if match[1] in names else match[0], value)


def _contexts(root: Folder) -> dict[str, str]:
    """Read from which folder each image is built, off the files of Skaffold and Tilt."""
    found: dict[str, str] = {}
    for file in root.files:
        name = file.rpartition("/")[2]
        if name in ("skaffold.yaml", "skaffold.yml"):
            # One that is left out for today is built from the same folder on another day.
            text = re.sub(r"(?m)^([ \t]*)#[ \t]?", r"\1", root.read(file))
            pairs = re.findall(r"image:[ \t]*([^\s#]+)[^\n]*\n[ \t]*context:[ \t]*([^\s#]+)", text)
        elif name == "Tiltfile":
            pairs = re.findall(
                r"docker_build\(\s*['\"]([^'\"]+)['\"],\s*(?:context\s*=\s*)?['\"]([^'\"]+)['\"]",
                root.read(file),
            )
        else:
            continue
        beside = file.rpartition("/")[0]
        for image, context in pairs:
            found.setdefault(image, posixpath.normpath(posixpath.join(beside, context)))
    return found


def hosts(services: Iterable[Service], manifests: Mapping[str, Deployment]) -> dict[str, str]:
    """List by which other names programs reach the services, with the names that they have here."""
    pairs = ((of_service(service, manifests), service.name) for service in services)
    return {one.host: name for one, name in pairs if one is not None and one.host not in ("", name)}


def of_service(service: Service, manifests: Mapping[str, Deployment]) -> Deployment | None:
    """Find the deployment of a service: by its name, by its image's, or by where that is built."""
    if service.name in manifests:
        return manifests[service.name]
    ours = {name: one for name, one in manifests.items() if servers.of_image(one.image) is None}
    rules = (
        lambda name, one: servers.name_of(one.image) == service.name,
        lambda name, one: service.folder and one.built_from == service.folder,
        lambda name, one: _ROLE.sub("", name) == _ROLE.sub("", service.name),
        lambda name, one: servers.name_of(one.image).endswith(f"-{service.name}"),
    )
    for rule in rules:
        if len(fitting := [one for name, one in ours.items() if rule(name, one)]) == 1:
            return fitting[0]
    return None


def as_deployed(
    service: Service, folder: Folder, deployed: Deployment | None, hosts: Mapping[str, str]
) -> Service:
    """Add the variables of its deployment that its code reads.

    Args:
        hosts: other names of services, as `hosts` lists them.
    """
    if deployed is None:
        return service
    reads = code.variables(folder).keys() - {"PORT"}

    def renamed(value: str) -> str:
        return _HOST.sub(lambda match: hosts.get(match[1], match[1]), value)

    return replace(
        service,
        env={**{n: renamed(v) for n, v in deployed.env.items() if n in reads}, **service.env},
        probe=service.probe or deployed.probe,
        remarks=(*service.remarks, "values of its deployment among its variables"),
    )


def with_stores(
    found: Survey, manifests: Mapping[str, Deployment], kinds: frozenset[str], root: Folder
) -> Survey:
    """Add the stores that are deployed beside the services, under the names that they have."""
    own = {service.name for service in found.services}
    matched = [of_service(service, manifests) for service in found.services]
    built = servers.built(root)
    stores, elsewhere = [], {}
    for name, deployed in manifests.items():
        image, about, first = deployed.image, "", tuple[str, ...]()
        if servers.of_image(image) is None:  # one that this repository makes of a server's
            image, folder = built.get(servers.name_of(image), ("", ""))
            about = (
                f"{folder}/Dockerfile adds files to "
                f"{image.split('@')[0]}, which are not carried over"
            )
            first = tuple(first_sql.of_image(root.read(f"{folder}/Dockerfile"), folder, root))
        server = servers.of_image(image)
        if (
            server is None
            and deployed.image
            and not {valid_name(name), servers.name_of(deployed.image)} & own
            and deployed not in matched
        ):
            elsewhere[name] = deployed
        if server is None or server.kind not in kinds or valid_name(name) in own:
            continue
        store = Store(
            valid_name(deployed.host or name),
            server.kind,
            servers.version_of(image),
            user=servers.told(server, deployed.env, "USER", "USERNAME") or server.shows.user,
            password=servers.told(server, deployed.env, "PASSWORD", "PASS"),
            database=servers.told(server, deployed.env, "DB", "DATABASE"),
        )
        if server.broker:
            found = found if found.broker is not None else replace(found, broker=store)
            continue
        store = first_sql.loaded(store, first, root)
        said = (about,) if about and not store.init else ()
        stores.append(replace(store, remarks=(*store.remarks, *said)))
    return _with_others(replace(found, stores=tuple(stores)), elsewhere)


def with_missing_stores(
    found: Survey, manifests: Mapping[str, Deployment], kinds: frozenset[str], root: Folder
) -> Survey:
    """Add the stores that are deployed to those of a compose file, which has none of their kind."""
    if not manifests:
        return found
    deployed = with_stores(found, manifests, kinds, root)
    known = {store.kind for store in found.stores}
    more = (store for store in deployed.stores if store.kind not in known)
    return replace(deployed, stores=(*found.stores, *more))


def _with_others(found: Survey, elsewhere: Mapping[str, Deployment]) -> Survey:
    """Name the deployments whose programs are not in this repository."""
    if not elsewhere:
        return found
    listed = [f"{name} ({deployed.image})" for name, deployed in elsewhere.items()]
    more = f" and {len(listed) - MOST_NAMED} more" if len(listed) > MOST_NAMED else ""
    what = (
        f"{len(listed)} deployments run images whose programs are not here: "
        f"{', '.join(listed[:MOST_NAMED])}{more}"
    )
    unstarted = tuple(Service(valid_name(name)) for name in elsewhere)
    return replace(
        found,
        left_out=(*found.left_out, what),
        unstarted=() if found.services else unstarted,
    )


def _documents(root: Folder, file: str) -> Iterator[dict[str, Any]]:
    text = root.read(file)
    try:
        found = from_yaml(text, Texts)
    except yaml.YAMLError as error:
        if "{{" not in text:  # a template is its program's
            (wrong,) = problem(file, error).problems
            root.skip(wrong.where, wrong.what)
        return
    yield from (document for document in found if isinstance(document, dict))


def _name(document: dict[str, Any]) -> str:
    return str(_at(document, "metadata").get("name") or "")


def _values(document: dict[str, Any]) -> dict[str, str]:
    """Read what a ConfigMap or Secret holds."""
    found = {**_texts(document.get("data")), **_texts(document.get("stringData"))}
    if document["kind"] == "Secret":
        for key, value in _texts(document.get("data")).items():
            with contextlib.suppress(ValueError):
                found[key] = base64.b64decode(value, validate=True).decode()
    return found


def _texts(value: Any) -> dict[str, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {str(key): text for key, text in pairs if isinstance(text, str)}


def _container(
    document: dict[str, Any], given: Mapping[tuple[str, str], Mapping[str, str]]
) -> Deployment:
    containers = _at(document, "spec", "template", "spec").get("containers")
    first = containers[0] if isinstance(containers, list) and containers else {}
    first = first if isinstance(first, dict) else {}
    env: dict[str, str] = {}
    for entry in _mappings(first.get("envFrom")):
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            env |= given.get((kind, str(_at(entry, field).get("name"))), {})
    for entry in _mappings(first.get("env")):
        value = entry.get("value")
        for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            source = _at(entry, "valueFrom", field)
            there = given.get((kind, str(source.get("name"))), {})
            value = there.get(str(source.get("key")), value)
        if isinstance(value, str):
            env[str(entry.get("name"))] = value
    return Deployment(str(first.get("image") or ""), env, _probe(first))


def _probe(container: dict[str, Any]) -> str:
    """Read the path that is asked whether it is ready, if that is where it serves."""
    asked = _at(container, "readinessProbe", "httpGet")
    port = next(_mappings(container.get("ports")), {})
    is_first = asked.get("port") in (port.get("containerPort"), port.get("name"))
    path = asked.get("path")
    return path if is_first and isinstance(path, str) and path.startswith("/") else ""


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    listed = value if isinstance(value, list) else ()
    yield from (entry for entry in listed if isinstance(entry, dict))


def _at(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        inner = value.get(key)
        value = inner if isinstance(inner, dict) else {}
    return value
