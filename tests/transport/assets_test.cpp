// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE assets

#include "transport/assets.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace holt;
using namespace holt::http;
namespace fs = std::filesystem;

namespace {

struct fixture {
  fs::path top;
  fs::path page;

  fixture() {
    std::string name = (fs::temp_directory_path() / "holt-assets-XXXXXX").string();
    CAF_REQUIRE(mkdtemp(name.data()) != nullptr);
    top = name;
    page = top / "page";
    put("page/index.html", "<!doctype html>");
    put("page/assets/app-BD4x9_aZ.js", "let app = 1;");
    put("page/assets/app-BD4x9_aZ.js.br", "brotli bytes");
    put("page/assets/app-BD4x9_aZ.js.gz", "gzip bytes");
    put("page/icon.svg", "<svg/>");
    put("page/style.css", "a{}");
    put("page/style.css.gz", "gzip css");
    put("page/lonely.js.br", "without its original");
    put("secret.txt", "not for the page");
  }
  ~fixture() {
    std::error_code ignored;
    fs::remove_all(top, ignored);
  }
  void put(const std::string& name, const std::string& bytes) const {
    fs::create_directories((top / name).parent_path());
    std::ofstream{top / name, std::ios::binary} << bytes;
  }
  assets load(assets_options options = {}) const {
    auto got = assets::load(page.string(), std::move(options));
    CAF_REQUIRE(got);
    return *got;
  }
  static request ask(const std::string& path, std::vector<header> headers = {},
                     std::string method = "GET") {
    request out;
    out.method = std::move(method);
    out.path = path;
    out.headers = std::move(headers);
    return out;
  }
  static std::string value(const response& from, std::string_view name) {
    std::string out;
    for (const auto& h : from.headers)
      if (h.name == name)
        out += (out.empty() ? "" : " | ") + h.value;
    return out;
  }
  static std::string body(const response& from) { return from.body ? *from.body : "(none)"; }
};

constexpr auto script = "/assets/app-BD4x9_aZ.js";

} // namespace

CAF_TEST_FIXTURE_SCOPE(assets_tests, fixture)

CAF_TEST(the page and its files are served with their types) {
  auto all = load();
  CAF_CHECK_EQUAL(all.count(), 4u);
  for (const auto& [path, type] : std::vector<std::pair<std::string, std::string>>{
         {"/", "text/html; charset=utf-8"},
         {"/index.html", "text/html; charset=utf-8"},
         {script, "text/javascript; charset=utf-8"},
         {"/icon.svg", "image/svg+xml"},
         {"/style.css", "text/css; charset=utf-8"}}) {
    auto got = all.serve(ask(path));
    CAF_CHECK_EQUAL(got.status, 200u);
    CAF_CHECK_EQUAL(value(got, "Content-Type"), type);
    CAF_CHECK_EQUAL(value(got, "X-Content-Type-Options"), "nosniff");
    CAF_CHECK(all.has(path));
  }
  CAF_CHECK_EQUAL(body(all.serve(ask("/"))), "<!doctype html>");
  CAF_CHECK_EQUAL(body(all.serve(ask(script))), "let app = 1;");
}

CAF_TEST(HEAD answers like GET and other methods are refused) {
  auto all = load();
  auto got = all.serve(ask("/", {}, "HEAD"));
  CAF_CHECK_EQUAL(got.status, 200u);
  CAF_CHECK(!value(got, "ETag").empty());
  for (const auto* method : {"POST", "PUT", "DELETE", "PATCH", "BREW"}) {
    auto refused = all.serve(ask("/", {}, method));
    CAF_CHECK_EQUAL(refused.status, 405u);
    CAF_CHECK_EQUAL(value(refused, "Allow"), "GET, HEAD");
    CAF_CHECK_EQUAL(value(refused, "Content-Type"), "application/problem+json");
  }
}

CAF_TEST(only HTML carries the content security policy) {
  auto all = load();
  auto html = all.serve(ask("/"));
  auto policy = value(html, "Content-Security-Policy");
  CAF_CHECK(policy.starts_with("default-src 'none'"));
  for (const auto* part : {"script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"})
    CAF_CHECK(policy.find(part) != std::string::npos);
  for (const auto* word : {"unsafe-inline", "unsafe-eval", "http:", "https:", "*"})
    CAF_CHECK(policy.find(word) == std::string::npos);
  CAF_CHECK_EQUAL(value(html, "X-Frame-Options"), "DENY");
  CAF_CHECK_EQUAL(value(all.serve(ask(script)), "Content-Security-Policy"), "");
  assets_options options;
  options.content_security_policy = "default-src 'self'";
  CAF_CHECK_EQUAL(value(load(options).serve(ask("/")), "Content-Security-Policy"),
                  "default-src 'self'");
}

