// SPDX-License-Identifier: Apache-2.0
#pragma once

// CAF's test macros, safe for temporaries: the macros of 0.17 bind `auto&& x = expr`, so that what
// `f()->field`, `*f()` or `f().value()` gives has died before it is compared. Here the comparison
// is part of the expression. Include this, never <caf/test/unit_test.hpp> (a gate looks).

#include <caf/test/unit_test.hpp>

namespace holt::testing {

/// Compares and counts as CAF's check does. Made with braces: `x` is evaluated before `y`.
template <class Comparator>
struct compared {
  template <class X, class Y>
  compared(const char* file, std::size_t line, const char* text, const X& x, const Y& y)
    : passed(caf::test::detail::check(caf::test::engine::current_test(), file, line, text, false,
                                      Comparator{}(x, y), x, y)) {
    caf::test::engine::last_check_file(file);
    caf::test::engine::last_check_line(line);
  }

  bool passed;
};

} // namespace holt::testing

#undef CAF_CHECK_FUNC
#define CAF_CHECK_FUNC(func, x_expr, y_expr)                                                       \
  static_cast<void>(::holt::testing::compared<func>{                                               \
    __FILE__, __LINE__, CAF_FUNC_EXPR(func, x_expr, y_expr), x_expr, y_expr})

#undef CAF_REQUIRE_FUNC
#define CAF_REQUIRE_FUNC(func, x_expr, y_expr)                                                     \
  do {                                                                                             \
    if (!::holt::testing::compared<func>{__FILE__, __LINE__, CAF_FUNC_EXPR(func, x_expr, y_expr),  \
                                         x_expr, y_expr}                                           \
           .passed)                                                                                \
      ::caf::test::detail::requirement_failed(CAF_FUNC_EXPR(func, x_expr, y_expr));                \
  } while (false)
