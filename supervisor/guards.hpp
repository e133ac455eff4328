// SPDX-License-Identifier: Apache-2.0
#pragma once

// The five handlers that every actor of ours sets: without them CAF 0.17 ends an actor because of
// somebody else's error, and prints what it does not understand.

#include <caf/all.hpp>

namespace holt {

/// First line of every long-lived actor. An exception in a handler still ends the actor, as
/// CAF wants it; its monitor then sees unhandled_exception.
template <class Actor>
void install_guards(Actor* self) {
  self->set_error_handler([](auto*, caf::error&) {});
  self->set_down_handler([](auto*, caf::down_msg&) {});
  self->set_exit_handler([](auto* me, caf::exit_msg& msg) { me->quit(std::move(msg.reason)); });
  self->set_default_handler(caf::drop);
  self->set_exception_handler(
    [](auto*, std::exception_ptr&) -> caf::error { return caf::exit_reason::unhandled_exception; });
}

} // namespace holt