CAF_TEST(hashed names are kept for ever and the page is asked for again) {
  auto all = load();
  CAF_CHECK_EQUAL(value(all.serve(ask(script)), "Cache-Control"),
                  "public, max-age=31536000, immutable");
  for (const auto* path : {"/", "/icon.svg", "/style.css"})
    CAF_CHECK_EQUAL(value(all.serve(ask(path)), "Cache-Control"), "no-cache");
  CAF_CHECK(hashed_name("/assets/app-BD4x9_aZ.js"));
  CAF_CHECK(hashed_name("/assets/app-BD4-9_aZ.js"));
  CAF_CHECK(!hashed_name("/assets/app.js"));
  CAF_CHECK(!hashed_name("/assets/app-short.js"));
  CAF_CHECK(!hashed_name("/-BD4x9_aZ.js") || hashed_name("/x-BD4x9_aZ.js"));
  CAF_CHECK(!hashed_name(""));
}

CAF_TEST(a file that the browser has is not sent again) {
  auto all = load();
  auto etag = value(all.serve(ask("/")), "ETag");
  CAF_CHECK(etag.size() > 10 && etag.front() == '"' && etag.back() == '"');
  for (const auto& list : {etag, "W/" + etag, "\"other\", " + etag, std::string{"*"}}) {
    auto got = all.serve(ask("/", {{"If-None-Match", list}}));
    CAF_CHECK_EQUAL(got.status, 304u);
    CAF_CHECK_EQUAL(body(got), "(none)");
    CAF_CHECK_EQUAL(value(got, "ETag"), etag);
    CAF_CHECK_EQUAL(value(got, "Content-Type"), "");
  }
  for (const auto& list : {std::string{"\"other\""}, std::string{","}, etag.substr(1)})
    CAF_CHECK_EQUAL(all.serve(ask("/", {{"If-None-Match", list}})).status, 200u);
}

CAF_TEST(each encoding has its bytes and its tag) {
  auto all = load();
  auto served = [&](const char* accept) {
    auto got = all.serve(ask(script, {{"Accept-Encoding", accept}}));
    CAF_CHECK_EQUAL(value(got, "Vary"), "Accept-Encoding");
    return value(got, "Content-Encoding") + ": " + body(got);
  };
  CAF_CHECK_EQUAL(served("gzip, deflate, br"), "br: brotli bytes");
  CAF_CHECK_EQUAL(served("gzip"), "gzip: gzip bytes");
  CAF_CHECK_EQUAL(served("br;q=0, gzip;q=0.5"), "gzip: gzip bytes");
  CAF_CHECK_EQUAL(served("br;q=0.4, gzip;q=0.5"), "gzip: gzip bytes");
  CAF_CHECK_EQUAL(served("br ; q=1.0"), "br: brotli bytes");
  CAF_CHECK_EQUAL(served("identity"), ": let app = 1;");
  CAF_CHECK_EQUAL(served("gzip;q=0, br;q=0.000"), ": let app = 1;");
  CAF_CHECK_EQUAL(served("zstd, ,;,"), ": let app = 1;");
  std::vector<std::string> tags;
  for (const auto* accept : {"br", "gzip", "identity"})
    tags.push_back(value(all.serve(ask(script, {{"Accept-Encoding", accept}})), "ETag"));
  CAF_CHECK(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2]);
  // The tag of one encoding does not answer for another.
  CAF_CHECK_EQUAL(
    all.serve(ask(script, {{"Accept-Encoding", "gzip"}, {"If-None-Match", tags[0]}})).status, 200u);
  CAF_CHECK_EQUAL(value(all.serve(ask("/icon.svg", {{"Accept-Encoding", "br"}})), "Vary"), "");
}

CAF_TEST(nothing but the files of the folder is served) {
  auto all = load();
  for (const auto* path :
       {"/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
        "//secret.txt", "/assets", "/assets/", "", "/lonely.js", "/lonely.js.br",
        "/assets/app-BD4x9_aZ.js.br", "/INDEX.HTML", "/index.html/", "/\\..\\secret.txt"}) {
    CAF_CHECK_EQUAL(all.serve(ask(path)).status, 404u);
    CAF_CHECK(!all.has(path));
  }
}

CAF_TEST(a file that changes on the disk is still served as it was) {
  auto all = load();
  put("page/index.html", "changed");
  fs::remove(page / "style.css");
  CAF_CHECK_EQUAL(body(all.serve(ask("/"))), "<!doctype html>");
  CAF_CHECK_EQUAL(all.serve(ask("/style.css")).status, 200u);
}

CAF_TEST(folders that are no page say so) {
  auto code = [](const std::string& folder, assets_options options = {}) {
    auto got = assets::load(folder, std::move(options));
    return got ? std::string{"ok"} : std::string{got.error().word()};
  };
  CAF_CHECK_EQUAL(code((top / "nothing").string()), "not_found");
  CAF_CHECK_EQUAL(code((page / "assets").string()), "not_found");
  CAF_CHECK_EQUAL(code(page.string(), {"", 5, 1000}), "payload_too_large");
  CAF_CHECK_EQUAL(code(page.string(), {"", 1000, 40}), "payload_too_large");
}

CAF_TEST_FIXTURE_SCOPE_END()
