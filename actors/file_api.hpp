// SPDX-License-Identifier: Apache-2.0
#pragma once

// The file routes of the HTTP API (/v1/fs/*), on the floor of files/. Functions without state: each
// runs on the pool for blocking work and answers; which route needs what stands in one table. Knows
// no actors; gateway_files.cpp puts it behind the gateway.

#include "files/file_commands.hpp"
#include "transport/http_body.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <nlohmann/json.hpp>

namespace holt::files {
class watch_hub;
}

namespace holt {

struct file_api_deps {
  files::file_context files;
  boost::asio::any_io_executor blocking;     ///< the pool where waiting for the disk is allowed
  std::shared_ptr<files::watch_hub> watches; ///< null: no watching
};

using file_api_ptr = std::shared_ptr<const file_api_deps>;

/// A request whose body may have gone into a sink.
struct file_request : http::request {
  std::shared_ptr<http::body_sink> sink;
};

struct file_route {
  std::string_view method;
  std::string_view pattern;
  /// On the pool. Its request's body is whole, or went into the sink.
  http::streaming_response (*run)(const file_api_ptr&, const file_request&);
  /// For a body that no memory holds, else null.
  std::shared_ptr<http::body_sink> (*sink)(const file_api_ptr&, const http::request& head);
};

/// The table. Filled by the functions below.
const std::vector<file_route>& file_routes();

/// Runs the route on the pool; nothing thrown leaves it.
void run_file_route(const file_api_ptr& api, const file_route& route, file_request what,
                    http::streaming_reply answer);

// file_api_look.cpp
http::streaming_response file_entries(const file_api_ptr& api, const file_request& what);
http::streaming_response file_stat(const file_api_ptr& api, const file_request& what);
http::streaming_response file_glob(const file_api_ptr& api, const file_request& what);
http::streaming_response file_grep(const file_api_ptr& api, const file_request& what);
// file_api_archive.cpp
http::streaming_response file_pack(const file_api_ptr& api, const file_request& what);
http::streaming_response file_unpack(const file_api_ptr& api, const file_request& what);
std::shared_ptr<http::body_sink> file_spool_sink(const file_api_ptr& api,
                                                 const http::request& head);
// file_api_watch.cpp
http::streaming_response file_watch(const file_api_ptr& api, const file_request& what);
// file_api_change.cpp
http::streaming_response file_mkdir(const file_api_ptr& api, const file_request& what);
http::streaming_response file_delete(const file_api_ptr& api, const file_request& what);
http::streaming_response file_move(const file_api_ptr& api, const file_request& what);
http::streaming_response file_copy(const file_api_ptr& api, const file_request& what);
http::streaming_response file_chmod(const file_api_ptr& api, const file_request& what);
// file_api_transfer.cpp
http::streaming_response file_get(const file_api_ptr& api, const file_request& what);
http::streaming_response file_put(const file_api_ptr& api, const file_request& what);
std::shared_ptr<http::body_sink> file_put_sink(const file_api_ptr& api, const http::request& head);

} // namespace holt
