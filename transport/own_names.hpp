// SPDX-License-Identifier: Apache-2.0
#pragma once

// What this machine is called from outside: the addresses of its interfaces and its host name, read
// anew at each call, since they change while the daemon runs. Any thread; blocks for microseconds;
// asks no name server.

#include <boost/asio/ip/address.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace holt {

/// Of the interfaces that are up, both families, loopback included.
std::vector<boost::asio::ip::address> interface_addresses();

/// The IPv4 ones that others can reach, as text: what the stream offers to browsers.
std::vector<std::string> outer_addresses();

/// Whether `name`, as in Host (lower case, IPv6 in brackets), is an address of an interface or the
/// kernel's host name, whole or up to its first dot.
bool is_own_name(std::string_view name);

/// Which names a listener may be called by: on every address all of them, on one address that and
/// the host name. On loopback empty: its names need no asking.
std::function<bool(std::string_view name)> own_names(const boost::asio::ip::address& listening);

} // namespace holt
