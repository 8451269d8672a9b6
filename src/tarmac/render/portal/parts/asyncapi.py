"""The AsyncAPI document of the topics that a service publishes; used by the portal's renderer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.plan.catalogue import Catalogue, CatalogueService

#: Where a JSON Schema keeps its own definitions, and where AsyncAPI keeps those of a document.
DEFS, COMPONENTS = "#/$defs/", "#/components/schemas/"


def asyncapi(catalogue: Catalogue, service: CatalogueService, version: str) -> dict[str, Any]:
    """Return an AsyncAPI 3 document: a channel for each topic, with the event's schema if any."""
    schemas: dict[str, Any] = {}
    channels = {}
    for topic in service.publishes:
        message: dict[str, Any] = {"name": topic}
        if topic in catalogue.schemas:
            message["payload"], own = _moved(topic, catalogue.schemas[topic])
            schemas |= own
        channels[topic] = {"address": topic, "messages": {topic: message}}
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": f"Events of {service.name}", "version": version},
        "channels": channels,
        "operations": {
            f"publish-{topic.replace('.', '-')}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{topic}"},
            }
            for topic in service.publishes
        },
    }
    return {**document, "components": {"schemas": schemas}} if schemas else document


def _moved(topic: str, schema: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Move a schema's definitions to where references of the document find them."""

    def rewritten(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: rewritten(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [rewritten(item) for item in value]
        if isinstance(value, str) and value.startswith(DEFS):
            return f"{COMPONENTS}{topic}.{value.removeprefix(DEFS)}"
        return value

    own = {f"{topic}.{name}": rewritten(one) for name, one in schema.get("$defs", {}).items()}
    return rewritten({key: value for key, value in schema.items() if key != "$defs"}), own
