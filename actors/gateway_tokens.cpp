// SPDX-License-Identifier: Apache-2.0

// Scoped tokens: made, listed, revoked. The disk is waited for on the pool.

#include "actors/gateway.hpp"
#include "transport/tokens.hpp"

#include <boost/asio/post.hpp>

namespace holt {

void gateway::add_token_routes() {
  get("/v1/tokens", http::scope::admin, [this](const gateway_call& call) {
    auto rows = nlohmann::json::array();
    if (deps_.tokens)
      for (const auto& one : deps_.tokens->list())
        rows.push_back(http::token_document(one));
    call.answer(http::json_response(200, {{"tokens", std::move(rows)}}));
  });
  post("/v1/tokens", http::scope::admin, [this](const gateway_call& call) {
    auto body = own_body(call.request, {"scopes", "name", "expiresIn"});
    auto wish = body ? http::read_token_wish(*body) : body.error();
    if (!wish)
      return call.answer(http::problem(wish.error()));
    if (!deps_.tokens)
      return call.answer(http::problem({errc::unsupported, "tokens are not kept here"}));
    boost::asio::post(deps_.blocking, [tokens = deps_.tokens, wish = std::move(*wish), call] {
      auto made = tokens->create(wish, call.who);
      if (!made)
        return call.answer(http::problem(made.error()));
      auto out = http::token_document(made->kept);
      out["token"] = made->text;
      auto answer = http::json_response(201, out);
      answer.headers.push_back({"Cache-Control", "no-store"});
      call.answer(std::move(answer));
    });
  });
  add("DELETE", "/v1/tokens/{id}",
      {http::scope::admin, false,
       [this](const gateway_call& call) {
         if (!deps_.tokens)
           return call.answer(http::problem({errc::not_found, "there is no such token"}));
         boost::asio::post(deps_.blocking, [tokens = deps_.tokens, call] {
           answer_outcome(call.answer, tokens->revoke(call.params.find("id")->second));
         });
       },
       nullptr});
}

} // namespace holt
