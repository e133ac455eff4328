// SPDX-License-Identifier: Apache-2.0
#pragma once

// xcb/xkb.h for C++: it names a field `explicit`. For .cpp files only.

#include <xcb/xcb.h>

#define explicit explicit_field
#include <xcb/xkb.h>
#undef explicit
