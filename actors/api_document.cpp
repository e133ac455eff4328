// SPDX-License-Identifier: Apache-2.0
#include "actors/api_document.hpp"

#include "actors/control_standing.hpp"
#include "messages/text_bytes.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace holt::api {

namespace {

using nlohmann::json;

constexpr const char* about_all
  = "The local API of one sandbox: desktop, processes, terminals and files.\n\n"
    "Every error is a problem document (`application/problem+json`) whose `code` is one of those "
    "named at the route. Unknown fields and query parameters are ignored unless a route says "
    "otherwise; in bodies, `null` counts as missing. A `HEAD` goes where its `GET` goes.\n\n"
    "A credential is the header `Authorization: Bearer TOKEN`, or the cookie that `POST "
    "/v1/session` gives to a page. WebSockets, which browsers open without headers, also take the "
    "query parameters `access_token` and `ticket`. What a credential must allow (scopes `view`, "
    "`input`, `fs`, `exec`, `admin`) stands at each route.\n\n"
    "Beside these routes the daemon serves the Realtime protocol of its own broker under "
    "`/realtime/v1/`, `/socket/` and `/api/broadcast`; that is Supabase's contract.";

/// `post_desktop_mouse_move`.
std::string operation_id(const route_facts& route) {
  std::string out = route.websocket ? "ws" : lower(route.method);
  std::string_view path = route.pattern;
  if (path.starts_with("/v1/"))
    path.remove_prefix(3);
  for (char c : path)
    if (c != '{' && c != '}')
      out += c == '/' || c == '-' || c == '.' ? '_' : c;
  return out;
}

json parameter_json(const parameter& one) {
  json out{
    {"name", one.name}, {"in", one.in}, {"required", one.required}, {"schema", one.what.json()}};
  if (!one.doc.empty())
    out["description"] = one.doc;
  return out;
}

/// Its names in the path that no note tells of are strings.
json parameters_json(const route_facts& route, const note& what) {
  json out = json::array();
  for (const auto& one : what.parameters)
    out.push_back(parameter_json(one));
  std::string_view rest = route.pattern;
  for (auto open = rest.find('{'); open != rest.npos; open = rest.find('{')) {
    const auto close = rest.find('}', open);
    const std::string name{rest.substr(open + 1, close - open - 1)};
    rest.remove_prefix(close + 1);
    const bool told = std::any_of(what.parameters.begin(), what.parameters.end(),
                                  [&](const auto& p) { return p.in == "path" && p.name == name; });
    if (!told)
      out.push_back(parameter_json({name, "path", text(1), true, ""}));
  }
  if (route.websocket) {
    out.push_back(parameter_json({"access_token", "query", text(), false, "a token"}));
    out.push_back(parameter_json({"ticket", "query", text(), false, "a ticket; used up by it"}));
  }
  return out;
}

json body_json(const route_facts& route, const note& what) {
  json out{{"required", what.body_required}, {"content", json::object()}};
  if (what.body_schema)
    out["content"]["application/json"]["schema"] = what.body_schema->json();
  for (const auto& type : what.body_types)
    out["content"][type] = json::object();
  std::string doc = what.body_doc;
  if (route.max_body_bytes != 0)
    doc += (doc.empty() ? "At most " : " At most ") + std::to_string(route.max_body_bytes)
           + " bytes.";
  if (!doc.empty())
    out["description"] = doc;
  return out;
}

bool has_body(const note& what) {
  return what.body_schema || !what.body_types.empty();
}

std::vector<errc> all_codes(const route_facts& route, const note& what) {
  std::vector<errc> out{errc::invalid_request,   errc::origin_refused,  errc::host_refused,
                        errc::payload_too_large, errc::request_timeout, errc::headers_too_large,
                        errc::shutting_down,     errc::internal};
  auto join
    = [&](std::initializer_list<errc> more) { out.insert(out.end(), more.begin(), more.end()); };
  if (!route.open)
    join({errc::token_invalid, errc::forbidden, errc::too_many_requests});
  if (has_body(what))
    join({errc::unsupported_type, errc::unprocessable});
  if (route.websocket)
    join({errc::upgrade_required});
  if (route.pattern.find('{') != std::string::npos)
    join({errc::not_found});
  out.insert(out.end(), what.codes.begin(), what.codes.end());
  return out;
}

/// By status: the codes it may carry, and what they mean.
void add_problems(json& into, const route_facts& route, const note& what) {
  std::map<unsigned, std::map<std::string, std::string>> by_status;
  for (const auto code : all_codes(route, what)) {
    const auto& row = info(code);
    by_status[row.http].emplace(row.word, row.sentence);
    if (code == errc::control_held)
      for (const auto why : {control::refusal::paused, control::refusal::changed})
        by_status[row.http].emplace(control::word(why), row.sentence);
  }
  for (const auto& word : what.words)
    by_status[404].emplace(word, info(errc::not_found).sentence);
  for (const auto& [word, sentence] : what.lacking)
    by_status[503].emplace(word, sentence);
  for (const auto& [status, codes] : by_status) {
    json words = json::array();
    std::string doc;
    for (const auto& [word, sentence] : codes) {
      words.push_back(word);
      doc += (doc.empty() ? "`" : "; `") + word + "`: " + sentence;
    }
    const json tied{{"allOf",
                     {{{"$ref", "#/components/schemas/Problem"}},
                      {{"properties", {{"code", {{"enum", words}}}}}}}}};
    auto& slot = into[std::to_string(status)];
    slot["description"]
      = slot.contains("description") ? slot["description"].get<std::string>() + " Or " + doc : doc;
    slot["content"]["application/problem+json"]["schema"] = tied;
  }
}

json responses_json(const route_facts& route, const note& what) {
  json out = json::object();
  if (route.websocket)
    out["101"]["description"] = "The WebSocket is open.";
  for (const auto& one : what.answer_notes) {
    auto& slot = out[std::to_string(one.status)];
    slot["description"] = one.doc;
    for (const auto& [type, shape] : one.content)
      slot["content"][type]["schema"] = shape.json();
    for (const auto& h : one.headers) {
      json shown{{"schema", h.what.json()}};
      if (!h.doc.empty())
        shown["description"] = h.doc;
      slot["headers"][h.name] = shown;
    }
  }
  add_problems(out, route, what);
  return out;
}

json operation(const route_facts& route, const note& what) {
  json out{{"operationId", operation_id(route)},
           {"summary", what.summary},
           {"tags", json::array({what.room})},
           {"parameters", parameters_json(route, what)},
           {"responses", responses_json(route, what)}};
  std::string doc = what.text;
  if (route.websocket) {
    out["x-websocket"] = true;
    doc += (doc.empty() ? "" : "\n\n") + std::string{"A WebSocket."};
    if (!what.frames_in.empty())
      doc += "\n\nTo the daemon: " + what.frames_in;
    if (!what.frames_out.empty())
      doc += "\n\nFrom the daemon: " + what.frames_out;
  }
  if (!doc.empty())
    out["description"] = doc;
  if (has_body(what))
    out["requestBody"] = body_json(route, what);
  const auto scopes = http::words(route.needs);
  out["x-scopes"] = scopes;
  if (route.open)
    out["security"] = json::array({json::object(), {{"token", json::array()}}});
  else
    out["security"] = json::array({{{"token", scopes}}, {{"session", scopes}}});
  return out;
}

json problem_schema() {
  return object({need("type", text(), "urn:sandbox-agent:error:CODE or urn:holt:error:CODE"),
                 need("title", text()), need("status", integer(400, 599)),
                 need("detail", text(), "what happened and what to do, for people"),
                 need("code", text(), "stable"),
                 may("field", text(), "the field or query parameter that is wrong"),
                 may("details", object())})
    .json();
}

json components(const notes& about) {
  json out;
  out["schemas"]["Problem"] = problem_schema();
  for (const auto& [name, shape] : about.schemas())
    out["schemas"][name] = shape.json();
  out["securitySchemes"]
    = {{"token",
        {{"type", "http"}, {"scheme", "bearer"}, {"description", "Authorization: Bearer TOKEN"}}},
       {"session",
        {{"type", "apiKey"},
         {"in", "cookie"},
         {"name", "holt_session"},
         {"description",
          "What POST /v1/session sets; the name ends in `_PORT` where Host names a port. Needs the "
          "page's own Origin, or a listed one, for anything but GET."}}}};
  return out;
}

std::string key_of(const std::string& method, const std::string& pattern) {
  return method + " " + pattern;
}

} // namespace

