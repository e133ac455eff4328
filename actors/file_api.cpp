// SPDX-License-Identifier: Apache-2.0
#include "actors/file_api.hpp"

#include <boost/asio/post.hpp>

#include <new>

namespace holt {

const std::vector<file_route>& file_routes() {
  static const std::vector<file_route> table{
    {"GET", "/v1/fs/entries", file_entries, nullptr},
    {"GET", "/v1/fs/stat", file_stat, nullptr},
    {"GET", "/v1/fs/file", file_get, nullptr},
    {"PUT", "/v1/fs/file", file_put, file_put_sink},
    {"DELETE", "/v1/fs/entry", file_delete, nullptr},
    {"POST", "/v1/fs/mkdir", file_mkdir, nullptr},
    {"POST", "/v1/fs/move", file_move, nullptr},
    {"POST", "/v1/fs/upload-batch", file_unpack, file_spool_sink},
    {"GET", "/v1/fs/archive", file_pack, nullptr},
    {"POST", "/v1/fs/archive", file_unpack, file_spool_sink},
    {"POST", "/v1/fs/copy", file_copy, nullptr},
    {"POST", "/v1/fs/chmod", file_chmod, nullptr},
    {"POST", "/v1/fs/glob", file_glob, nullptr},
    {"POST", "/v1/fs/grep", file_grep, nullptr},
    {"GET", "/v1/fs/watch", file_watch, nullptr},
  };
  return table;
}

void run_file_route(const file_api_ptr& api, const file_route& route, file_request what,
                    http::streaming_reply answer) {
  boost::asio::post(api->blocking,
                    [api, run = route.run, what = std::move(what), answer = std::move(answer)] {
                      try {
                        answer(run(api, what));
                      } catch (const std::bad_alloc&) {
                        answer(http::problem({errc::busy, "no memory left"}));
                      } catch (const std::exception& why) {
                        answer(http::problem({errc::internal, files::printable(why.what())}));
                      }
                    });
}

} // namespace holt
