"""Kubernetes' definitions and custom resource definitions -> one JSON Schema for each kind. Pure.

What comes out is as strict as an API server that is asked for strict field validation: a field that
no schema knows is an error. Rules in CEL of a structural schema are kept below `RULES`, for
`kind_rules`, and with them the defaults, which an API server fills in before it asks them.

Terms: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

DIALECT = "https://json-schema.org/draft/2020-12/schema"
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
#: Keywords that say what must hold; all others are documentation, defaults or merge rules.
SHAPE = ("type", "properties", "required", "additionalProperties", "items", "nullable", "$ref")
TEXTS = ("enum", "format", "pattern", "minLength", "maxLength")
NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
COUNTS = ("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties")
CONDITIONS = ("allOf", "anyOf", "oneOf", "not")
KEPT = frozenset((*SHAPE, *TEXTS, *NUMBERS, *COUNTS, *CONDITIONS))
#: Formats that mean the same to an API server and to JSON Schema. A Go duration, for one, does not.
FORMATS = frozenset(("date-time", "date", "ipv4", "ipv6", "uri", "email", "uuid"))
BOUNDS = {"int32": 2**31, "int64": 2**63}
#: Groups of files that look like objects and that no API server reads, but a tool.
FILES_OF_TOOLS = ("kustomize.config.k8s.io/", "kind.x-k8s.io/")
OPEN = "x-kubernetes-preserve-unknown-fields"
EITHER = "x-kubernetes-int-or-string"
EMBEDDED = "x-kubernetes-embedded-resource"
#: Where a node of a custom resource's schema has its rules, in its definition and here. Validators
#: of JSON Schema pass over the words.
VALIDATIONS, RULES, DEFAULT = "x-kubernetes-validations", "rules", "default"
#: What a rule says of the object before a change, of which nothing is known.
BEFORE = "oldSelf"


class Kind(NamedTuple):
    """A kind as an object names it."""

    #: Empty for the core.
    group: str
    version: str
    kind: str

    @property
    def api(self) -> str:
        """Its apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def file(self) -> str:
        """Where its schema is, in a folder of schemas: as kubeconform's templates can name it."""
        name = f"{self.kind.lower()}_{self.version}.json"
        return f"{self.group}/{name}" if self.group else name


def kind_of(api: str, kind: str) -> Kind:
    """Name a kind by an object's apiVersion and kind."""
    group, _, version = api.rpartition("/")
    return Kind(group, version, kind)


def definitions(published: Mapping[str, Any]) -> dict[str, Any]:
    """Take what must hold of Kubernetes' own definitions.

    Args:
        published: `$defs` of one version, strict, as kubernetes-validate has them.
    """
    found = {name: _core(schema) for name, schema in published.items()}
    if QUANTITY in found:  # published without the pattern that the server's parser has
        found[QUANTITY]["pattern"] = r"^[+-]?[0-9.]+([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?$"
    return found


def is_object(data: Mapping[str, Any]) -> bool:
    """Tell whether a file's content is an object that an API server reads."""
    return "kind" in data and not str(data.get("apiVersion", "/")).startswith(FILES_OF_TOOLS)


def core(
    published: Mapping[str, Any], known: Mapping[str, Any]
) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """Yield the schema of every kind that Kubernetes itself has.

    Args:
        known: what `definitions` made of them.
    """
    for name, whole in published.items():
        for named in whole.get("x-kubernetes-group-version-kind", ()):
            if {"metadata", "kind"} <= whole.get("properties", {}).keys():
                kind = Kind(named["group"], named["version"], named["kind"])
                yield kind, _whole(_named(known[name], kind), known)


def served(definition: Mapping[str, Any]) -> Iterator[Kind]:
    """Yield each version of a custom resource that an API server serves."""
    spec = definition["spec"]
    for version in spec["versions"]:
        if version.get("served"):
            yield Kind(spec["group"], version["name"], spec["names"]["kind"])


def custom(
    definition: Mapping[str, Any], known: Mapping[str, Any]
) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """Yield the schema of each version of a custom resource that is served.

    Args:
        definition: a CustomResourceDefinition.
        known: Kubernetes' own definitions, for an object's metadata.
    """
    spec = definition["spec"]
    for version in spec["versions"]:
        if version.get("served"):
            kind = Kind(spec["group"], version["name"], spec["names"]["kind"])
            root = version.get("schema", {}).get("openAPIV3Schema", {"type": "object", OPEN: True})
            schema = _structural({**root, EMBEDDED: True})
            if not has_rules(schema):
                schema = _without_defaults(schema)
            yield kind, _whole(_named(schema, kind), known)


def has_rules(schema: Mapping[str, Any]) -> bool:
    """Tell whether a node of a schema, or one below it, has rules in CEL."""
    return RULES in schema or any(map(has_rules, _below(schema)))


def _without_defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = {word: value for word, value in schema.items() if word != DEFAULT}
    _inside(found, _without_defaults)
    return found


def _below(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from schema.get("properties", {}).values()
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), Mapping):
            yield schema[word]


