// SPDX-License-Identifier: Apache-2.0

// Shows /openapi.json. Everything is put in as text, never as markup; nothing is asked of another
// host.

const rooms = document.getElementById("rooms");
const find = document.getElementById("find");

const make = (tag, options = {}, ...children) => {
  const out = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) out[name] = value;
  out.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return out;
};

/** Text whose `words` in backticks are code. */
const prose = (tag, text, options = {}) =>
  make(tag, options, ...(text ?? "").split("`").map((part, i) => (i % 2 ? make("code", { textContent: part }) : part)));

const nameOf = (reference) => reference.split("/").pop();

/** A schema as people write it: `integer 1…10`, `"left" | "right"`, `Window`. */
function short(schema) {
  if (!schema || typeof schema !== "object") return "any";
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.anyOf) return schema.anyOf.map(short).join(" | ");
  if (schema.allOf) return schema.allOf.map(short).join(" & ");
  const type = Array.isArray(schema.type) ? schema.type.join(" | ") : (schema.type ?? "any");
  if (schema.type === "array") return `list of ${short(schema.items)}`;
  const low = schema.minimum ?? schema.minLength;
  const high = schema.maximum ?? schema.maxLength;
  const range = low === undefined && high === undefined ? "" : ` ${low ?? ""}…${high ?? ""}`;
  return type + range + (schema.pattern ? ` ${schema.pattern}` : "");
}

/** Its fields in lines, those of the schemas that it names too, to a depth. */
function lines(schema, all, indent = "", depth = 0) {
  if (!schema || depth > 4) return [];
  if (schema.$ref) return lines(all[nameOf(schema.$ref)], all, indent, depth + 1);
  if (schema.type === "array" || schema.type?.includes?.("array"))
    return lines(schema.items, all, indent, depth + 1);
  const out = [];
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const needed = schema.required?.includes(name) ? "" : "?";
    const about = field.description ? `   ${field.description}` : "";
    out.push(`${indent}${name}${needed}: ${short(field)}${about}`);
    out.push(...lines(field, all, `${indent}  `, depth + 1));
  }
  const branches = schema.anyOf ?? schema.allOf ?? [];
  branches.forEach((one, i) => {
    const inner = lines(one, all, indent, depth + 1);
    if (i > 0 && inner.length && schema.anyOf) out.push(`${indent}or`);
    out.push(...inner);
  });
  return out;
}

function shape(schema, all) {
  const text = lines(schema, all).join("\n");
  return make("pre", { textContent: text || short(schema) });
}

function parameters(list) {
  const out = make("dl");
  for (const one of list) {
    out.append(
      make("dt", { textContent: one.name, className: one.required ? "needed" : "" }),
      prose("dd", `${one.in}, ${short(one.schema)}${one.description ? `: ${one.description}` : ""}`),
    );
  }
  return out;
}

function answers(responses, all) {
  const out = make("div");
  const problems = make("dl");
  for (const [status, one] of Object.entries(responses)) {
    const types = Object.entries(one.content ?? {});
    if (types.length && types.every(([type]) => type === "application/problem+json")) {
      problems.append(make("dt", { textContent: status }), prose("dd", one.description));
      continue;
    }
    const good = types.filter(([type]) => type !== "application/problem+json");
    out.append(make("p", { textContent: `${status} ${one.description ?? ""}${good.length ? ` (${good.map(([type]) => type).join(", ")})` : ""}` }));
    const headers = Object.entries(one.headers ?? {});
    if (headers.length) out.append(parameters(headers.map(([name, h]) => ({ name, in: "header", schema: h.schema, description: h.description }))));
    const json = good.find(([type]) => type === "application/json");
    if (json) out.append(shape(json[1].schema, all));
  }
  out.append(make("h3", { textContent: "Problems" }), problems);
  return out;
}

function route(path, method, what, all) {
  const socket = what["x-websocket"];
  const scopes = what["x-scopes"];
  const body = make("div");
  if (what.description) for (const part of what.description.split("\n\n")) body.append(prose("p", part));
  body.append(make("p", { className: "about", textContent: scopes.length ? `Scope: ${scopes.join(", ")}` : "Open: no credential needed" }));
  if (what.parameters.length) body.append(make("h3", { textContent: "Parameters" }), parameters(what.parameters));
  const content = Object.entries(what.requestBody?.content ?? {});
  if (content.length) {
    body.append(make("h3", { textContent: "Body" }));
    body.append(make("p", { textContent: `${content.map(([type]) => type).join(", ")}. ${what.requestBody.description ?? ""}` }));
    if (content[0][1].schema) body.append(shape(content[0][1].schema, all));
  }
  body.append(make("h3", { textContent: "Answers" }), answers(what.responses, all));
  const summary = make(
    "summary",
    {},
    make("span", { className: "method", textContent: socket ? "WS" : method.toUpperCase() }),
    make("span", { className: "path", textContent: path }),
    make("span", { className: "about", textContent: what.summary }),
  );
  const out = make("details", { className: "route", id: what.operationId }, summary, body);
  out.dataset.words = `${path} ${what.summary} ${scopes.join(" ")} ${what.tags.join(" ")}`.toLowerCase();
  return out;
}

function show(document_) {
  const all = document_.components.schemas;
  const by = new Map(document_.tags.map((tag) => [tag.name, make("section", {}, make("h2", { textContent: tag.name }), prose("p", tag.description))]));
  for (const [path, methods] of Object.entries(document_.paths))
    for (const [method, what] of Object.entries(methods)) by.get(what.tags[0])?.append(route(path, method, what, all));
  const about = make("section");
  for (const part of document_.info.description.split("\n\n")) about.append(prose("p", part));
  rooms.replaceChildren(about, ...by.values());
  const wanted = location.hash && document.getElementById(location.hash.slice(1));
  if (wanted) {
    wanted.open = true;
    wanted.scrollIntoView();
  }
}

find.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of rooms.querySelectorAll("section")) {
    const routes = [...section.querySelectorAll(".route")];
    for (const one of routes) one.hidden = !words.every((word) => one.dataset.words.includes(word));
    section.hidden = words.length > 0 && routes.every((one) => one.hidden);
  }
});

try {
  const got = await fetch("/openapi.json");
  if (!got.ok) throw new Error(`the daemon answered ${got.status}`);
  show(await got.json());
} catch (why) {
  rooms.replaceChildren(make("p", { textContent: `The description could not be loaded: ${why.message}` }));
}
