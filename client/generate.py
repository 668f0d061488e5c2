"""Make the client's models and resources from the gateway's OpenAPI document.

    python client/generate.py          writes both files

A test makes them again and compares, so the client and the document are never two things.
"""

import keyword
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "mizan_client"
REF = "#/components/schemas/"
ONLY_POSTED = frozenset({"addresses"})
"""Collections that are only ever added to; any other noun-less POST is an action."""
RENAMED = {"Entry": "StatementEntry", "EntryShape": "AddressBookEntry"}
"""Two rooms of the gateway have a word for different things."""
SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
WIDTH = 96

Json = dict[str, Any]


def main() -> None:
    """Write both files."""
    from gateway.app import app

    for name, text in generated(app.openapi()).items():
        (HERE / name).write_text(text)


def generated(document: Json) -> dict[str, str]:
    """Return the text of both files, by name."""
    names = Names(document["components"]["schemas"])
    tree = Namespace("")
    for path, methods in sorted(document["paths"].items()):
        if path.startswith("/v1/"):
            for method, operation in methods.items():
                Operation(document, names, path, method, operation).place(tree)
    return {
        "models.py": formatted(models(names)),
        "resources.py": formatted(resources(tree, names)),
    }


def formatted(text: str) -> str:
    """Return the text as the project's formatter writes it, without the imports it does not use."""
    for step in (["check", "--fix", "--quiet", "--select", "F401"], ["format", "--quiet"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *step, "--stdin-filename", str(HERE / "made.py"), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
        text = done.stdout
    return text


class Names:
    """What each schema is called in Python: without the words its module needed."""

    def __init__(self, schemas: Json) -> None:
        self.schemas = schemas
        self.inputs, self.outputs = set[str](), set[str]()

    def of(self, schema: str) -> str:
        """Return the class of a schema."""
        if schema in RENAMED:
            return RENAMED[schema]
        module, _, short = schema.rpartition("__")
        room = module.split("__")[1].rstrip("s").title() if module else ""
        short = short.removesuffix("-Input").removesuffix("-Output")
        plain = short.removesuffix("Shape").removesuffix("Body") or short
        if short.endswith("Body") or schema.endswith("-Input"):
            return f"{room}{plain}Input"
        return f"{room}{plain}"

    def python(self, schema: Json, *, given: bool = False) -> str:
        """Return the annotation of a schema; `given` for what a caller sends."""
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(REF)
            self.need(name, given)
            return self.of(name)
        if "const" in schema or "enum" in schema:
            choices = schema.get("enum", [schema.get("const")])
            return f"Literal[{', '.join(map(repr, choices))}]"
        if "anyOf" in schema:
            kinds = dict.fromkeys(self.python(one, given=given) for one in schema["anyOf"])
            return " | ".join(sorted(kinds, key=lambda kind: kind == "None"))
        return self.plain(schema, given=given)

    def plain(self, schema: Json, *, given: bool) -> str:
        """Return the annotation of a schema that is one JSON type."""
        kind = schema.get("type", "")
        if kind == "array":
            inner = self.python(schema.get("items", {}), given=given)
            return f"{'Sequence' if given else 'list'}[{inner}]"
        if kind == "object" or "properties" in schema:
            values = schema.get("additionalProperties")
            value = self.python(values, given=given) if isinstance(values, dict) else "Any"
            return f"{'Mapping' if given else 'dict'}[str, {value}]"
        return {"null": "None", **SCALARS}.get(kind, "Any")

    def need(self, name: str, given: bool) -> None:
        """Remember that a schema must have a class, and those it is made of."""
        known = self.inputs if given else self.outputs
        if name not in known:
            known.add(name)
            for one in self.schemas[name].get("properties", {}).values():
                self.python(one, given=given)


def models(names: Names) -> str:
    """Return the text of models.py."""
    called = [names.of(name) for name in names.inputs | names.outputs]
    twice = {name for name in called if called.count(name) > 1}
    assert not twice, f"two schemas have one name: {twice}"
    classes = [output(names, name) for name in sorted(names.outputs, key=names.of)]
    classes += [given(names, name) for name in sorted(names.inputs, key=names.of)]
    head = '''"""What the gateway answers and takes. Made by generate.py: do not edit.

A field this version does not know is passed over, so a newer gateway breaks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

import msgspec
'''
    return head + "\n\n" + "\n\n\n".join(dict.fromkeys(classes)) + "\n"


def output(names: Names, name: str) -> str:
    """Return the class of an answer; a field that is not always there is None."""
    schema = names.schemas[name]
    needed = set(schema.get("required", ()))
    lines = [f"class {names.of(name)}(msgspec.Struct, frozen=True, kw_only=True):"]
    lines += doc(schema.get("description", names.of(name)), 4)
    for one, told in schema.get("properties", {}).items():
        kind = names.python(told)
        if one not in needed and "None" not in kind.split(" | "):
            kind += " | None"
        lines += member(one, kind, default=one not in needed)
    return "\n".join(lines)


def member(name: str, kind: str, *, default: bool) -> list[str]:
    """Return the lines of a field; a name Python keeps for itself gets an underscore."""
    if keyword.iskeyword(name):
        start = f'msgspec.field(name="{name}"' + (", default=None)" if default else ")")
        return (
            ["", f"    {name}_: {kind} = {start}"]
            if default
            else [f"    {name}_: {kind} = {start}"]
        )
    return wrapped(f"    {name}: {kind}{' = None' if default else ''}")


def given(names: Names, name: str) -> str:
    """Return the class of what a caller sends inside a body: a plain dict with known keys."""
    schema = names.schemas[name]
    needed = set(schema.get("required", ()))
    lines = [f"class {names.of(name)}(TypedDict, total=False):"]
    lines += doc(schema.get("description", names.of(name)), 4)
    for one, told in schema.get("properties", {}).items():
        note = "  # required" if one in needed else ""
        lines.append(f"    {one}: {names.python(told, given=True)}{note}")
    return "\n".join(lines)


def doc(text: str, indent: int) -> list[str]:
    """Return a docstring."""
    space = " " * indent
    lines = [
        line
        for part in text.strip().split("\n")
        for line in (textwrap.wrap(part, WIDTH - indent - 3) or [""])
    ]
    quote = '"""'
    if len(lines) == 1:
        return [f"{space}{quote}{lines[0]}{quote}", ""]
    return [
        f"{space}{quote}{lines[0]}",
        *(f"{space}{line}".rstrip() for line in lines[1:]),
        f"{space}{quote}",
        "",
    ]


def wrapped(line: str) -> list[str]:
    """Break a long Literal in lines."""
    if len(line) <= WIDTH + 4 or "Literal[" not in line:
        return [line]
    head, _, rest = line.partition("Literal[")
    choices, _, tail = rest.partition("]")
    return [f"{head}Literal[", *(f"        {one}," for one in choices.split(", ")), f"    ]{tail}"]


@dataclass
class Namespace:
    """A noun: its methods, and the nouns below it."""

    name: str
    methods: list[str] = field(default_factory=list)
    below: dict[str, "Namespace"] = field(default_factory=dict)

    def child(self, name: str) -> "Namespace":
        """Return the noun of this name below, made on first use."""
        return self.below.setdefault(name, Namespace(f"{self.name}_{name}".strip("_")))

    @property
    def type(self) -> str:
        """The class of this noun."""
        return "".join(part.title() for part in self.name.split("_")) + "Calls"

    def all(self) -> Iterator["Namespace"]:
        """Give the nouns below, deepest first."""
        for one in self.below.values():
            yield from one.all()
            yield one


class Operation:
    """One call of the document and where it stands in the client."""

    def __init__(
        self, document: Json, names: Names, path: str, method: str, operation: Json
    ) -> None:
        self.document, self.names = document, names
        self.path, self.method, self.operation = path, method, operation
        parts = path.removeprefix("/v1/").split("/")
        self.literals = [part for part in parts if not part.startswith("{")]
        self.arguments = [part[1:-1] for part in parts if part.startswith("{")]
        self.on_one = parts[-1].startswith("{")
        answers = operation["responses"]
        good = next(answers[code] for code in ("200", "201", "202", "204") if code in answers)
        self.content: Json = good.get("content", {})

    def place(self, tree: Namespace) -> None:
        """Write the method into its noun."""
        nouns, name = self.named()
        where = tree
        for noun in nouns:
            where = where.child(noun)
        where.methods.append(self.text(name))

    def named(self) -> tuple[list[str], str]:
        """Return the nouns and the verb of this call."""
        *above, last = self.literals
        if self.on_one:
            verbs = {"get": "retrieve", "put": "update", "patch": "update", "delete": "delete"}
            return self.literals, verbs[self.method]
        collection = "get" in self.document["paths"][self.path] or last in ONLY_POSTED
        if self.method == "get":
            if "data" in self.answer:
                return self.literals, "list"
            noun = not above or "put" in self.document["paths"][self.path] or last.endswith("s")
            return (self.literals, "retrieve") if noun else (above, last)
        if self.method == "post":
            return (self.literals, "create") if collection else (above, last)
        return self.literals, {"put": "update", "patch": "update"}[self.method]

    @property
    def schema(self) -> Json:
        """The schema of the answer, {} for what is no JSON."""
        found: Json = self.content.get("application/json", {}).get("schema", {})
        return found

    @property
    def answer(self) -> Json:
        """The fields of the answer."""
        name = self.schema.get("$ref", "").removeprefix(REF)
        found: Json = self.names.schemas.get(name, {}).get("properties", {})
        return found

    @property
    def item(self) -> Json | None:
        """What a list that goes on is made of, None for anything else."""
        if not {"has_more", "data"} <= self.answer.keys():
            return None
        found: Json = self.answer["data"]["items"]
        return found

    @property
    def body(self) -> Json:
        """The schema of the request's body, {} without one."""
        content = self.operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        name = schema.get("$ref", "").removeprefix(REF)
        found: Json = self.names.schemas.get(name, schema)
        return found

    def fields(self) -> list[tuple[str, str, str, bool]]:
        """Return name, argument, annotation and need of all that is given by name."""
        found = []
        for one in self.operation.get("parameters", []):
            if one["in"] == "query":
                kind = self.names.python(one["schema"], given=True)
                found.append((one["name"], kind, one.get("required", False)))
        needed = set(self.body.get("required", ()))
        for name, told in self.body.get("properties", {}).items():
            found.append((name, self.names.python(told, given=True), name in needed))
        found.sort(key=lambda one: not one[2])
        return [(name, argument_of(name), kind, must) for name, kind, must in found]

    def text(self, name: str) -> str:
        """Return the method."""
        fields = self.fields()
        places = [f"{one}: str" for one in self.arguments]
        named = [
            f"{argument}: {kind}" if must else f"{argument}: {optional(kind)} = UNSET"
            for _, argument, kind, must in fields
        ]
        if self.method == "post":
            named.append("idempotency_key: str | None = None")
        star = ["*"] if named else []
        result = self.result
        head = f"    def {name}({', '.join(['self', *places, *star, *named])}) -> {result}:"
        if len(head) > WIDTH + 4:
            inside = "".join(f"        {one},\n" for one in ["self", *places, *star, *named])
            head = f"    def {name}(\n{inside}    ) -> {result}:"
        lines = [head, *doc(self.operation.get("description", name), 8)[:-1], *self.sends(fields)]
        return "\n".join(lines)

    @property
    def result(self) -> str:
        """The annotation of the answer."""
        if self.item is not None:
            return f"Listing[{self.names.python(self.item)}]"
        if self.schema:
            return self.names.python(self.schema)
        kinds = list(self.content)
        return "bytes" if any(kind.startswith("image/") for kind in kinds) else "str"

    def sends(self, fields: list[tuple[str, str, str, bool]]) -> list[str]:
        """Return the lines that make the call."""
        in_query = {
            one["name"] for one in self.operation.get("parameters", []) if one["in"] == "query"
        }
        path = self.path
        for one in self.arguments:
            path = path.replace(f"{{{one}}}", f"{{place({one})}}")
        where = f'f"{path}"' if self.arguments else f'"{path}"'
        query = pairs((name, argument) for name, argument, *_ in fields if name in in_query)
        body = pairs((name, argument) for name, argument, *_ in fields if name not in in_query)
        if self.item is not None:
            of = self.names.python(self.item)
            return [f"        return Listing(self._transport, {where}, {of}, given({query}))"]
        parts = [f'"{self.method.upper()}"', where, self.result]
        if query != "{}":
            parts.append(f"query=given({query})")
        if self.operation.get("requestBody"):
            parts.append(f"body=given({body})")
        if self.method == "post":
            parts.append("idempotency_key=idempotency_key")
        inside = "".join(f"            {part},\n" for part in parts)
        return [
            f"        found: {self.result} = self._transport.call(\n{inside}        )",
            "        return found",
        ]


def optional(kind: str) -> str:
    """Return the annotation of what may be left out."""
    return f"Unset | {kind}"


def argument_of(name: str) -> str:
    """Return a field's name as an argument."""
    return f"{name}_" if keyword.iskeyword(name) else name.replace("-", "_")


def pairs(fields: Iterable[tuple[str, str]]) -> str:
    """Return the text of a dict of what is given."""
    return "{" + ", ".join(f'"{name}": {argument}' for name, argument in fields) + "}"


def resources(tree: Namespace, names: Names) -> str:
    """Return the text of resources.py."""
    used = sorted({names.of(one) for one in names.inputs | names.outputs})
    text = [namespace(one) for one in tree.all()]
    root = ["class Resources:", '    """All nouns of the gateway."""', ""]
    root += ["    def __init__(self, transport: Transport) -> None:"]
    root += [f"        self.{name} = {one.type}(transport)" for name, one in tree.below.items()]
    body = "\n\n\n".join([*text, "\n".join(root)])
    imports = "".join(f"    {name},\n" for name in used if re.search(rf"\b{name}\b", body))
    head = f'''"""Every call of the gateway. Made by generate.py: do not edit."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from mizan_client.listing import Listing
from mizan_client.models import (
{imports})
from mizan_client.transport import Transport


class Unset:
    """What was not given: None is sent as null."""


UNSET = Unset()


def given(fields: dict[str, Any]) -> dict[str, Any]:
    """Return what was given."""
    return {{name: value for name, value in fields.items() if not isinstance(value, Unset)}}


def place(value: str) -> str:
    """Write a value as one part of a path."""
    return quote(value, safe="@")


'''
    return head + body + "\n"


def namespace(one: Namespace) -> str:
    """Return the class of a noun."""
    lines = [f"class {one.type}:", f'    """{one.name.replace("_", " ").capitalize()}."""', ""]
    lines += ["    def __init__(self, transport: Transport) -> None:"]
    lines += ["        self._transport = transport"]
    lines += [f"        self.{name} = {below.type}(transport)" for name, below in one.below.items()]
    return "\n".join(lines) + "".join(f"\n\n{method}" for method in one.methods)


if __name__ == "__main__":
    main()
