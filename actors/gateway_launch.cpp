// SPDX-License-Identifier: Apache-2.0

// Programs on the desktop: start one, open a file or an address, list what there is.

#include "actors/act_limits.hpp"
#include "actors/app_launcher.hpp"
#include "actors/gateway.hpp"
#include "actors/query_fields.hpp"
#include "desktop/applications.hpp"
#include "transport/spawner.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace holt {

namespace {

using nlohmann::json;

constexpr const char* data_dirs = "/usr/local/share:/usr/share";

struct launch_wish {
  std::string app;
  std::vector<std::string> args;
  bool wait = false;
};

result<std::string> read_string(const json& body, const char* name) {
  auto i = body.find(name);
  if (i == body.end() || i->is_null())
    return error{errc::unprocessable, std::string{name} + " is missing"};
  if (!i->is_string())
    return error{errc::unprocessable, std::string{name} + " must be a string"};
  auto text = i->get<std::string>();
  if (text.find('\0') != std::string::npos)
    return error{errc::invalid_request, std::string{name} + " must not hold a NUL"};
  return text;
}

result<launch_wish> read_launch(const json& body) {
  launch_wish out;
  auto app = read_string(body, "app");
  if (!app)
    return app.error();
  out.app = std::move(*app);
  if (auto i = body.find("args"); i != body.end() && !i->is_null()) {
    if (!i->is_array())
      return error{errc::unprocessable, "args must be a list of strings"};
    if (i->size() > act_limits::arguments)
      return error{errc::invalid_request,
                   "args must be at most " + std::to_string(act_limits::arguments) + " strings"};
    for (const auto& one : *i) {
      if (!one.is_string() || one.get_ref<const std::string&>().find('\0') != std::string::npos)
        return error{errc::unprocessable, "args must be a list of strings"};
      out.args.push_back(one.get<std::string>());
    }
  }
  if (auto i = body.find("wait"); i != body.end() && !i->is_null()) {
    if (!i->is_boolean())
      return error{errc::unprocessable, "wait must be true or false"};
    out.wait = i->get<bool>();
  }
  return out;
}

std::string data_folders(const std::map<std::string, std::string>& environment) {
  auto i = environment.find("XDG_DATA_DIRS");
  return i != environment.end() && !i->second.empty() ? i->second : data_dirs;
}

std::string search_path(const std::map<std::string, std::string>& environment) {
  auto i = environment.find("PATH");
  return i != environment.end() ? i->second : "/usr/local/bin:/usr/bin:/bin";
}

/// argv of a program by its name, path, or the id or name in the list of applications. Blocks.
result<std::vector<std::string>> resolve(const launch_wish& wish,
                                         const std::map<std::string, std::string>& environment) {
  auto with_args = [&](std::vector<std::string> command) {
    command.insert(command.end(), wish.args.begin(), wish.args.end());
    return command;
  };
  if (!wish.app.empty() && find_program(wish.app, search_path(environment)))
    return with_args({wish.app});
  for (auto& one : desktop::list_applications(data_folders(environment)))
    if (!wish.app.empty() && (one.id == wish.app || one.name == wish.app)) {
      auto command = std::move(one.command);
      if (one.terminal)
        command.insert(command.begin(), {"xterm", "-e"});
      return with_args(std::move(command));
    }
  return error{errc::not_found, "Application '" + wish.app + "' not found in PATH"};
}

http::response launch_problem(const error& why) {
  if (why.code == errc::not_found && !why.detail.starts_with("cwd: ")) // its folder is missing
    return named_not_found("app_not_found", why.detail);
  if (why.code == errc::dependency_missing)
    return named_not_found("app_not_found", why.detail);
  return http::problem(why);
}

/// A file that exists, or an address.
result<std::string> find_target(const std::string& target, const std::string& workspace) {
  auto colon = target.find("://");
  bool address = colon != std::string::npos && colon > 0 && target.find('/') == colon + 1;
  if (address || target.rfind("mailto:", 0) == 0)
    return target;
  std::error_code ec;
  auto path = std::filesystem::path{workspace} / target;
  if (!std::filesystem::exists(path, ec))
    return error{errc::not_found, "there is no file '" + target + "'"};
  return path.string();
}

json application_json(const desktop::application& one) {
  json out{{"id", one.id},
           {"name", one.name},
           {"command", one.command},
           {"categories", one.categories},
           {"terminal", one.terminal}};
  if (!one.comment.empty())
    out["comment"] = one.comment;
  if (!one.icon.empty())
    out["icon"] = one.icon;
  return out;
}

struct launching {
  std::shared_ptr<app_launcher> launcher;
  desktop_context_ptr context;
  actor_ref<activity_actor> activity;
  std::shared_ptr<boost::asio::thread_pool> pool; ///< for what reads folders
};

void start(const launching& how, launch_order order, const std::string& who,
           const http::reply& answer) {
  order.folder = how.context->workspace();
  auto program = order.command.front();
  how.launcher->start(std::move(order),
                      [activity = how.activity, answer, who,
                       program = std::move(program)](const result<launched_app>& got) {
                        if (!got)
                          return answer(launch_problem(got.error()));
                        activity.send(activity_append{"act",
                                                      {{"act", "launch"},
                                                       {"app", program},
                                                       {"id", got->process_id},
                                                       {"pid", got->pid},
                                                       {"name", who}}});
                        json out{{"processId", got->process_id}, {"pid", got->pid}};
                        if (got->window)
                          out["windowId"] = std::to_string(*got->window);
                        answer(http::json_response(200, out));
                      });
}

} // namespace