def constraint(template: Mapping[str, Any]) -> dict[str, Any]:
    """Make the definition that Gatekeeper makes of a ConstraintTemplate."""
    crd = template["spec"]["crd"]["spec"]
    parameters = crd.get("validation", {}).get("openAPIV3Schema", {"type": "object", OPEN: True})
    free = {"type": "object", OPEN: True}
    fields = {
        "enforcementAction": {"type": "string"},
        "scopedEnforcementActions": {"type": "array", "items": free},
        "match": free,
        "parameters": parameters,
    }
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": fields}}}
    version = {"name": "v1beta1", "served": True, "schema": {"openAPIV3Schema": schema}}
    group, names = "constraints.gatekeeper.sh", {"kind": crd["names"]["kind"]}
    return {"spec": {"group": group, "names": names, "versions": [version]}}


def _named(schema: dict[str, Any], kind: Kind) -> dict[str, Any]:
    names = {"apiVersion": {"const": kind.api}, "kind": {"const": kind.kind}}
    return {
        **schema,
        "properties": {**schema.get("properties", {}), **names},
        "required": sorted({*schema.get("required", ()), "apiVersion", "kind", "metadata"}),
    }


def _whole(schema: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Add the definitions that it refers to, and those that these refer to."""
    wanted, found = [*_references(schema)], dict[str, Any]()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = known[name]
            wanted += _references(known[name])
    return {"$schema": DIALECT, **schema, "$defs": dict(sorted(found.items()))}


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield reference.rpartition("/")[2]
        for part in schema.values():
            yield from _references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _references(part)


def _core(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Take what must hold of one definition.

    The published ones allow null everywhere, since an API server drops it; no author means to write
    one, so it is an error here.
    """
    found = _kept(schema)
    kind = found.get("type")
    if isinstance(kind, list):
        found["type"] = next(name for name in kind if name != "null")
    _inside(found, _core)
    if "oneOf" in found:  # a quantity, a port: a text or a number
        found["type"] = [_core(option)["type"] for option in found.pop("oneOf")]
    return found


def _structural(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Convert one node of a structural schema, and those below it."""
    if schema.get(OPEN) and isinstance(items := schema.get("items"), Mapping):
        # What an API server does not prune in a list, it does not prune in what the list has.
        schema = {**schema, "items": {OPEN: True, **items}}
    found = _kept(schema)
    if "required" in found:  # what has a default, an API server fills in before it looks
        members = schema.get("properties", {})
        found["required"] = [
            name for name in found["required"] if "default" not in members.get(name, {})
        ]
    if schema.get(EITHER):
        found["type"] = ["integer", "string"]
        if all(option.keys() == {"type"} for option in found.get("anyOf", ())):
            found.pop("anyOf", None)  # it says the same once more
    if schema.get(EMBEDDED):
        own = found.get("properties", {})
        text = {"type": "string"}
        found["properties"] = {"apiVersion": text, "kind": text, **own}
        found.setdefault("required", ["apiVersion", "kind"])
    _inside(found, _structural)
    if schema.get(EMBEDDED):
        found["properties"]["metadata"] = {"$ref": f"#/$defs/{META}"}
    if _is_closed(schema):
        found["additionalProperties"] = False
    if found.pop("nullable", False):
        found = _or_null(found)
    if rules := _rules(schema):
        found[RULES] = rules
    if DEFAULT in schema:
        found[DEFAULT] = schema[DEFAULT]
    return found


def _rules(schema: Mapping[str, Any]) -> list[list[str]]:
    """List a node's rules, each with its message, but for those about changes."""
    return [
        [one["rule"].strip(), one.get("message", "").strip()]
        for one in schema.get(VALIDATIONS, ())
        if BEFORE not in one["rule"]
    ]


def _is_closed(schema: Mapping[str, Any]) -> bool:
    """Tell whether an API server would prune a field that the node does not name."""
    return (
        schema.get("type") == "object"
        and not schema.get(OPEN)
        and "additionalProperties" not in schema
    )


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if kind is None:
        return schema
    kinds = kind if isinstance(kind, list) else [kind]
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [*kinds, "null"], **enum}


def _inside(node: dict[str, Any], convert: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """Convert the schemas of a node's fields, values and items."""
    if "properties" in node:
        node["properties"] = {name: convert(member) for name, member in node["properties"].items()}
    for word in ("items", "additionalProperties"):
        if isinstance(node.get(word), Mapping):
            node[word] = convert(node[word])


def _kept(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = {word: value for word, value in schema.items() if word in KEPT}
    _bound(found)
    for word in ("allOf", "anyOf", "oneOf"):  # conditions: they close nothing and allow nothing
        if word in found:
            found[word] = [_condition(condition) for condition in found[word]]
    if "not" in found:
        found["not"] = _condition(found["not"])
    if isinstance(found.get("exclusiveMinimum"), bool):
        _exclusive(found, "minimum", "exclusiveMinimum")
    if isinstance(found.get("exclusiveMaximum"), bool):
        _exclusive(found, "maximum", "exclusiveMaximum")
    return found


def _condition(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = _kept(schema)
    _inside(found, _condition)
    return found


def _bound(node: dict[str, Any]) -> None:
    """Say by numbers what an integer's format says; drop formats that are Kubernetes' own."""
    name = node.get("format")
    if name in BOUNDS:
        node.setdefault("minimum", -BOUNDS[name])
        node.setdefault("maximum", BOUNDS[name] - 1)
    if name is not None and name not in FORMATS:
        del node["format"]


def _exclusive(node: dict[str, Any], bound: str, flag: str) -> None:
    """Write an exclusive bound as JSON Schema does: OpenAPI 3.0 has a flag beside the number."""
    if node.pop(flag) and bound in node:
        node[flag] = node.pop(bound)
