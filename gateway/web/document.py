"""The OpenAPI document, made true where the framework's own one is not.

Every refusal is a problem and nothing else, and Idempotency-Key stands on POST alone: required
where money moves.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from gateway.web.auth import Require
from gateway.web.problems import MEDIA_TYPE, Problem
from gateway.web.requests import KEY_LENGTH_MAX

REFERENCES = "#/components/schemas/{model}"
IDEMPOTENCY_KEY = "idempotency-key"
KEY_SHAPE = {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH_MAX}

Json = dict[str, Any]


class Gateway(FastAPI):
    """The application with a document that tells what it does."""

    def openapi(self) -> Json:
        """Return the document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            add_problem(document)
            needing = key_required(self)
            for path, methods in document["paths"].items():
                for method, operation in methods.items():
                    only_problems(operation)
                    idempotency(operation, method, (method.upper(), path) in needing)
        assert self.openapi_schema is not None
        return self.openapi_schema


def add_problem(document: Json) -> None:
    """Put the problem's schema, and those it names, among the components."""
    schema = Problem.model_json_schema(ref_template=REFERENCES, mode="serialization")
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= schema.pop("$defs", {}) | {Problem.__name__: schema}


def only_problems(operation: Json) -> None:
    """Take away the JSON that the framework documents beside a problem."""
    for response in operation["responses"].values():
        content = response.get("content", {})
        if MEDIA_TYPE in content:
            content.pop("application/json", None)


def idempotency(operation: Json, method: str, required: bool) -> None:
    """Document the Idempotency-Key of a POST; other methods have none."""
    parameters = operation.get("parameters", [])
    kept = [one for one in parameters if method == "post" or one["name"] != IDEMPOTENCY_KEY]
    for one in kept:
        if one["name"] == IDEMPOTENCY_KEY:
            one |= {"schema": KEY_SHAPE, "required": required, "name": "Idempotency-Key"}
    if parameters:
        operation["parameters"] = kept


def key_required(app: FastAPI) -> set[tuple[str, str]]:
    """Return method and path of the calls that refuse a request without Idempotency-Key."""
    return {
        (method, str(route.path))
        for route in iter_route_contexts(app.routes)
        if needs_key(getattr(route.original_route, "dependant", None))
        for method in route.methods or ()
    }


def needs_key(dependant: Dependant | None) -> bool:
    """True if what a route depends on requires the key."""
    if dependant is None:
        return False
    call = dependant.call
    here = isinstance(call, Require) and call.idempotency_key
    return here or any(needs_key(inner) for inner in dependant.dependencies)