void gateway::add_launch_routes() {
  using http::scope;
  launching how;
  how.context = deps_.context;
  how.activity = deps_.activity;
  how.pool = std::make_shared<boost::asio::thread_pool>(1);
  if (deps_.context)
    how.launcher = std::make_shared<app_launcher>(deps_.processes, deps_.door);
  auto inactive = [](const gateway_call& call) {
    call.answer(
      http::problem({errc::desktop_runtime_inactive, "this daemon runs without a desktop"}));
  };
  post("/v1/desktop/launch", http::scopes{scope::input} | scope::exec,
       [this, how, inactive](const gateway_call& call) {
         auto body = body_object(call.request);
         auto wish = body ? read_launch(*body) : result<launch_wish>{body.error()};
         if (!wish)
           return call.answer(http::problem(wish.error()));
         if (!how.context)
           return inactive(call);
         if (!actor_of(deps_, call))
           return;
         boost::asio::post(
           *how.pool, [how, wish = *wish, who = call.who.name, answer = call.answer] {
             if (how.context->display().empty())
               return answer(http::problem(
                 {errc::desktop_runtime_inactive, "Desktop runtime has not been started"}));
             auto command = resolve(wish, how.context->environment());
             if (!command)
               return answer(launch_problem(command.error()));
             start(how, {std::move(*command), {}, "launch", wish.wait}, who, answer);
           });
       });
  post("/v1/desktop/open", http::scopes{scope::input} | scope::exec,
       [this, how, inactive](const gateway_call& call) {
         auto body = body_object(call.request);
         auto target = body ? read_string(*body, "target") : result<std::string>{body.error()};
         if (target && target->empty())
           target = error{errc::desktop_invalid_action, "target must not be empty"};
         if (!target)
           return call.answer(http::problem(target.error()));
         if (!how.context)
           return inactive(call);
         if (!actor_of(deps_, call))
           return;
         boost::asio::post(
           *how.pool, [how, typed = *target, who = call.who.name, answer = call.answer] {
             if (how.context->display().empty())
               return answer(http::problem(
                 {errc::desktop_runtime_inactive, "Desktop runtime has not been started"}));
             auto found = find_target(typed, how.context->workspace());
             if (!found)
               return answer(http::problem(found.error()));
             start(how, {{"xdg-open", *found}, {}, "open", false}, who, answer);
           });
       });
  get("/v1/desktop/applications", scope::view, [how](const gateway_call& call) {
    boost::asio::post(*how.pool, [how, answer = call.answer] {
      auto folders = how.context ? data_folders(how.context->environment()) : data_dirs;
      json out = json::array();
      for (const auto& one : desktop::list_applications(folders))
        out.push_back(application_json(one));
      answer(http::json_response(200, {{"applications", out}}));
    });
  });
}

} // namespace holt
