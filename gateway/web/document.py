"""The OpenAPI document, made true where the framework's own one is not.

Every refusal is a problem and nothing else, and Idempotency-Key stands on POST alone: required
where money moves.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from gateway.web.auth import IDEMPOTENCY_KEY, Require
from gateway.web.problems import MEDIA_TYPE, Problem
from gateway.web.requests import KEY_LENGTH_MAX

REFERENCES = "#/components/schemas/{model}"
KEY_PARAMETER = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH_MAX},
    "description": "Makes a POST safe to repeat: the first 2xx answer is replayed.",
}

Json = dict[str, Any]


class Gateway(FastAPI):
    """The application with a document that tells what it does."""

    def openapi(self) -> Json:
        """Return the document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            add_problem(document)
            required = key_required(self)
            for path, methods in document["paths"].items():
                for method, operation in methods.items():
                    only_problems(operation)
                    if (needed := required.get((method.upper(), path))) is not None:
                        operation.setdefault("parameters", []).append(
                            KEY_PARAMETER | {"required": needed}
                        )
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


def key_required(app: FastAPI) -> dict[tuple[str, str], bool]:
    """Return by method and path whether a POST is refused without its Idempotency-Key.

    What asks for no scope takes none.
    """
    found = {}
    for route in iter_route_contexts(app.routes):
        scope = requirement(getattr(route.original_route, "dependant", None))
        if scope and "POST" in (route.methods or ()):
            found["POST", str(route.path)] = scope.idempotency_key
    return found


def requirement(dependant: Dependant | None) -> Require | None:
    """Return which key a route depends on, None if it is open or any key will do."""
    if dependant is None:
        return None
    if isinstance(dependant.call, Require):
        return dependant.call
    return next(filter(None, map(requirement, dependant.dependencies)), None)
