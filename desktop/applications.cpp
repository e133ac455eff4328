// SPDX-License-Identifier: Apache-2.0
#include "desktop/applications.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

namespace holt::desktop {

namespace {

constexpr std::size_t max_file_bytes = 256 * 1024;
constexpr std::size_t max_files = 4096;
constexpr std::string_view entry_group = "[Desktop Entry]";

std::string_view trimmed(std::string_view text) {
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

/// The keys of the main group, without the translated ones.
std::map<std::string, std::string, std::less<>> read_entry(std::string_view text) {
  std::map<std::string, std::string, std::less<>> out;
  bool inside = false;
  while (!text.empty()) {
    auto end = text.find('\n');
    auto line = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.empty() || line.front() == '#')
      continue;
    if (line.front() == '[') {
      inside = line == entry_group;
      continue;
    }
    auto equals = line.find('=');
    if (!inside || equals == std::string_view::npos)
      continue;
    out.emplace(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
  }
  return out;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto end = text.find(';');
    if (auto one = trimmed(text.substr(0, end)); !one.empty())
      out.emplace_back(one);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return out;
}

std::optional<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return {};
  std::string text(max_file_bytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

} // namespace

std::vector<std::string> split_exec(std::string_view line) {
  std::vector<std::string> out;
  std::string word;
  bool begun = false;
  bool quoted = false;
  bool code_only = false; // the word was nothing but a field code
  auto close = [&] {
    if (begun && !(code_only && word.empty()))
      out.push_back(word);
    word.clear();
    begun = code_only = false;
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (!quoted && (c == ' ' || c == '\t')) {
      close();
      continue;
    }
    begun = true;
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '\\' && i + 1 < line.size()) {
      word += line[++i];
    } else if (c == '%') {
      if (++i >= line.size())
        return {};
      if (line[i] == '%')
        word += '%';
      else
        code_only = true;
    } else {
      word += c;
    }
  }
  if (quoted)
    return {};
  close();
  return out;
}

std::optional<application> read_desktop_file(std::string_view id, std::string_view text) {
  auto entry = read_entry(text);
  auto value = [&](std::string_view key) {
    auto i = entry.find(key);
    return i == entry.end() ? std::string{} : i->second;
  };
  if (value("Type") != "Application" || value("NoDisplay") == "true" || value("Hidden") == "true")
    return {};
  application out;
  out.id = id;
  out.name = value("Name");
  out.comment = value("Comment");
  out.icon = value("Icon");
  out.command = split_exec(value("Exec"));
  out.categories = split_list(value("Categories"));
  out.terminal = value("Terminal") == "true";
  if (out.name.empty() || out.command.empty() || out.command.front().empty())
    return {};
  return out;
}

std::vector<application> list_applications(const std::string& data_dirs) {
  std::map<std::string, std::optional<application>> found;
  std::string_view rest{data_dirs};
  while (!rest.empty()) {
    auto end = rest.find(':');
    std::filesystem::path folder{std::string{rest.substr(0, end)}};
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    std::error_code ec;
    std::filesystem::directory_iterator files{folder / "applications", ec};
    for (; !ec && files != std::filesystem::directory_iterator{} && found.size() < max_files;
         files.increment(ec)) {
      const auto& path = files->path();
      if (path.extension() != ".desktop" || found.contains(path.stem().string()))
        continue;
      auto text = read_file(path);
      // One that hides itself also hides those of the folders behind.
      found[path.stem().string()]
        = text ? read_desktop_file(path.stem().string(), *text) : std::nullopt;
    }
  }
  std::vector<application> out;
  for (auto& [id, one] : found)
    if (one)
      out.push_back(std::move(*one));
  std::sort(out.begin(), out.end(),
            [](const application& a, const application& b) { return a.name < b.name; });
  return out;
}

} // namespace holt::desktop
