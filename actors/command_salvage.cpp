// SPDX-License-Identifier: Apache-2.0
#include "actors/command_salvage.hpp"

#include "messages/command.hpp"

#include <nlohmann/json.hpp>

namespace holt {

namespace {

constexpr std::size_t most_looked_at = 4 * 1024 * 1024;
constexpr std::size_t most_id = 200;

class reader final : public nlohmann::json_sax<nlohmann::json> {
public:
  std::string id;
  std::string type;

  bool null() override { return go_on(); }
  bool boolean(bool) override { return go_on(); }
  bool number_integer(number_integer_t) override { return go_on(); }
  bool number_unsigned(number_unsigned_t) override { return go_on(); }
  bool number_float(number_float_t, const string_t&) override { return go_on(); }
  bool binary(binary_t&) override { return go_on(); }
  bool string(string_t& value) override {
    if (depth_ == 1 && key_ == "id" && id.empty())
      id = value;
    if (depth_ == 1 && key_ == "type" && type.empty())
      type = value;
    return go_on();
  }
  bool start_object(std::size_t) override { return ++depth_, go_on(); }
  bool end_object() override { return --depth_, go_on(); }
  bool start_array(std::size_t) override {
    if (depth_ == 0)
      return false; // no object at all
    return ++depth_, go_on();
  }
  bool end_array() override { return --depth_, go_on(); }
  bool key(string_t& name) override {
    if (depth_ == 1)
      key_ = name;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

private:
  bool go_on() const { return id.empty() || type.empty(); }

  std::size_t depth_ = 0;
  std::string key_;
};

} // namespace

std::string salvage_command_id(std::string_view text) {
  reader found;
  auto looked_at = text.substr(0, most_looked_at);
  (void)nlohmann::json::sax_parse(looked_at.begin(), looked_at.end(), &found);
  bool command = command_kind_from(found.type).has_value();
  bool usable = !found.id.empty() && found.id.size() <= most_id && is_utf8(found.id);
  return command && usable ? found.id : std::string{};
}

} // namespace holt
