// SPDX-License-Identifier: Apache-2.0
#include "actors/api_schema.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace holt::api {

namespace {

using nlohmann::json;

schema typed(const char* type) {
  return schema{json{{"type", type}}};
}

void add_fields(json& into, std::initializer_list<field> fields) {
  for (const auto& one : fields) {
    into["properties"][one.name] = one.what.json();
    if (one.required)
      into["required"].push_back(one.name);
  }
}

schema described(const schema& what, std::string_view doc) {
  return doc.empty() ? what : what.says(doc);
}

} // namespace

schema::schema(nlohmann::json what)
  : json_{std::make_shared<const nlohmann::json>(std::move(what))} {}

schema schema::says(std::string_view doc) const {
  auto out = *json_;
  out["description"] = std::string{doc};
  return schema{std::move(out)};
}

schema schema::like(std::string_view example) const {
  auto out = *json_;
  out["examples"].push_back(std::string{example});
  return schema{std::move(out)};
}

schema integer(std::int64_t min, std::int64_t max) {
  return schema{json{{"type", "integer"}, {"minimum", min}, {"maximum", max}}};
}

schema count() {
  return schema{json{{"type", "integer"}, {"minimum", 0}}};
}

schema integer() {
  return typed("integer");
}

schema number(double min, double max) {
  return schema{json{{"type", "number"}, {"minimum", min}, {"maximum", max}}};
}

schema text(std::size_t min) {
  json out{{"type", "string"}};
  if (min != 0)
    out["minLength"] = min;
  return schema{std::move(out)};
}

schema text_bytes(std::size_t min, std::size_t max) {
  json out{{"type", "string"}, {"minLength", min}, {"maxLength", max}, {"x-maxBytes", max}};
  return schema{std::move(out)};
}

schema text_like(std::string_view pattern) {
  return schema{json{{"type", "string"}, {"pattern", std::string{pattern}}}};
}

schema flag() {
  return typed("boolean");
}

schema one_of(std::initializer_list<std::string_view> words) {
  json out{{"type", "string"}};
  for (const auto word : words)
    out["enum"].push_back(std::string{word});
  return schema{std::move(out)};
}

schema list(const schema& of, std::size_t min, std::size_t max) {
  json out{{"type", "array"}, {"items", of.json()}};
  if (min != 0)
    out["minItems"] = min;
  if (max != ~std::size_t{0})
    out["maxItems"] = max;
  return schema{std::move(out)};
}

schema map_of(const schema& value) {
  return schema{json{{"type", "object"}, {"additionalProperties", value.json()}}};
}

schema object() {
  return typed("object");
}

schema anything() {
  return schema{json::object()};
}

schema either(std::initializer_list<schema> some) {
  json out = json::object();
  for (const auto& one : some)
    out["anyOf"].push_back(one.json());
  return schema{std::move(out)};
}

schema each(const schema& what, const std::function<schema(const schema&)>& change) {
  if (!what.json().contains("anyOf"))
    return change(what);
  json out = json::object();
  for (const auto& one : what.json()["anyOf"])
    out["anyOf"].push_back(change(schema{one}).json());
  return schema{std::move(out)};
}

schema nothing() {
  return typed("null");
}

schema or_null(const schema& what) {
  auto out = what.json();
  if (out.contains("type") && out["type"].is_string()) {
    out["type"] = json::array({out["type"], "null"});
    if (out.contains("enum"))
      out["enum"].push_back(nullptr);
    return schema{std::move(out)};
  }
  return either({what, typed("null")});
}

schema named(std::string_view name) {
  return schema{json{{"$ref", "#/components/schemas/" + std::string{name}}}};
}

field need(std::string_view name, const schema& what, std::string_view doc) {
  return {std::string{name}, described(what, doc), true};
}

field may(std::string_view name, const schema& what, std::string_view doc) {
  return {std::string{name}, described(what, doc), false};
}

field opt(std::string_view name, const schema& what, std::string_view doc) {
  return {std::string{name}, described(or_null(what), doc), false};
}

schema object(std::initializer_list<field> fields) {
  json out{{"type", "object"}};
  add_fields(out, fields);
  return schema{std::move(out)};
}

schema closed(const schema& object) {
  auto out = object.json();
  out["additionalProperties"] = false;
  return schema{std::move(out)};
}

schema extended(const schema& base, std::initializer_list<field> fields) {
  auto out = base.json();
  add_fields(out, fields);
  return schema{std::move(out)};
}

} // namespace holt::api
