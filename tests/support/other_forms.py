"""The same files in other words: what a gate finds in one form it finds in each.

Each function rewrites files, by path, and returns None where there is nothing to rewrite.
"""

from __future__ import annotations

import hashlib
import itertools
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

Texts = Mapping[str, str]
Documents = list[Any]

_ASSIGNED = re.compile(r'^(\s+)(\w+)(\s*=\s*)("[^"$%]*")\s*$')
_MIRROR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/docker-hub"
_NOT_LITERAL = ("provider", "for_each", "count", "depends_on")


class _Dumper(yaml.SafeDumper):
    """Writes each value out, and texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value again where it is used again."""
        del data
        return True


def _rewritten(files: Texts, change: Callable[[Documents], Documents | None]) -> Texts | None:
    """Rewrite the YAML files that something changes in."""
    found = dict(files)
    for name, text in files.items():
        if not name.endswith((".yaml", ".yml")) or "{{" in text or "kustomiz" in name.lower():
            continue
        try:
            changed = change(list(yaml.safe_load_all(text)))
        except yaml.YAMLError:  # a tag of Compose's, or a file that is wrong on purpose
            continue
        if changed is not None:
            found[name] = yaml.dump_all(changed, Dumper=_Dumper, sort_keys=False, width=1000)
    return found if found != files else None


def _nested(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for below in value.values():
            yield from _nested(below)
    elif isinstance(value, list):
        for below in value:
            yield from _nested(below)


def _with_images(change: Callable[[str], str]) -> Callable[[Texts], Texts | None]:
    def documents(found: Documents) -> Documents | None:
        holders = [one for one in _nested(found) if isinstance(one.get("image"), str)]
        before = [one["image"] for one in holders]
        for one in holders:
            one["image"] = change(one["image"])
        return found if before != [one["image"] for one in holders] else None

    def rewrite(files: Texts) -> Texts | None:
        return _rewritten(files, documents)

    return rewrite


def _with_digest(image: str) -> str:
    is_plain = "@" in image or ":" not in image.rpartition("/")[2] or "$" in image
    return image if is_plain else f"{image}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def _of_mirror(image: str) -> str:
    maker = image.partition("/")[0] if "/" in image else ""
    if not re.fullmatch(r"[a-z0-9._/-]+(:[\w.-]+)?", image) or "." in maker or maker == "localhost":
        return image
    return f"{_MIRROR}/{image}" if maker else f"{_MIRROR}/library/{image}"


def _services(found: Documents) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in found if len(found) == 1 else ():
        services = one.get("services") if isinstance(one, dict) else None
        for name, service in services.items() if isinstance(services, dict) else ():
            if isinstance(service, dict):
                yield name, service


def _by_default(found: Documents) -> Documents | None:
    before = [service.get("image") for _, service in _services(found)]
    for _, service in _services(found):
        if tag := re.fullmatch(r"([a-z0-9._/-]+):([\w.-]+)", str(service.get("image"))):
            service["image"] = f"{tag[1]}:${{TAG:-{tag[2]}}}"
    after = [service.get("image") for _, service in _services(found)]
    return found if before != after else None


def images_by_default(files: Texts) -> Texts | None:
    """Give the tags of images as defaults of a variable."""
    return _rewritten(files, _by_default)


def variables_in_files(files: Texts) -> Texts | None:
    """Give the variables of Compose services in files."""
    written: dict[str, str] = {}

    def moved(found: Documents) -> Documents | None:
        before = len(written)
        for name, service in _services(found):
            given = service.get("environment")
            if isinstance(given, list):
                pairs = dict(str(one).split("=", 1) for one in given if "=" in str(one))
                given = pairs if len(pairs) == len(given) else None
            plain = isinstance(given, dict) and given and "env_file" not in service
            if plain and not any(
                v is None or "$" in str(v) or "\n" in str(v) for v in given.values()
            ):
                del service["environment"]
                service["env_file"] = [f"{name}.env"]
                written[f"{name}.env"] = "".join(f"{k}={v}\n" for k, v in given.items())
        return found if len(written) > before else None

    one_folder = {posixpath.dirname(name) for name in files} == {""}
    changed = _rewritten(files, moved) if one_folder else None
    return {**changed, **written} if changed else None


def _taken_out(container: Any, name: str) -> dict[str, str]:
    """Take the texts out of a container's variables, which an object gives it instead."""
    given = container.get("env") if isinstance(container, dict) else None
    texts = [one for one in given or () if isinstance(one.get("value"), str) and "name" in one]
    texts = [one for one in texts if "$(" not in one["value"]]
    if not texts or "envFrom" in container:
        return {}
    rest = [one for one in given if one not in texts]
    del container["env"]
    container.update({"env": rest} if rest else {}, envFrom=[{"configMapRef": {"name": name}}])
    return {one["name"]: one["value"] for one in texts}


def variables_in_objects(files: Texts) -> Texts | None:
    """Give the variables of containers in ConfigMaps."""
    numbers = itertools.count()

    def moved(found: Documents) -> Documents | None:
        made: Documents = []
        for one in found:
            space = one.get("metadata", {}).get("namespace") if isinstance(one, dict) else None
            held = [h["containers"] for h in _nested(one) if isinstance(h.get("containers"), list)]
            for container in (container for containers in held for container in containers):
                name = f"made-{next(numbers)}"
                if data := _taken_out(container, name):
                    meta = {"name": name, **({"namespace": space} if space else {})}
                    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}
                    made.append({**head, "data": data})
        return [*found, *made] if made else None

    return None if any("kustomiz" in name.lower() for name in files) else _rewritten(files, moved)


