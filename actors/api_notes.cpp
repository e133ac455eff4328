// SPDX-License-Identifier: Apache-2.0
#include "actors/api_notes.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

#include <utility>

namespace holt::api {

note::note(std::string m, std::string p, std::string r, std::string s)
  : method{std::move(m)}, pattern{std::move(p)}, room{std::move(r)}, summary{std::move(s)} {}

note& note::says(std::string_view what) {
  text = what;
  return *this;
}

note& note::query(std::string_view name, const schema& what, std::string_view doc) {
  parameters.push_back({std::string{name}, "query", what, false, std::string{doc}});
  return *this;
}

note& note::needs_query(std::string_view name, const schema& what, std::string_view doc) {
  query(name, what, doc);
  parameters.back().required = true;
  return *this;
}

note& note::path(std::string_view name, const schema& what, std::string_view doc) {
  parameters.push_back({std::string{name}, "path", what, true, std::string{doc}});
  return *this;
}

note& note::header(std::string_view name, const schema& what, std::string_view doc) {
  parameters.push_back({std::string{name}, "header", what, false, std::string{doc}});
  return *this;
}

note& note::body(const schema& what) {
  body_schema = what;
  const auto& shape = what.json();
  const auto needs = [](const nlohmann::json& one) { return one.contains("required"); };
  body_required = needs(shape)
                  || (shape.contains("anyOf")
                      && std::all_of(shape["anyOf"].begin(), shape["anyOf"].end(), needs));
  return *this;
}

note& note::bytes(std::initializer_list<std::string_view> types, std::string_view doc,
                  bool required) {
  for (const auto one : types)
    body_types.emplace_back(one);
  body_doc = doc;
  body_required = required;
  return *this;
}

note& note::ok(const schema& what, std::string_view doc) {
  answers(200, doc.empty() ? "OK" : doc);
  return as("application/json", what);
}

note& note::answers(unsigned status, std::string_view doc) {
  answer_notes.push_back({status, std::string{doc}, {}, {}});
  return *this;
}

note& note::nothing(std::string_view doc) {
  return answers(204, doc);
}

note& note::as(std::string_view type, const schema& what) {
  answer_notes.back().content.emplace_back(std::string{type}, what);
  return *this;
}

note& note::with(std::string_view name, const schema& what, std::string_view doc) {
  answer_notes.back().headers.push_back(
    {std::string{name}, "header", what, false, std::string{doc}});
  return *this;
}

note& note::fails(std::initializer_list<errc> some) {
  codes.insert(codes.end(), some.begin(), some.end());
  return *this;
}

note& note::misses(std::string_view word) {
  words.emplace_back(word);
  return *this;
}

note& note::lacks(std::string_view word, std::string_view sentence) {
  lacking.emplace_back(word, sentence);
  return *this;
}

note& note::frames(std::string_view in, std::string_view out) {
  frames_in = in;
  frames_out = out;
  return *this;
}

void notes::room(std::string_view name, std::string_view doc) {
  rooms_.emplace_back(std::string{name}, std::string{doc});
}

note& notes::add(std::string_view method, std::string_view pattern, std::string_view summary) {
  return all_.emplace_back(std::string{method}, std::string{pattern},
                           rooms_.empty() ? std::string{} : rooms_.back().first,
                           std::string{summary});
}

note& notes::get(std::string_view pattern, std::string_view summary) {
  return add("GET", pattern, summary);
}

note& notes::post(std::string_view pattern, std::string_view summary) {
  return add("POST", pattern, summary);
}

note& notes::websocket(std::string_view pattern, std::string_view summary) {
  return add("GET", pattern, summary);
}

void notes::define(std::string_view name, const schema& what) {
  schemas_.insert_or_assign(std::string{name}, what);
}

const note* notes::find(std::string_view method, std::string_view pattern) const {
  for (const auto& one : all_)
    if (one.method == method && one.pattern == pattern)
      return &one;
  return nullptr;
}

} // namespace holt::api
