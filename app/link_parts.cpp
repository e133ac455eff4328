// SPDX-License-Identifier: Apache-2.0
#include "app/link_parts.hpp"

#include "app/fault_steps.hpp"
#include "shell/job_surroundings.hpp"
#include "transport/secret.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>

namespace holt {

namespace {

constexpr std::size_t file_threads = 8;
constexpr std::size_t own_max_payload = 900'000; ///< the official Python client stops at 1 MiB
constexpr std::size_t content_margin = 200'000;  ///< of a payload, for escapes and the envelope

link::wall_ms wall_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

/// `sandbox.json {id, since}`: made at the first start, kept for ever.
result<sandbox_identity> load_identity(const std::filesystem::path& state) {
  sandbox_identity out;
  out.boot = wall_now();
  auto path = state / "sandbox.json";
  std::ifstream in{path};
  auto known = nlohmann::json::parse(in, nullptr, false);
  if (known.is_object() && known.contains("id") && known["id"].is_string()
      && known.contains("since") && known["since"].is_number_integer()) {
    out.id = known["id"].get<std::string>();
    out.since = known["since"].get<link::wall_ms>();
    return out;
  }
  out.id = "sbx_" + random_hex(8);
  out.since = out.boot;
  nlohmann::json document{{"id", out.id}, {"since", out.since}};
  if (auto written = write_file_atomically(path, document.dump() + "\n"); !written)
    return written.error();
  return out;
}

/// A secret of our own, 0600 in the state folder, made at the first start.
result<log::secret> load_secret(const std::filesystem::path& path) {
  std::ifstream in{path};
  std::string text;
  if (in >> text && text.size() >= 32)
    return log::secret{text};
  text = random_hex(32);
  if (auto written = write_file_atomically(path, text + "\n"); !written)
    return written.error();
  return log::secret{text};
}

result<std::string> make_folder(const std::filesystem::path& path) {
  std::error_code ec;
  std::filesystem::create_directories(path, ec);
  if (!ec)
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, ec);
  if (ec)
    return error{errc::state_dir, "'" + path.string() + "' cannot be made: " + ec.message()};
  return path.string();
}

std::vector<std::string> secrets_of(const link_surroundings& in) {
  std::vector<std::string> out;
  for (const auto& text : in.values.activity.mask) {
    if (!text.starts_with("env:")) {
      out.push_back(text);
      continue;
    }
    if (const auto* value = std::getenv(text.c_str() + 4))
      if (std::string_view{value}.size() >= 4)
        out.emplace_back(value);
  }
  out.push_back(in.state.token().reveal());
  auto keys = all_links(in.values);
  for (const auto& one : keys) {
    out.push_back(one.key);
    for (const auto& pair : one.command_keys)
      out.push_back(pair.substr(pair.find(':') + 1));
  }
  out.push_back(in.values.broker.jwt_secret);
  return out;
}

link::auth_options auth_of(const config::link_config& one) {
  link::auth_options out;
  for (const auto& pair : one.command_keys) {
    auto colon = pair.find(':');
    out.keys[pair.substr(0, colon)] = pair.substr(colon + 1);
  }
  return out;
}

result<std::shared_ptr<broker::broker>> make_broker(const link_surroundings& in) {
  const auto& values = in.values.broker;
  broker::broker_options how;
  how.jwt_secret = log::secret{values.jwt_secret};
  if (values.jwt_secret.empty()) {
    auto made = load_secret(in.state.path() / "jwt_secret");
    if (!made)
      return made.error();
    how.jwt_secret = std::move(*made);
  }
  how.any_key = values.any_key;
  how.messages_per_second = values.rate;
  how.joins_per_second = values.join_rate;
  how.presence_calls = values.presence_calls;
  how.mailbox_file = in.state.path() / "mailbox.db";
  how.mailbox_messages = values.mailbox_messages;
  how.mailbox_bytes = values.mailbox_bytes;
  how.mailbox_age = std::chrono::hours{values.mailbox_hours};
  if (in.values.link.max_payload != 0)
    how.max_payload = in.values.link.max_payload;
  return broker::broker::make(in.rt.io(), std::move(how));
}

result<void> open_files(link_parts& out, const link_surroundings& in) {
  files::jail_options jail;
  jail.roots.push_back(in.workspace);
  jail.roots.insert(jail.roots.end(), in.values.files.roots.begin(), in.values.files.roots.end());
  auto opened = files::path_jail::open(std::move(jail));
  if (!opened)
    return error{errc::config, "files.roots: " + opened.error().detail};
  out.files.jail = *opened;
  auto uploads = make_folder(in.state.path() / "uploads");
  if (!uploads)
    return uploads.error();
  out.files.upload_dir = *uploads;
  out.files.at_step = fault_at_step();
  out.files.limits.max_inline = own_max_payload - content_margin;
  return {};
}

result<void> set_shell(link_parts& out, const link_surroundings& in) {
  const auto& values = in.values.exec;
  auto& shell = out.shell;
  shell.shell = values.shell;
  shell.timeout = std::chrono::milliseconds{values.timeout_ms};
  shell.max_output = values.max_output;
  shell.user = values.user;
  shell.memory_events = shell::find_memory_events();
  auto spill = make_folder(in.state.path() / "spill");
  auto scripts = make_folder(in.state.path() / "scripts");
  if (!spill || !scripts)
    return spill ? scripts.error() : spill.error();
  shell.spill_dir = *spill;
  shell.script_dir = *scripts;
  shell.environment = [context = in.context] {
    return context && !context->display().empty() ? context->environment()
                                                  : scrubbed_environment(environ);
  };
  return {};
}

} // namespace

result<link_parts_ptr> make_link_parts(const link_surroundings& in) {
  auto out = std::make_shared<link_parts>();
  auto identity = load_identity(in.state.path());
  if (!identity)
    return identity.error();
  out->identity = std::move(*identity);
  if (auto opened = open_files(*out, in); !opened)
    return opened.error();
  if (auto set = set_shell(*out, in); !set)
    return set.error();
  out->mask = std::make_shared<const secret_mask>(secrets_of(in));
  if (broker_runs(in.values)) {
    auto made = make_broker(in);
    if (!made)
      return made.error();
    out->broker = std::move(*made);
    const auto& own = in.values.link;
    out->links.push_back({own.session, own.result_event, auth_of(own), true});
  }
  out->remote = all_links(in.values);
  std::set<std::string> sessions;
  for (const auto& one : out->remote)
    out->links.push_back({one.session, one.result_event, auth_of(one), false});
  for (const auto& one : out->links)
    if (!sessions.insert(one.session).second)
      return error{errc::config, "the session '" + one.session
                                   + "' stands twice: each link needs a session of its own"};
  out->pool = std::make_unique<boost::asio::thread_pool>(file_threads);
  out->blocking = std::make_unique<blocking_unit>(in.rt.system(), *out->pool);
  return out;
}

result<nlohmann::json> realtime_access(const link_parts& parts, const std::string& gateway_url,
                                       const std::string& session) {
  auto document = [](const std::string& url, const std::string& key, const std::string& name) {
    return result<nlohmann::json>{boost::system::in_place_value,
                                  nlohmann::json{{"url", url}, {"key", key}, {"session", name}}};
  };
  for (const auto& one : parts.remote)
    if (one.session == session || (session.empty() && !parts.broker))
      return document(one.url, one.key, one.session);
  if (!parts.broker)
    return error{errc::not_found, "no link has this session"};
  auto name = session.empty() ? parts.links.front().session : session;
  return document(gateway_url + "/realtime/v1", parts.broker->agent_key(name), name);
}

} // namespace holt