def _moved_values(text: str) -> tuple[str, dict[str, str]]:
    lines, values, depth, top = [], {}, 0, ""
    for line in text.split("\n"):
        if depth == 0 and (opening := re.match(r"(\w+)\b", line)):
            top = opening[1]
        found = _ASSIGNED.match(line)
        if found and depth == 1 and top == "resource" and found[2] not in _NOT_LITERAL:
            name = f"made_{len(values)}"
            values[name] = found[4]
            line = f"{found[1]}{found[2]}{found[3]}local.{name}"  # noqa: PLW2901 - a new line
        depth += sum(map(line.count, "{[")) - sum(map(line.count, "}]"))
        lines.append(line)
    return "\n".join(lines), values


def values_in_locals(files: Texts) -> Texts | None:
    """Give the texts of resources of Terraform in locals."""
    found = dict(files)
    for name, text in files.items():
        changed, values = (
            _moved_values(text) if name.endswith(".tf") and "<<" not in text else ("", {})
        )
        if values:
            entries = "".join(f"  {key} = {value}\n" for key, value in values.items())
            found |= {name: changed, f"{name[:-3]}_made.tf": f"locals {{\n{entries}}}\n"}
    return found if found != files else None


def values_in_variables(files: Texts) -> Texts | None:
    """Give them as defaults of variables."""
    changed = values_in_locals(files)
    if changed is None:
        return None
    entry = re.compile(r"^  (made_\d+) = (.*)$", re.MULTILINE)
    return {
        name: "".join(
            f'variable "{key}" {{\n  default = {value}\n}}\n' for key, value in entry.findall(text)
        )
        if name.endswith("_made.tf")
        else text.replace("local.made_", "var.made_")
        for name, text in changed.items()
    }


def mounts_in_full(files: Texts) -> Texts | None:
    """Write what Compose services mount as mappings."""

    def rewritten(found: Documents) -> Documents | None:
        is_changed = False
        for _, service in _services(found):
            given = service.get("volumes")
            short = r"([\w./-]+):(/[\w./-]+)(:ro)?"
            if isinstance(given, list) and all(re.fullmatch(short, str(one)) for one in given):
                parts = [re.fullmatch(short, str(one)) for one in given]
                service["volumes"] = [
                    {
                        "type": "bind" if one[1][0] in "./" else "volume",
                        "source": one[1],
                        "target": one[2],
                        **({"read_only": True} if one[3] else {}),
                    }
                    for one in parts
                    if one
                ]
                is_changed = is_changed or bool(given)
        return found if is_changed else None

    return _rewritten(files, rewritten)


def steps_in_scripts(files: Texts) -> Texts | None:
    """Write the steps of Dockerfiles as scripts below them."""

    def script(found: re.Match[str]) -> str:
        parts = re.split(r"\s*&&\s*", found[1])
        is_one = len(parts) == 1 or "\\" in found[1]
        return found[0] if is_one else "\n".join(("RUN <<EOF", "set -e", *parts, "EOF", ""))

    changed = {
        name: re.sub(r"^RUN (?!<<|--|\[)(.*)\n", script, text, flags=re.MULTILINE)
        if "Dockerfile" in posixpath.basename(name)
        else text
        for name, text in files.items()
    }
    return changed if changed != files else None


def settings_in_objects(files: Texts) -> Texts | None:
    """Give the settings of Prometheus, Alertmanager and Envoy as texts of ConfigMaps."""
    shapes = {"groups", "scrape_configs", "route", "static_resources"}
    found, numbers = dict(files), itertools.count()
    for name, text in files.items():
        is_one = name.endswith((".yaml", ".yml")) and "---" not in text
        try:
            data = yaml.safe_load(text) if is_one else None
        except yaml.YAMLError:
            continue
        is_plain = isinstance(data, dict) and "kind" not in data and not name.startswith(".")
        if is_plain and shapes & data.keys():
            held = {posixpath.basename(name): found.pop(name)}
            meta = {"name": f"held-{next(numbers)}"}
            made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": held}
            found[f"k8s/{meta['name']}.yaml"] = yaml.safe_dump(made)
    return found if found != files else None


#: Each form by its name.
FORMS: dict[str, Callable[[Texts], Texts | None]] = {
    "images with digests": _with_images(_with_digest),
    "images of a mirror": _with_images(_of_mirror),
    "images by default": images_by_default,
    "variables in files": variables_in_files,
    "variables in ConfigMaps": variables_in_objects,
    "values in locals": values_in_locals,
    "values in variables": values_in_variables,
    "mounts in full": mounts_in_full,
    "steps in scripts": steps_in_scripts,
    "settings in ConfigMaps": settings_in_objects,
}
