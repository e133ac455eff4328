# SPDX-License-Identifier: Apache-2.0
"""Every field and query parameter of every route, by the description of the API: missing, of another
type, out of range, unknown. Each is refused with a problem that names it; nothing is a fault of the
daemon's."""

from __future__ import annotations

import http.client
import json
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator
from web import LIMIT_S

TYPES = [{}, [], "?", 7, 1.5, True]
SKIPPED_QUERIES = {"access_token", "ticket"}


def resolve(schema: dict, whole: dict) -> dict:
    while "$ref" in schema:
        schema = whole["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def valid(schema: dict, whole: dict):
    """The least that fits."""
    schema = resolve(schema, whole)
    if "anyOf" in schema:
        base = {k: v for k, v in schema.items() if k != "anyOf"}
        for one in schema["anyOf"]:
            merged = {**resolve(one, whole), **({} if "properties" not in base else {
                "properties": {**resolve(one, whole).get("properties", {}), **base["properties"]}})}
            value = valid(merged, whole)
            if value is not None:
                return value
        return None
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: valid(schema["properties"][name], whole) for name in schema.get("required", [])}
    if kind == "array":
        return [valid(schema["items"], whole) for _ in range(schema.get("minItems", 0))]
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 0), min(0, schema.get("maximum", 0)))
    if kind == "boolean":
        return False
    if kind == "null":
        return None
    if "pattern" in schema:
        return None
    return (schema.get("examples") or ["x" * max(1, schema.get("minLength", 1))])[0]


def suspects(schema: dict, whole: dict):
    """Values beside what the schema allows; the validator says which are."""
    schema = resolve(schema, whole)
    yield from TYPES
    for one in [schema, *(resolve(o, whole) for o in schema.get("anyOf", []))]:
        if "minimum" in one:
            yield one["minimum"] - 1
        if "maximum" in one:
            yield one["maximum"] + 1
        if one.get("minLength"):
            yield ""
        if one.get("maxLength", 1 << 20) < 1 << 16:
            yield "x" * (one["maxLength"] + 1)
        if one.get("minItems"):
            yield []
        if one.get("maxItems", 1 << 20) < 10_000:
            yield [valid(one["items"], whole)] * (one["maxItems"] + 1)
        if "items" in one:
            yield from ([wrong] for wrong in TYPES)
        for name in one.get("properties", {}):
            yield from ({name: wrong} for wrong in TYPES)
    yield 2**70


@pytest.fixture(scope="module")
def whole(bare):
    return bare.get("/openapi.json")


@pytest.fixture(scope="module")
def there(bare):
    """Paths with things that there are."""
    process = bare.post("/v1/processes", {"command": "cat", "interactive": True, "tty": True})
    yield {"/v1/processes/{id}": process["id"]}
    bare.post(f"/v1/processes/{process['id']}/kill")


def operations(whole: dict, there: dict):
    for path, methods in whole["paths"].items():
        for method, what in methods.items():
            if what.get("x-websocket"):
                continue
            names = next((v for k, v in there.items() if path.startswith(k)), "7")
            concrete = path
            for one in what["parameters"]:
                if one["in"] == "path":
                    concrete = concrete.replace("{" + one["name"] + "}", names)
            needed = {one["name"]: str(valid(one["schema"], whole)) for one in what["parameters"]
                      if one["in"] == "query" and one["required"]}
            yield method.upper(), path, concrete, what, needed


def with_query(path: str, query: dict) -> str:
    return path + ("?" + "&".join(f"{k}={quote(v)}" for k, v in query.items()) if query else "")


