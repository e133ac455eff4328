// SPDX-License-Identifier: Apache-2.0

// File routes that change something besides content: mkdir, delete, move, copy, chmod.

#include "actors/file_api_fields.hpp"
#include "files/copy.hpp"

namespace holt {

namespace {

using nlohmann::json;

/// As answers name it; the jail knows no path that it did not take.
std::string shown(const file_api_ptr& api, const std::string& path) {
  auto where = api->files.jail->locate(path);
  return files::printable(where ? where->shown : path);
}

http::response problem_of(const command_outcome& got) {
  return http::problem({got.code, got.detail});
}

/// Required and not empty: the jail would name no field.
std::string path_field(files::field_reader& from, const char* name) {
  auto out = from.text(name);
  if (!from.wrong() && out.empty())
    from.refuse(errc::invalid_request, std::string{name} + " must not be empty");
  return out;
}

http::response wrong_field(const files::field_reader& from) {
  return http::problem(from.why());
}

} // namespace

http::streaming_response file_mkdir(const file_api_ptr& api, const file_request& what) {
  query_reader query{what};
  auto path = query.text("path");
  if (query.wrong())
    return query.why();
  json body{{"path", to_base64(path)}, {"path_encoding", "base64"}};
  auto got = run_command(api, command_kind::fs_mkdir, std::move(body));
  return got.ok() ? http::json_response(200, {{"path", shown(api, path)}}) : problem_of(got);
}

http::streaming_response file_delete(const file_api_ptr& api, const file_request& what) {
  query_reader query{what};
  auto path = query.text("path");
  const bool recursive = query.flag("recursive", false);
  if (query.wrong())
    return query.why();
  json body{{"path", to_base64(path)}, {"path_encoding", "base64"}, {"recursive", recursive}};
  auto got = run_command(api, command_kind::fs_remove, std::move(body));
  return got.ok() ? http::json_response(200, {{"path", shown(api, path)}}) : problem_of(got);
}

http::streaming_response file_move(const file_api_ptr& api, const file_request& what) {
  auto body = file_body(what);
  if (!body)
    return http::problem(body.error());
  files::field_reader from{*body};
  auto source = path_field(from, "from");
  auto target = path_field(from, "to");
  const bool overwrite = from.flag("overwrite", false);
  if (from.wrong())
    return wrong_field(from);
  auto got = run_command(api, command_kind::fs_move,
                         {{"from", source}, {"to_path", target}, {"overwrite", overwrite}});
  if (!got.ok())
    return problem_of(got);
  return http::json_response(200, {{"from", shown(api, source)}, {"to", shown(api, target)}});
}

http::streaming_response file_copy(const file_api_ptr& api, const file_request& what) {
  json body;
  if (auto wrong = strict_body(what, {"from", "to", "overwrite"}, body))
    return std::move(*wrong);
  files::field_reader from{body};
  files::copy_request want;
  want.from = path_field(from, "from");
  want.to = path_field(from, "to");
  want.overwrite = from.flag("overwrite", false);
  if (from.wrong())
    return wrong_field(from);
  auto got = files::copy_entry(api->files, want);
  if (!got)
    return http::problem(got.error());
  return http::json_response(200, {{"from", files::printable(got->from)},
                                   {"to", files::printable(got->to)},
                                   {"replaced", got->replaced}});
}

http::streaming_response file_chmod(const file_api_ptr& api, const file_request& what) {
  json body;
  if (auto wrong = strict_body(what, {"path", "mode", "recursive"}, body))
    return std::move(*wrong);
  files::field_reader from{body};
  auto path = path_field(from, "path");
  auto mode = from.mode("mode");
  const bool recursive = from.flag("recursive", false);
  if (!mode)
    from.refuse(errc::unprocessable, "mode is missing");
  if (from.wrong())
    return wrong_field(from);
  auto got = files::change_mode(api->files, path, *mode, recursive);
  if (!got)
    return http::problem(got.error());
  return http::json_response(
    200,
    {{"path", files::printable(got->shown)}, {"changed", got->changed}, {"failed", got->failed}});
}

} // namespace holt
