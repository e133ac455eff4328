// SPDX-License-Identifier: Apache-2.0
#include "transport/tokens.hpp"

#include "messages/text_bytes.hpp"
#include "messages/time_text.hpp"
#include "transport/digest.hpp"
#include "transport/json_guard.hpp"
#include "transport/secret.hpp"
#include "transport/state_dir.hpp"

#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace holt::http {

namespace {

using nlohmann::json;
using std::chrono::system_clock;

std::int64_t to_ms(system_clock::time_point when) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

system_clock::time_point from_ms(std::int64_t ms) {
  return system_clock::time_point{std::chrono::milliseconds{ms}};
}

json kept_json(const scoped_token& one) {
  json out{{"id", one.id},
           {"name", one.name},
           {"scopes", words(one.scopes)},
           {"sha256", to_hex({reinterpret_cast<const char*>(one.digest.data()), 32})},
           {"created_ms", to_ms(one.created)}};
  if (one.until)
    out["until_ms"] = to_ms(*one.until);
  return out;
}

bool read_digest(const std::string& text, std::array<std::uint8_t, 32>& into) {
  if (text.size() != 64)
    return false;
  for (std::size_t i = 0; i < 32; ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    into[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return lower(text) == text; // as we wrote it
}

std::optional<scopes> read_scopes(const json& from) {
  scopes out;
  for (const auto& word : from) {
    const auto one = word.is_string() ? scope_of(word.get_ref<const std::string&>()) : std::nullopt;
    if (!one)
      return std::nullopt;
    out = out | scopes{*one};
  }
  return out;
}

std::optional<scoped_token> from_kept(const json& row) {
  if (!row.is_object() || !row.contains("id") || !row["id"].is_string() || !row.contains("name")
      || !row["name"].is_string() || !row.contains("sha256") || !row["sha256"].is_string()
      || !row.contains("created_ms") || !row["created_ms"].is_number_integer()
      || !row.contains("scopes") || !row["scopes"].is_array())
    return std::nullopt;
  scoped_token out;
  out.id = row["id"].get<std::string>();
  out.name = row["name"].get<std::string>();
  const auto allowed = read_scopes(row["scopes"]);
  if (!allowed || !read_digest(row["sha256"].get<std::string>(), out.digest))
    return std::nullopt;
  out.scopes = *allowed;
  out.created = from_ms(row["created_ms"].get<std::int64_t>());
  if (row.contains("until_ms")) {
    if (!row["until_ms"].is_number_integer())
      return std::nullopt;
    out.until = from_ms(row["until_ms"].get<std::int64_t>());
  }
  return out;
}

} // namespace

token_store::token_store(std::filesystem::path file, std::shared_ptr<authority> who, wall_clock now)
  : file_{std::move(file)}, authority_{std::move(who)}, now_{std::move(now)} {}

result<std::shared_ptr<token_store>>
token_store::open(std::filesystem::path file, std::shared_ptr<authority> who, wall_clock now) {
  std::shared_ptr<token_store> out{
    new token_store{std::move(file), std::move(who), std::move(now)}};
  if (auto loaded = out->load(); !loaded)
    return loaded.error();
  return out;
}

result<void> token_store::load() {
  std::error_code ec;
  if (!std::filesystem::exists(file_, ec) && !ec)
    return {};
  std::ifstream in{file_, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  const error bad{errc::state_dir, "'" + file_.string()
                                     + "' cannot be read as the list of tokens; remove it to "
                                       "revoke them all"};
  if (!in || ::chmod(file_.c_str(), 0600) != 0)
    return bad;
  const auto whole = json::parse(text.str(), nullptr, false);
  if (!whole.is_object() || !whole.contains("tokens") || !whole["tokens"].is_array())
    return bad;
  for (const auto& row : whole["tokens"]) {
    auto one = from_kept(row);
    if (!one)
      return bad;
    all_.push_back(std::move(*one));
  }
  all_ = living();
  for (const auto& one : all_)
    authority_->add_token(one);
  return {};
}

result<void> token_store::save(const std::vector<scoped_token>& what) const {
  json rows = json::array();
  for (const auto& one : what)
    rows.push_back(kept_json(one));
  return write_file_atomically(file_, dump_safe({{"tokens", std::move(rows)}}) + "\n", 0600);
}

std::vector<scoped_token> token_store::living() const {
  std::vector<scoped_token> out;
  const auto now = now_();
  for (const auto& one : all_)
    if (!one.until || *one.until > now)
      out.push_back(one);
  return out;
}

result<token_store::made_token> token_store::create(const token_wish& what, const identity& maker) {
  if (!maker.may(what.scopes))
    return error{errc::forbidden, "scopes: a token cannot make one that may do more than itself ("
                                    + to_string(maker.scopes) + ")"};
  std::lock_guard guard{mutex_};
  auto next = living();
  if (next.size() >= max_tokens)
    return error{errc::conflict, "there are 1000 tokens already; revoke some"};
  for (const auto& one : next)
    if (!what.name.empty() && (one.name == what.name || one.id == what.name))
      return error{errc::exists, "name: there is a token named " + what.name};
  made_token out;
  out.text = random_secret();
  out.kept.id = "tok_" + random_hex(6);
  out.kept.name = what.name;
  out.kept.scopes = what.scopes;
  out.kept.digest = sha256_bytes(out.text);
  out.kept.created = from_ms(to_ms(now_()));
  if (what.life)
    out.kept.until = out.kept.created + *what.life;
  if (maker.until && (!out.kept.until || *out.kept.until > *maker.until))
    return error{errc::forbidden,
                 "expiresIn: a token cannot make one that lives longer than itself"};
  next.push_back(out.kept);
  if (auto saved = save(next); !saved)
    return saved.error();
  all_ = std::move(next);
  authority_->add_token(out.kept);
  return {boost::system::in_place_value, std::move(out)};
}

std::vector<scoped_token> token_store::list() const {
  std::lock_guard guard{mutex_};
  return living();
}

result<void> token_store::revoke(std::string_view which) {
  std::lock_guard guard{mutex_};
  auto next = living();
  auto gone
    = std::find_if(next.begin(), next.end(), [&](const auto& one) { return one.id == which; });
  if (gone == next.end())
    gone = std::find_if(next.begin(), next.end(),
                        [&](const auto& one) { return !one.name.empty() && one.name == which; });
  if (gone == next.end())
    return error{errc::not_found, "there is no such token"};
  const auto token = *gone;
  next.erase(gone);
  // First here, then on the disk: a full disk must not keep it alive.
  authority_->drop_token(token);
  all_ = next;
  return save(next);
}

result<token_wish> read_token_wish(const json& body) {
  token_wish out;
  const auto given = body.find("scopes");
  if (given == body.end() || given->is_null())
    return error{errc::unprocessable, "scopes is missing"};
  if (!given->is_array())
    return error{errc::unprocessable, "scopes must be a list"};
  const auto scopes = read_scopes(*given);
  if (!scopes || scopes->bits == 0)
    return error{errc::invalid_request,
                 "scopes must hold at least one of view, input, fs, exec, admin"};
  out.scopes = *scopes;
  if (const auto name = body.find("name"); name != body.end() && !name->is_null()) {
    if (!name->is_string())
      return error{errc::unprocessable, "name must be a string"};
    out.name = name->get<std::string>();
    const bool plain = std::all_of(out.name.begin(), out.name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.'
             || c == '_' || c == '-';
    });
    if (out.name.empty() || out.name.size() > max_token_name || !plain)
      return error{errc::invalid_request, "name must be 1 to 64 letters, digits, '.', '_' or '-'"};
  }
  if (const auto life = body.find("expiresIn"); life != body.end() && !life->is_null()) {
    if (!life->is_number_integer())
      return error{errc::unprocessable, "expiresIn must be a whole number of seconds"};
    const bool huge = life->is_number_unsigned()
                      && life->get<std::uint64_t>() > static_cast<std::uint64_t>(max_token_seconds);
    if (huge || life->get<std::int64_t>() < 1)
      return error{errc::invalid_request,
                   "expiresIn must be from 1 to " + std::to_string(max_token_seconds) + " seconds"};
    out.life = std::chrono::seconds{life->get<std::int64_t>()};
  }
  return {boost::system::in_place_value, std::move(out)};
}

json token_document(const scoped_token& what) {
  json out{{"id", what.id},
           {"name", what.name},
           {"scopes", words(what.scopes)},
           {"createdAt", to_rfc3339(what.created, 0)}};
  if (what.until)
    out["expiresAt"] = to_rfc3339(*what.until, 0);
  return out;
}

} // namespace holt::http