class Line:
    """One connection for all."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.connection = http.client.HTTPConnection(daemon.client.host, daemon.client.port,
                                                     timeout=LIMIT_S)

    def ask(self, method: str, path: str, raw: bytes = b"", kind: str = "application/json"):
        headers = {"Authorization": f"Bearer {self.daemon.token}", "Content-Type": kind,
                   "Content-Length": str(len(raw))}
        self.connection.request(method, path, raw, headers)
        answer = self.connection.getresponse()
        body = answer.read()
        try:
            document = json.loads(body)
        except ValueError:
            document = {}
        return answer.status, document if isinstance(document, dict) else {}


def json_bodies(whole, there):
    for method, path, concrete, what, needed in operations(whole, there):
        schema = what.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if schema:
            yield method, path, with_query(concrete, needed), schema


def body_of(what: dict, whole: dict) -> bytes:
    """One that fits, where the route takes JSON."""
    content = what.get("requestBody", {}).get("content", {}).get("application/json")
    return json.dumps(valid(content["schema"], whole)).encode() if content else b""


def field_names(schema: dict, whole: dict) -> dict:
    schema = resolve(schema, whole)
    names = dict(schema.get("properties", {}))
    for one in schema.get("anyOf", []):
        for name, of in resolve(one, whole).get("properties", {}).items():
            known = names.get(name)
            names[name] = of if known is None else {"anyOf": [known, of]}
    return names


def test_every_field_that_is_wrong_is_named(bare, whole, there):
    line, failures, asked = Line(bare), [], 0
    for method, path, concrete, schema in json_bodies(whole, there):
        checker = Draft202012Validator({**schema, "components": whole["components"]})
        good = valid(schema, whole)
        assert checker.is_valid(good), (path, good)
        for name, of in field_names(schema, whole).items():
            wrong = [{**good, name: value} for value in suspects(of, whole)]
            wrong.append({k: v for k, v in good.items() if k != name})
            for body in wrong:
                if checker.is_valid(body):
                    continue
                asked += 1
                status, problem = line.ask(method, concrete, json.dumps(body).encode())
                if status not in (400, 413, 422) or name not in problem.get("detail", ""):
                    failures.append((method, path, name, str(body)[:120], status,
                                     problem.get("detail")))
        if resolve(schema, whole).get("additionalProperties") is False:
            status, problem = line.ask(method, concrete, json.dumps({**good, "surprise": 1}).encode())
            if status not in (400, 422) or "surprise" not in problem.get("detail", ""):
                failures.append((method, path, "surprise", status, problem.get("detail")))
    print(f"{asked} wrong bodies")
    assert asked > 500
    assert not failures, "\n".join(map(str, failures[:60]))


def test_every_query_that_is_wrong_is_named(bare, whole, there):
    line, failures, asked = Line(bare), [], 0
    for method, path, concrete, what, needed in operations(whole, there):
        for one in what["parameters"]:
            if one["in"] != "query" or one["name"] in SKIPPED_QUERIES:
                continue
            schema, name = resolve(one["schema"], whole), one["name"]
            kind = schema.get("type")
            wrong = []
            if kind in ("integer", "number"):
                wrong = ["?", "", "1x", "0x1", str(2**70)]
                wrong += [str(schema[k] + d) for k, d in (("minimum", -1), ("maximum", 1)) if k in schema]
            elif "enum" in schema:
                wrong = ["?"]
            elif schema.get("minLength") and one["required"]:
                wrong = [""]
            raw = body_of(what, whole)
            for text in wrong:
                asked += 1
                status, problem = line.ask(method, with_query(concrete, {**needed, name: text}), raw)
                if status not in (400, 422) or name not in problem.get("detail", ""):
                    failures.append((method, path, name, text, status, problem.get("detail")))
            if one["required"]:
                asked += 1
                status, problem = line.ask(method, with_query(
                    concrete, {k: v for k, v in needed.items() if k != name}))
                if status not in (400, 422) or name not in problem.get("detail", ""):
                    failures.append((method, path, name, "missing", status, problem.get("detail")))
    print(f"{asked} wrong queries")
    assert asked > 100
    assert not failures, "\n".join(map(str, failures[:60]))


def test_bodies_that_are_none(bare, whole, there):
    line, failures = Line(bare), []
    deep = b'{"a":' * 100 + b"1" + b"}" * 100
    most = {"/v1/desktop/clipboard": 24 * 1024 * 1024}  # pictures
    for method, path, concrete, _ in json_bodies(whole, there):
        for raw, kind, expected in ((b"{", "application/json", {400}), (b"[]", "application/json", {422}),
                                    (b"\xff{}", "application/json", {400}),
                                    (deep, "application/json", {400}), (b"{}", "text/plain", {415}),
                                    (b" " * (most.get(path, 1_048_576) + 1), "application/json", {413})):
            try:
                status, problem = line.ask(method, concrete, raw, kind)
            except (OSError, http.client.HTTPException):
                line = Line(bare)  # refused while it was sent
                continue
            if status == 413:
                line = Line(bare)  # closed after it
            if status not in expected or not problem.get("code"):
                failures.append((method, path, raw[:20], kind, status, problem.get("detail")))
    assert not failures, "\n".join(map(str, failures[:60]))
