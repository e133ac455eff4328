// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds the keys that leave a terminal in what is typed, also across pieces, and the modes that a
// program of the terminal has switched on, so that they can be switched off again. Pure.

#include "messages/error.hpp"

#include <set>
#include <string>
#include <string_view>

namespace holt::client {

class detach_keys {
public:
  /// `ctrl-p,ctrl-q`, letters, empty: none. usage.
  static result<detach_keys> read(std::string_view text);

  /// What is to be passed on of these bytes; keys that may still be the beginning are held back.
  /// `found`: all of them came; what is behind them is dropped.
  std::string feed(std::string_view typed, bool& found);

private:
  std::string keys_;
  std::size_t seen_ = 0; ///< of keys_
};

class terminal_modes {
public:
  void feed(std::string_view printed);
  /// What puts a terminal back as if nothing had been printed; empty: it is.
  std::string undo() const;

private:
  enum class place { text, escape, bracket, parameters };
  void set(bool on);
  place at_ = place::text;
  std::string parameters_;
  std::set<unsigned> on_; ///< private modes that are not as they were
  bool cursor_hidden_ = false;
  bool keypad_ = false;
  bool coloured_ = false;
};

} // namespace holt::client
