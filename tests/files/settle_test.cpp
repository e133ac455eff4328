// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE settle

#include "tests/files/files_fixture.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <functional>

using namespace holt;
using namespace holt::test;
namespace fs = std::filesystem;

namespace {

using clock_type = std::chrono::steady_clock;

/// One change, how its world begins, and what must be true once it was made.
struct story {
  std::string name;
  json body;
  std::function<void(const workspace&)> before;
  std::function<bool(const workspace&)> made;
  std::string unknown_at; ///< step after which only `interrupted` is honest
};

const std::string old_text(300'000, 'o');
const std::string new_text(300'000, 'n');

json write_of(const char* path, json more = json::object()) {
  more.update({{"type", "fs.write"}, {"path", path}});
  if (!more.contains("upload"))
    more["content"] = new_text;
  return more;
}

std::vector<story> stories() {
  auto put_old = [](const workspace& ws) { spit(ws.root / "f", old_text); };
  auto nothing = [](const workspace&) {};
  auto has_new = [](const workspace& ws) { return ws("f") == new_text; };
  auto tree = [](const workspace& ws) {
    fs::create_directories(ws.root / "dir/a/b");
    spit(ws.root / "dir/a/f", "text");
  };
  return {
    {"write over", write_of("f"), put_old, has_new, ""},
    {"write new", write_of("f"), nothing, has_new, ""},
    {"write new only", write_of("f", {{"create", "new"}}), nothing, has_new, ""},
    {"write with parents", write_of("a/b/f"), nothing,
     [](const workspace& ws) { return ws("a/b/f") == new_text; }, ""},
    {"write the same", write_of("f"), [](const workspace& ws) { spit(ws.root / "f", new_text); },
     has_new, ""},
    {"write an upload", write_of("f", {{"upload", "u"}, {"sha256", "?"}}),
     [](const workspace& ws) {
       ws.run({{"type", "fs.put"}, {"upload", "u"}, {"data", new_text}});
     },
     has_new, ""},
    {"edit",
     {{"type", "fs.edit"},
      {"path", "f"},
      {"edits", {{{"old", "one"}, {"new", "one one"}, {"all", true}}}}},
     [](const workspace& ws) { spit(ws.root / "f", "one one"); },
     [](const workspace& ws) { return ws("f") == "one one one one"; },
     ""},
    {"mkdir",
     {{"type", "fs.mkdir"}, {"path", "a/b"}, {"exist_ok", false}},
     nothing,
     [](const workspace& ws) { return fs::is_directory(ws.root / "a/b"); },
     ""},
    {"move",
     {{"type", "fs.move"}, {"from", "f"}, {"to_path", "a/g"}},
     put_old,
     [](const workspace& ws) { return ws("a/g") == old_text && !fs::exists(ws.root / "f"); },
     ""},
    {"move over",
     {{"type", "fs.move"}, {"from", "f"}, {"to_path", "g"}, {"overwrite", true}},
     [](const workspace& ws) {
       spit(ws.root / "f", old_text);
       spit(ws.root / "g", "other");
     },
     [](const workspace& ws) { return ws("g") == old_text && !fs::exists(ws.root / "f"); },
     ""},
    {"move a folder",
     {{"type", "fs.move"}, {"from", "dir"}, {"to_path", "to"}},
     tree,
     [](const workspace& ws) { return ws("to/a/f") == "text" && !fs::exists(ws.root / "dir"); },
     ""},
    {"move a file away",
     {{"type", "fs.move"}, {"from", "f"}, {"to_path", "@/f"}},
     put_old,
     [](const workspace& ws) {
       return slurp(ws.context.jail->roots()[1] + "/f") == old_text && !fs::exists(ws.root / "f");
     },
     ""},
    {"move a folder away",
     {{"type", "fs.move"}, {"from", "dir"}, {"to_path", "@/dir"}},
     tree,
     [](const workspace& ws) {
       return slurp(ws.context.jail->roots()[1] + "/dir/a/f") == "text"
              && !fs::exists(ws.root / "dir");
     },
     "renamed"},
    {"remove",
     {{"type", "fs.remove"}, {"path", "f"}},
     put_old,
     [](const workspace& ws) { return !fs::exists(ws.root / "f"); },
     ""},
    {"remove a folder",
     {{"type", "fs.remove"}, {"path", "dir"}, {"recursive", true}},
     tree,
     [](const workspace& ws) { return !fs::exists(ws.root / "dir"); },
     ""},
  };
}

/// A workspace in memory and a second root on disk: another file system where there is one.
struct story_world {
  workspace ws;
  temp_dir second{true};
  command what;
  files::file_plan plan;

  explicit story_world(const story& tale) {
    ws.context.jail = *files::path_jail::open({{ws.root, second.path}, true, false});
    tale.before(ws);
    auto body = tale.body;
    if (body.contains("sha256")) {
      spit(ws.outside / "copy", new_text);
      auto open = *files::path_jail::open({{ws.outside}, true, false});
      auto context = ws.context;
      context.jail = open;
      auto stat = make_command({{"type", "fs.stat"}, {"path", "copy"}, {"hash", true}});
      body["sha256"] = files::run_file_command(context, stat, nullptr).fields["sha256"];
    }
    if (body.contains("to_path"))
      if (auto to = body["to_path"].get<std::string>(); to.starts_with("@"))
        body["to_path"] = second.path.string() + to.substr(1);
    what = make_command(body);
    auto planned = files::plan_file_command(ws.context, what);
    if (!planned)
      CAF_FAIL(tale.name << ": " << planned.error().detail);
    // As the journal keeps it.
    plan = json::parse(planned->dump());
  }

  std::size_t leftovers() const {
    std::size_t out = 0;
    for (const auto& folder : {ws.root, second.path})
      for (const auto& one : fs::recursive_directory_iterator{folder})
        out += one.path().filename().string().starts_with(".holt-");
    return out;
  }
};

/// Runs `call` in a child that dies by SIGKILL at its step number `at`. The step's name; empty: it
/// came to its end.
std::string killed_at(files::file_context context, std::size_t at,
                      const std::function<void(const files::file_context&)>& call) {
  int names[2];
  CAF_REQUIRE(::pipe(names) == 0);
  const auto child = ::fork();
  if (child == 0) {
    std::size_t count = 0;
    context.at_step = [&](std::string_view step) {
      if (count++ != at)
        return;
      [[maybe_unused]] auto wrote = ::write(names[1], step.data(), step.size());
      ::kill(::getpid(), SIGKILL);
    };
    call(context);
    ::_exit(0);
  }
  ::close(names[1]);
  std::string out(100, '\0');
  const auto got = ::read(names[0], out.data(), out.size());
  out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  ::close(names[0]);
  ::waitpid(child, nullptr, 0);
  return out;
}

} // namespace

CAF_TEST(a change killed at any step is settled to one answer and one effect) {
  std::size_t crashes = 0;
  for (const auto& tale : stories()) {
    for (std::size_t at = 0;; ++at) {
      story_world world{tale};
      auto step = killed_at(world.ws.context, at, [&](const files::file_context& context) {
        files::run_file_command(context, world.what, world.plan);
      });
      auto got = files::settle_file_command(world.ws.context, world.what, world.plan);
      const bool honest
        = !tale.unknown_at.empty() && step == tale.unknown_at && got.code == errc::interrupted;
      if (!honest && !(got.ok() && tale.made(world.ws)))
        CAF_ERROR(tale.name << " killed at " << step << ": " << info(got.code).word << " "
                            << got.detail);
      if (!honest && world.leftovers() != 0)
        CAF_ERROR(tale.name << " killed at " << step << " left " << world.leftovers());
      // The daemon dies again before it has said DONE.
      auto again = files::settle_file_command(world.ws.context, world.what, world.plan);
      CAF_CHECK(again.code == got.code);
      CAF_CHECK(again.fields == got.fields);
      if (step.empty())
        break;
      ++crashes;
    }
  }
  std::cout << crashes << " crashes" << std::endl;
  CAF_CHECK(crashes >= 60);
}

CAF_TEST(a settling that is killed itself is settled the next time) {
  for (const auto& tale : stories()) {
    for (std::size_t at = 0;; ++at) {
      story_world world{tale};
      auto step = killed_at(world.ws.context, at, [&](const files::file_context& context) {
        files::settle_file_command(context, world.what, world.plan);
      });
      auto got = files::settle_file_command(world.ws.context, world.what, world.plan);
      const bool honest
        = !tale.unknown_at.empty() && step == tale.unknown_at && got.code == errc::interrupted;
      if (!honest && !(got.ok() && tale.made(world.ws)))
        CAF_ERROR(tale.name << " settling killed at " << step << ": " << info(got.code).word);
      if (step.empty())
        break;
    }
  }
}

CAF_TEST(the answer of a settled change is that of the change) {
  for (const auto& tale : stories()) {
    story_world one{tale};
    story_world two{tale};
    auto run = files::run_file_command(one.ws.context, one.what, one.plan);
    files::run_file_command(two.ws.context, two.what, two.plan);
    auto settled = files::settle_file_command(two.ws.context, two.what, two.plan);
    if (run.fields != settled.fields)
      CAF_ERROR(tale.name << ": " << run.fields.dump() << " and " << settled.fields.dump());
  }
}

CAF_TEST(what somebody else has changed since is left alone and answered interrupted) {
  for (const auto& tale : stories()) {
    if (tale.name.starts_with("mkdir") || tale.name.starts_with("remove"))
      continue;
    story_world world{tale};
    const auto path = world.what.body.value("path", world.what.body.value("from", ""));
    fs::remove_all(world.ws.root / path);
    fs::create_directories((world.ws.root / path).parent_path());
    spit(world.ws.root / path, "somebody else's");
    auto got = files::settle_file_command(world.ws.context, world.what, world.plan);
    if (got.code != errc::interrupted || world.ws(path) != "somebody else's")
      CAF_ERROR(tale.name << ": " << info(got.code).word << " " << got.detail);
  }
  // A removal whose thing is there again, as another one.
  workspace ws;
  spit(ws.root / "f", "mine");
  auto what = make_command({{"type", "fs.remove"}, {"path", "f"}});
  auto plan = files::plan_file_command(ws.context, what);
  CAF_REQUIRE(plan.has_value());
  spit(ws.root / "g", "theirs");
  fs::rename(ws.root / "g", ws.root / "f");
  CAF_CHECK(files::settle_file_command(ws.context, what, *plan).code == errc::interrupted);
  CAF_CHECK_EQUAL(ws("f"), "theirs");
}

CAF_TEST(an edit that did not fit is settled to the same refusal) {
  workspace ws;
  spit(ws.root / "f", "a a");
  auto what
    = make_command({{"type", "fs.edit"}, {"path", "f"}, {"edits", {{{"old", "a"}, {"new", "b"}}}}});
  auto plan = files::plan_file_command(ws.context, what);
  CAF_REQUIRE(plan.has_value());
  auto run = files::run_file_command(ws.context, what, *plan);
  auto settled = files::settle_file_command(ws.context, what, *plan);
  CAF_CHECK(run.code == errc::conflict && settled.code == errc::conflict);
  CAF_CHECK(run.fields == settled.fields);
  CAF_CHECK_EQUAL(run.detail, settled.detail);
}

CAF_TEST(a plan that is not ours is an error and never a crash) {
  workspace ws;
  spit(ws.root / "f", "a");
  for (const json& body :
       {json{{"type", "fs.write"}, {"path", "f"}, {"content", "x"}},
        json{{"type", "fs.edit"}, {"path", "f"}, {"edits", {{{"old", "a"}, {"new", "b"}}}}},
        json{{"type", "fs.move"}, {"from", "f"}, {"to_path", "g"}},
        json{{"type", "fs.remove"}, {"path", "f"}}, json{{"type", "fs.mkdir"}, {"path", "d"}}})
    for (const json& plan :
         {json(nullptr), json(7), json::array(), json::object(), json{{"before", 7}},
          json{{"before", nullptr}, {"after", 7}, {"temporary", 7}},
          json{{"before", {{"type", 7}}}, {"after", {{"size", "x"}, {"sha256", 1}}}},
          json{{"from", {{"inode", -1}}}, {"to", 3}, {"temporary", "../../etc"}},
          json{{"refused", 7}}}) {
      auto what = make_command(body);
      auto settled = files::settle_file_command(ws.context, what, plan);
      auto run = files::run_file_command(ws.context, what, plan);
      CAF_CHECK(is_utf8(settled.detail) && is_utf8(run.detail));
    }
}

CAF_TEST(a torn write is never seen) {
  const bool thorough = std::getenv("HOLT_TEST_LONG") != nullptr;
  const int rounds = thorough ? 500 : 120;
  const std::string one(1024 * 1024, '1');
  const std::string two(1024 * 1024, '2');
  workspace ws{false, true};
  spit(ws.root / "f", one);
  std::mt19937_64 random{seed()};
  auto what = make_command({{"type", "fs.write"}, {"path", "f"}, {"content", two}});
  // How long a whole one takes tells where to aim.
  const auto begin = clock_type::now();
  CAF_REQUIRE(ws.run(what.body).ok());
  const auto whole = clock_type::now() - begin;
  int old_seen = 0;
  int new_seen = 0;
  // On a machine with much else to do: fewer.
  const auto enough = clock_type::now() + std::chrono::seconds{thorough ? 600 : 8};
  for (int round = 0; round < rounds && clock_type::now() < enough; ++round) {
    spit(ws.root / "f", one);
    auto plan = files::plan_file_command(ws.context, what);
    CAF_REQUIRE(plan.has_value());
    const auto child = ::fork();
    if (child == 0) {
      files::run_file_command(ws.context, what, *plan);
      ::_exit(0);
    }
    const auto until = clock_type::now() + whole * static_cast<int>(random() % 1200) / 1000;
    while (clock_type::now() < until) {
      // the moment of death, to the microsecond
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto now = ws("f");
    if (now == one)
      ++old_seen;
    else if (now == two)
      ++new_seen;
    else
      CAF_FAIL("torn: " << now.size() << " bytes");
    const auto names = names_of(ws.root);
    CAF_CHECK(names.size() <= 2);
    CAF_CHECK_EQUAL(files::sweep_leftovers(ws.context, {ws.root}), names.size() - 1);
    CAF_CHECK(names_of(ws.root) == std::vector<std::string>{"f"});
    auto settled = files::settle_file_command(ws.context, what, *plan);
    CAF_CHECK(settled.ok());
    CAF_CHECK(ws("f") == two);
  }
  std::cout << old_seen << " old, " << new_seen << " new" << std::endl;
  CAF_CHECK(old_seen + new_seen > 0);
}
