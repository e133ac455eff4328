// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE api_document

#include "actors/api_document.hpp"
#include "actors/gateway.hpp"

#include "check.hpp"

#include <boost/asio/io_context.hpp>

using namespace holt;
using nlohmann::json;

namespace {

struct fixture {
  boost::asio::io_context io;
  std::shared_ptr<gateway> front;

  fixture() {
    gateway_deps deps;
    deps.executor = io.get_executor();
    deps.authority = std::make_shared<http::authority>(log::secret{"token"}, http::guard_policy{});
    deps.gate = std::make_shared<control_gate>();
    deps.files = std::make_shared<file_api_deps>();
    front = std::make_shared<gateway>(std::move(deps));
  }

  json document() const { return api::openapi(front->routes(), api::all_notes()); }
};

void collect_references(const json& from, std::vector<std::string>& into) {
  if (from.is_array())
    for (const auto& one : from)
      collect_references(one, into);
  if (!from.is_object())
    return;
  for (const auto& [key, value] : from.items()) {
    if (key == "$ref" && value.is_string())
      into.push_back(value.get<std::string>());
    collect_references(value, into);
  }
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(api_document_tests, fixture)

CAF_TEST(every route is described and nothing else is) {
  for (const auto& one : api::misfits(front->routes(), api::all_notes()))
    CAF_ERROR(one << " (actors/api_<room>.cpp)");
  CAF_CHECK(front->routes().size() > 60u);
}

CAF_TEST(every operation has its name and its scopes and its problems) {
  const auto all = document();
  std::set<std::string> names;
  for (const auto& [path, methods] : all["paths"].items())
    for (const auto& [method, what] : methods.items()) {
      CAF_MESSAGE(method << " " << path);
      CAF_CHECK(names.insert(what["operationId"].get<std::string>()).second);
      CAF_CHECK(what["responses"].contains("400"));
      CAF_CHECK(what["x-scopes"].empty() || what["responses"].contains("403"));
      CAF_CHECK(!what["summary"].get<std::string>().empty());
    }
}

CAF_TEST(every reference leads somewhere) {
  const auto all = document();
  std::vector<std::string> references;
  collect_references(all, references);
  CAF_CHECK(!references.empty());
  for (const auto& one : references)
    CAF_CHECK(all.contains(json::json_pointer{one.substr(1)}));
}

CAF_TEST(a limit in the document is the one of the reader) {
  const auto all = document();
  const auto& click = all["paths"]["/v1/desktop/mouse/click"]["post"]["requestBody"];
  const auto& fields = click["content"]["application/json"]["schema"]["properties"];
  CAF_CHECK_EQUAL(fields["clickCount"]["maximum"].get<int>(), 10);
  CAF_CHECK_EQUAL(click["required"].get<bool>(), true);
}

CAF_TEST_FIXTURE_SCOPE_END()
