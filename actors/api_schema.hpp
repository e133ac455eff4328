// SPDX-License-Identifier: Apache-2.0
#pragma once

// What JSON may look like, for the description of the API: small values that compose, each a piece
// of JSON Schema. Pure, any thread. Knows nothing of routes; limits come from those who read.

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace holt::api {

class schema {
public:
  explicit schema(nlohmann::json what);
  const nlohmann::json& json() const noexcept { return *json_; }
  /// The same with a description.
  schema says(std::string_view doc) const;
  /// The same with an example.
  schema like(std::string_view example) const;

private:
  std::shared_ptr<const nlohmann::json> json_;
};

schema integer(std::int64_t min, std::int64_t max);
/// From 0 on.
schema count();
/// Any whole number.
schema integer();
schema number(double min, double max);
/// A string of at least so many characters.
schema text(std::size_t min = 0);
/// A string of at most so many bytes, which JSON Schema cannot tell of other letters than ASCII.
schema text_bytes(std::size_t min, std::size_t max);
/// A string of this form (ECMA 262).
schema text_like(std::string_view pattern);
schema flag();
/// One of these strings.
schema one_of(std::initializer_list<std::string_view> words);
schema list(const schema& of, std::size_t min = 0, std::size_t max = ~std::size_t{0});
/// An object of any names.
schema map_of(const schema& value);
/// Any object.
schema object();
schema anything();
schema either(std::initializer_list<schema> some);
/// Each of those that `what` may be, changed; itself where it is one.
schema each(const schema& what, const std::function<schema(const schema&)>& change);
schema nothing(); ///< null
schema or_null(const schema& what);
/// A schema of the document's components.
schema named(std::string_view name);

struct field {
  std::string name;
  schema what;
  bool required = false;
};
/// Must be there.
field need(std::string_view name, const schema& what, std::string_view doc = {});
/// May be missing; of answers.
field may(std::string_view name, const schema& what, std::string_view doc = {});
/// May be missing or null, which are the same; of bodies.
field opt(std::string_view name, const schema& what, std::string_view doc = {});

/// Other fields may come: readers ignore what they do not know.
schema object(std::initializer_list<field> fields);
/// No other fields.
schema closed(const schema& object);
/// The first and more.
schema extended(const schema& base, std::initializer_list<field> fields);

} // namespace holt::api
