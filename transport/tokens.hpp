// SPDX-License-Identifier: Apache-2.0
#pragma once

// The scoped tokens of a daemon: made, listed, revoked, kept in `tokens.json` of the state folder
// (0600; digests, never the tokens themselves) and told to the authority. One object for the
// daemon's life, thread-safe; its calls wait for the disk.

#include "transport/auth.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>

namespace holt::http {

inline constexpr std::size_t max_tokens = 1'000;
inline constexpr std::size_t max_token_name = 64; ///< bytes
inline constexpr std::int64_t max_token_seconds = 10ll * 366 * 86'400;

struct token_wish {
  struct scopes scopes;
  std::string name;
  std::optional<std::chrono::seconds> life; ///< nothing: until it is revoked
};

class token_store {
public:
  using wall_clock = authority::wall_clock;

  /// Tells `who` the tokens that are kept. A file that cannot be read is an error: nobody may
  /// believe that a token is gone when it comes back with the next start.
  static result<std::shared_ptr<token_store>> open(std::filesystem::path file,
                                                   std::shared_ptr<authority> who,
                                                   wall_clock now = std::chrono::system_clock::now);

  struct made_token {
    scoped_token kept;
    std::string text; ///< the token: shown once
  };
  /// forbidden: more than `maker` has, or longer. exists: the name is taken. conflict: too many.
  result<made_token> create(const token_wish& what, const identity& maker);
  /// Oldest first, without those whose time is over.
  std::vector<scoped_token> list() const;
  /// By id, else by name. not_found.
  result<void> revoke(std::string_view which);

private:
  token_store(std::filesystem::path file, std::shared_ptr<authority> who, wall_clock now);
  result<void> load();
  result<void> save(const std::vector<scoped_token>& what) const;
  std::vector<scoped_token> living() const;

  const std::filesystem::path file_;
  const std::shared_ptr<authority> authority_;
  const wall_clock now_;
  mutable std::mutex mutex_;
  std::vector<scoped_token> all_;
};

/// `{scopes[], name?, expiresIn?}`, seconds. Names the field.
result<token_wish> read_token_wish(const nlohmann::json& body);

/// `{id, name, scopes, createdAt, expiresAt?}`.
nlohmann::json token_document(const scoped_token& what);

} // namespace holt::http
