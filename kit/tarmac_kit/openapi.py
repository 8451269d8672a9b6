"""What the kit adds to every route's description: the problems that no route says itself.

Installed by `create_app`; the document is made when it is first asked for.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from tarmac_kit.problems import MEDIA_TYPE

_SCHEMA = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457, with a stable code.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "trace_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"loc": {"type": "array", "items": {}}, "msg": {"type": "string"}},
            },
        },
    },
}
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def install(api: FastAPI) -> None:
    """Have the document of `api` name the problems that the kit answers with."""
    own = api.openapi

    def described() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = _described(own())
        return api.openapi_schema

    # FastAPI's own way to extend it: https://fastapi.tiangolo.com/how-to/extending-openapi/
    api.openapi = described  # type: ignore[method-assign]


def _described(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for path in document.get("paths", {}).values():
        for operation in (path[method] for method in _METHODS if method in path):
            answers = operation.setdefault("responses", {})
            validation = answers.get("422", {}).get("content", {}).get("application/json", {})
            if validation.get("schema", {}).get("$ref", "").endswith("/HTTPValidationError"):
                answers["422"] = _problem("The request does not match the schema")
            if "requestBody" in operation:
                answers.setdefault("413", _problem("The body is too large"))
            answers.setdefault("429", _problem("Too many requests; see Retry-After"))
            answers.setdefault("503", _problem("Overloaded or not ready; see Retry-After"))
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas.setdefault("Problem", _SCHEMA)
    return document
