// SPDX-License-Identifier: Apache-2.0

// main() of every C++ test program: CAF's runner.

#include <caf/all.hpp>

#include <caf/test/unit_test_impl.hpp>
