// SPDX-License-Identifier: Apache-2.0
#pragma once

// What each route takes and answers: one note for each, written room by room (api_<room>.cpp) and
// joined with the routes that the gateway really has by api_document. Filled once; then read from
// any thread. A route without a note fails the tests.

#include "actors/api_schema.hpp"
#include "messages/error.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holt::api {

struct parameter {
  std::string name;
  std::string in; ///< query, path, header
  schema what;
  bool required = false;
  std::string doc;
};

struct answer_note {
  unsigned status = 200;
  std::string doc;
  std::vector<std::pair<std::string, schema>> content; ///< by media type
  std::vector<parameter> headers;
};

/// Filled in one expression: each call returns the note.
class note {
public:
  note(std::string method, std::string pattern, std::string room, std::string summary);

  /// More than the summary says; Markdown.
  note& says(std::string_view text);
  /// A query parameter that may be missing.
  note& query(std::string_view name, const schema& what, std::string_view doc = {});
  note& needs_query(std::string_view name, const schema& what, std::string_view doc = {});
  /// A segment of the path; a string that is not empty where none is told.
  note& path(std::string_view name, const schema& what, std::string_view doc = {});
  /// A header of the request that may be missing.
  note& header(std::string_view name, const schema& what, std::string_view doc = {});
  /// JSON. An empty body is `{}`: it may be missing where no field must be there.
  note& body(const schema& what);
  /// Bytes of these types.
  note& bytes(std::initializer_list<std::string_view> types, std::string_view doc,
              bool required = false);

  /// 200 and JSON.
  note& ok(const schema& what, std::string_view doc = {});
  note& answers(unsigned status, std::string_view doc);
  /// 204.
  note& nothing(std::string_view doc = "It is done.");
  /// The last answer may also be of this type.
  note& as(std::string_view type, const schema& what);
  /// A header of the last answer.
  note& with(std::string_view header, const schema& what, std::string_view doc = {});

  /// Problems beside those that every route of its kind has.
  note& fails(std::initializer_list<errc> codes);
  /// A 404 with a code of the published server.
  note& misses(std::string_view word);
  /// A 503 with a word of its own.
  note& lacks(std::string_view word, std::string_view sentence);
  /// What goes over a WebSocket; Markdown.
  note& frames(std::string_view in, std::string_view out);

  std::string method;
  std::string pattern;
  std::string room;
  std::string summary;
  std::string text;
  std::vector<parameter> parameters;
  std::optional<schema> body_schema;
  std::vector<std::string> body_types; ///< empty and a schema: application/json
  std::string body_doc;
  bool body_required = false;
  std::vector<answer_note> answer_notes;
  std::vector<errc> codes;
  std::vector<std::string> words;                           ///< codes of 404 beside not_found
  std::vector<std::pair<std::string, std::string>> lacking; ///< codes of 503, and what they mean
  std::string frames_in;
  std::string frames_out;
};

class notes {
public:
  /// What follows belongs to this room: a heading of the document.
  void room(std::string_view name, std::string_view doc);
  note& get(std::string_view pattern, std::string_view summary);
  note& post(std::string_view pattern, std::string_view summary);
  note& add(std::string_view method, std::string_view pattern, std::string_view summary);
  note& websocket(std::string_view pattern, std::string_view summary);
  /// A schema that named() refers to.
  void define(std::string_view name, const schema& what);

  const note* find(std::string_view method, std::string_view pattern) const;
  const std::deque<note>& all() const noexcept { return all_; }
  const std::vector<std::pair<std::string, std::string>>& rooms() const noexcept { return rooms_; }
  const std::map<std::string, schema, std::less<>>& schemas() const noexcept { return schemas_; }

private:
  std::deque<note> all_;
  std::vector<std::pair<std::string, std::string>> rooms_;
  std::map<std::string, schema, std::less<>> schemas_;
};

/// All of them. api_rooms.cpp; each of the others is in the file of its name.
const notes& all_notes();

void describe_daemon(notes& into);
void describe_desktop(notes& into);
void describe_control(notes& into);
void describe_input(notes& into);
void describe_windows(notes& into);
void describe_accessibility(notes& into);
void describe_recordings(notes& into);
void describe_processes(notes& into);
void describe_files(notes& into);
void describe_link(notes& into);

} // namespace holt::api