json openapi(const std::vector<route_facts>& routes, const notes& about) {
  json out{{"openapi", "3.1.0"},
           {"info",
            {{"title", "Holt"},
             {"version", HOLT_VERSION},
             {"description", about_all},
             {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
           {"servers", json::array({{{"url", "/"}}})},
           {"tags", json::array()},
           {"paths", json::object()},
           {"components", components(about)}};
  std::set<std::string> used;
  for (const auto& route : routes)
    if (const auto* what = about.find(route.method, route.pattern)) {
      used.insert(what->room);
      out["paths"][route.pattern][lower(route.method)] = operation(route, *what);
    }
  for (const auto& [name, doc] : about.rooms())
    if (used.contains(name))
      out["tags"].push_back({{"name", name}, {"description", doc}});
  return out;
}

std::vector<std::string> misfits(const std::vector<route_facts>& routes, const notes& about) {
  std::set<std::string> had;
  std::vector<std::string> out;
  for (const auto& one : routes) {
    had.insert(key_of(one.method, one.pattern));
    const auto* what = about.find(one.method, one.pattern);
    if (what == nullptr)
      out.push_back(key_of(one.method, one.pattern) + " has no note");
    else if (what->answer_notes.empty() && !one.websocket)
      out.push_back(key_of(one.method, one.pattern) + " does not say what it answers");
  }
  for (const auto& one : about.all())
    if (!had.contains(key_of(one.method, one.pattern)))
      out.push_back(key_of(one.method, one.pattern) + " is no route");
  return out;
}

} // namespace holt::api
