// SPDX-License-Identifier: Apache-2.0
#include "app/config.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

#include <toml++/toml.h>

namespace holt {

namespace {

std::string upper(std::string_view text) {
  std::string out;
  for (char ch : text)
    out += ch == '.' ? '_' : static_cast<char>(ch >= 'a' && ch <= 'z' ? ch - 'a' + 'A' : ch);
  return out;
}

error bad(const std::string& where, const std::string& what) {
  return {errc::config, where + ": " + what};
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> out;
  std::stringstream in{text};
  std::string item;
  while (std::getline(in, item, ',')) {
    auto from = item.find_first_not_of(" \t");
    auto to = item.find_last_not_of(" \t");
    if (from != std::string::npos)
      out.push_back(item.substr(from, to - from + 1));
  }
  return out;
}

std::string words(const config_key& key) {
  std::string out;
  for (auto word : key.one_of)
    out += (out.empty() ? "" : ", ") + std::string{word};
  return out;
}

result<void> set_number(const config_key& key, const config_key::slot& slot, std::uint64_t value) {
  if (value < key.min || value > key.max)
    return error{errc::config, "must be a number from " + std::to_string(key.min) + " to "
                                 + std::to_string(key.max)};
  std::visit(
    [&](auto* x) {
      using type = std::remove_pointer_t<decltype(x)>;
      if constexpr (std::is_integral_v<type> && !std::is_same_v<type, bool>)
        *x = static_cast<type>(value);
    },
    slot);
  return {};
}

result<void> set_word(const config_key& key, std::string& target, const std::string& text) {
  if (!key.one_of.empty()
      && std::find(key.one_of.begin(), key.one_of.end(), text) == key.one_of.end())
    return error{errc::config, "must be one of " + words(key)};
  target = text;
  return {};
}

const config_key* find_key(std::string_view name) {
  for (const auto& key : config_keys())
    if (key.name == name)
      return &key;
  return nullptr;
}

result<void> set_from_toml(const config_key& key, config& target, const toml::node& node) {
  auto slot = key.at(target);
  if (auto* text = std::get_if<std::string*>(&slot)) {
    if (!node.is_string())
      return error{errc::config, "must be a text in quotes"};
    return set_word(key, **text, node.ref<std::string>());
  }
  if (auto* flag = std::get_if<bool*>(&slot)) {
    if (!node.is_boolean())
      return error{errc::config, "must be true or false"};
    **flag = node.ref<bool>();
    return {};
  }
  if (auto* list = std::get_if<std::vector<std::string>*>(&slot)) {
    if (node.is_string()) {
      **list = {node.ref<std::string>()};
      return {};
    }
    const auto* items_in = node.as_array();
    if (items_in == nullptr || (!items_in->empty() && !items_in->is_homogeneous<std::string>()))
      return error{errc::config, "must be a list of texts"};
    std::vector<std::string> items;
    for (const auto& item : *node.as_array())
      items.push_back(item.ref<std::string>());
    **list = std::move(items);
    return {};
  }
  if (!node.is_integer() || node.ref<std::int64_t>() < 0)
    return error{errc::config, "must be a number"};
  return set_number(key, slot, static_cast<std::uint64_t>(node.ref<std::int64_t>()));
}

std::string at(const std::string& file, const toml::node& node) {
  return file + ":" + std::to_string(node.source().begin.line);
}

/// `[[links]]`: each has the keys of `[link]`.
result<void> read_links(const std::string& file, const toml::node& node, loaded_config& into) {
  const auto* tables = node.as_array();
  if (tables == nullptr)
    return bad(at(file, node), "links must be tables: [[links]]");
  for (const auto& item : *tables) {
    const auto* table = item.as_table();
    if (table == nullptr)
      return bad(at(file, item), "links must be tables: [[links]]");
    config one;
    for (const auto& [name, value] : *table) {
      const auto* key = find_key("link." + std::string{name.str()});
      if (key == nullptr)
        return bad(at(file, value), "unknown key links." + std::string{name.str()});
      if (auto set = set_from_toml(*key, one, value); !set)
        return bad(at(file, value), "links." + std::string{name.str()} + " " + set.error().detail);
    }
    if (one.link.url.empty())
      return bad(at(file, item), "links.url is missing");
    into.values.links.push_back(std::move(one.link));
  }
  return {};
}

result<void> read_table(const std::string& file, const toml::table& table,
                        const std::string& prefix, loaded_config& into) {
  for (const auto& [name, node] : table) {
    auto full = prefix + std::string{name.str()};
    if (full == "links") {
      if (auto read = read_links(file, node, into); !read)
        return read;
      continue;
    }
    if (const auto* key = find_key(full)) {
      auto set = set_from_toml(*key, into.values, node);
      if (!set)
        return bad(at(file, node), full + " " + set.error().detail);
      into.origins[full] = at(file, node);
      continue;
    }
    if (!node.is_table())
      return bad(at(file, node), "unknown key " + full);
    bool known = std::any_of(config_keys().begin(), config_keys().end(), [&](const auto& key) {
      return key.name.substr(0, full.size() + 1) == full + ".";
    });
    if (!known)
      return bad(at(file, node), "unknown table [" + full + "]");
    auto below = read_table(file, *node.as_table(), full + ".", into);
    if (!below)
      return below;
  }
  return {};
}

result<void> read_file(const std::string& file, loaded_config& into) {
  try {
    auto table = toml::parse_file(file);
    into.file = file;
    return read_table(file, table, "", into);
  } catch (const toml::parse_error& err) {
    auto line = err.source().begin.line;
    return bad(line > 0 ? file + ":" + std::to_string(line) : file, std::string{err.description()});
  }
}

std::string usual_file(const std::function<const char*(const char*)>& getenv) {
  std::vector<std::string> places;
  if (const auto* home = getenv("XDG_CONFIG_HOME"); home != nullptr && *home == '/')
    places.push_back(std::string{home} + "/holt/holt.toml");
  else if (const auto* user = getenv("HOME"); user != nullptr && *user == '/')
    places.push_back(std::string{user} + "/.config/holt/holt.toml");
  places.push_back("/etc/holt/holt.toml");
  std::error_code ec;
  for (const auto& place : places)
    if (std::filesystem::exists(place, ec))
      return place;
  return {};
}

std::string value_text(const config_key& key, config& values) {
  if (key.secret) {
    bool set = std::visit(
      [](auto* x) {
        using type = std::remove_pointer_t<decltype(x)>;
        if constexpr (std::is_same_v<type,
                                     std::string> || std::is_same_v<type, std::vector<std::string>>)
          return !x->empty();
        else
          return true;
      },
      key.at(values));
    return set ? "\"***\"" : "\"\"";
  }
  return std::visit(
    [](auto* x) -> std::string {
      using type = std::remove_pointer_t<decltype(x)>;
      std::ostringstream out;
      if constexpr (std::is_same_v<type, std::string>) {
        out << toml::value<std::string>{*x};
      } else if constexpr (std::is_same_v<type, bool>) {
        out << (*x ? "true" : "false");
      } else if constexpr (std::is_same_v<type, std::vector<std::string>>) {
        toml::array list;
        for (const auto& item : *x)
          list.push_back(item);
        out << list;
      } else {
        out << *x;
      }
      return out.str();
    },
    key.at(values));
}

result<void> check_one_link(const std::string& where, const config::link_config& one) {
  if (one.session.empty() || one.session.size() > 200)
    return bad(where + ".session", "must be 1 to 200 bytes long");
  for (const auto& key : one.command_keys) {
    auto colon = key.find(':');
    if (colon == std::string::npos || colon == 0 || key.size() - colon < 17)
      return bad(where + ".command_keys", "must be KID:SECRET, the secret 16 bytes or longer");
  }
  if (one.max_payload != 0 && one.max_payload < 16'384)
    return bad(where + ".max_payload", "must be 0 or at least 16384");
  return {};
}

/// A very short text would make the whole feed unreadable.
constexpr std::size_t least_mask_bytes = 4;

result<void> check_link(const config& values) {
  if (auto checked = check_one_link("link", values.link); !checked)
    return checked;
  for (const auto& one : values.links)
    if (auto checked = check_one_link("links", one); !checked)
      return checked;
  if (!values.exec.shell.starts_with('/'))
    return bad("exec.shell", "must be an absolute path");
  if (!values.broker.jwt_secret.empty() && values.broker.jwt_secret.size() < 16)
    return bad("broker.jwt_secret", "must be 16 bytes or longer");
  for (const auto& root : values.files.roots)
    if (!root.starts_with('/'))
      return bad("files.roots", "'" + root + "' is not an absolute path");
  for (const auto& text : values.activity.mask)
    if (text.size() < least_mask_bytes)
      return bad("activity.mask", "texts must be 4 bytes or longer");
  return {};
}

} // namespace

std::string env_name(std::string_view key) {
  return "HOLT_" + upper(key);
}

std::string flag_name(std::string_view key) {
  std::string out = "--";
  for (char ch : key)
    out += ch == '.' || ch == '_' ? '-' : ch;
  return out;
}

result<void> set_from_text(const config_key& key, config& target, const std::string& text) {
  auto slot = key.at(target);
  if (auto* word = std::get_if<std::string*>(&slot))
    return set_word(key, **word, text);
  if (auto* list = std::get_if<std::vector<std::string>*>(&slot)) {
    **list = split_list(text);
    return {};
  }
  if (auto* flag = std::get_if<bool*>(&slot)) {
    if (text != "true" && text != "false" && text != "1" && text != "0")
      return error{errc::config, "must be true or false"};
    **flag = text == "true" || text == "1";
    return {};
  }
  std::uint64_t value = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size())
    return error{errc::config, "must be a number"};
  return set_number(key, slot, value);
}

result<loaded_config> load_config(const std::string& file, const config_flags& flags,
                                  const std::function<const char*(const char*)>& getenv) {
  loaded_config out;
  auto place = file.empty() ? usual_file(getenv) : file;
  if (!place.empty())
    if (auto read = read_file(place, out); !read)
      return read.error();
  for (const auto& key : config_keys()) {
    auto name = env_name(key.name);
    const auto* text = getenv(name.c_str());
    if (text == nullptr)
      continue;
    if (auto set = set_from_text(key, out.values, text); !set)
      return bad(name, set.error().detail);
    out.origins[std::string{key.name}] = name;
  }
  for (const auto& [name, text] : flags) {
    const auto* key = find_key(name);
    if (key == nullptr)
      return error{errc::internal, "a flag without a key: " + name};
    if (auto set = set_from_text(*key, out.values, text); !set)
      return bad(flag_name(name), set.error().detail);
    out.origins[name] = "flag " + flag_name(name);
  }
  if (auto checked = check_config(out.values); !checked)
    return checked.error();
  return out;
}

result<void> check_config(const config& values) {
  boost::system::error_code ec;
  auto address = boost::asio::ip::make_address(values.http.address, ec);
  if (ec)
    return bad("http.address", "'" + values.http.address + "' is not an IP address");
  if (values.http.auth == "none" && !address.is_loopback())
    return bad("http.auth", "none is refused on " + values.http.address
                              + ": everybody who reaches it could run commands; use token, or"
                                " listen on 127.0.0.1");
  if (values.desktop.width > values.desktop.max_width
      || values.desktop.height > values.desktop.max_height)
    return bad("desktop.width", "the desktop is larger than desktop.max_width × max_height");
  for (const auto& item : values.stream.address) {
    if (item == "auto" && values.stream.address.size() == 1)
      continue;
    boost::asio::ip::make_address(item, ec);
    if (ec)
      return bad("stream.address", "'" + item + "' is not an IP address (nor auto, alone)");
  }
  if (values.stream.address.empty())
    return bad("stream.address", "must be auto or a list of addresses");
  return check_link(values);
}

std::vector<config::link_config> all_links(const config& values) {
  std::vector<config::link_config> out;
  if (!values.link.url.empty())
    out.push_back(values.link);
  out.insert(out.end(), values.links.begin(), values.links.end());
  return out;
}

bool broker_runs(const config& values) {
  return values.broker.enabled == "on"
         || (values.broker.enabled == "auto" && all_links(values).empty());
}

std::string print_config(const loaded_config& loaded) {
  auto values = loaded.values;
  std::vector<std::array<std::string, 2>> rows;
  std::size_t width = 0;
  for (const auto& key : config_keys()) {
    auto origin = loaded.origins.find(key.name);
    rows.push_back({std::string{key.name} + " = " + value_text(key, values),
                    origin == loaded.origins.end() ? "default" : origin->second});
    width = std::max(width, rows.back()[0].size());
  }
  std::string out;
  for (const auto& [text, origin] : rows)
    out += text + std::string(width - text.size() + 2, ' ') + "# " + origin + "\n";
  return out;
}

} // namespace holt
