// SPDX-License-Identifier: Apache-2.0
#include "app/ready.hpp"

#include "transport/state_dir.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <iostream>

namespace holt {

result<void> announce_ready(const ready_facts& facts) {
  if (facts.file.empty())
    return {};
  nlohmann::json document{{"url", facts.url},
                          {"link", facts.link},
                          {"token", facts.token.reveal()},
                          {"pid", getpid()},
                          {"engine", nullptr}};
  if (!facts.engine.empty())
    document["engine"] = facts.engine;
  document["realtime"] = nullptr;
  if (!facts.realtime.url.empty())
    document["realtime"] = {{"url", facts.realtime.url},
                            {"key", facts.realtime.key.reveal()},
                            {"session", facts.realtime.session}};
  return write_file_atomically(facts.file, document.dump() + "\n");
}

void print_banner(const banner_facts& facts) {
  auto& out = std::cerr;
  out << "\n  Holt " << HOLT_VERSION << " is ready.\n\n"
      << "  Open     " << facts.link << "\n"
      << "           (works once; `holt open` makes another)\n";
  if (facts.desktop)
    out << "  Engine   " << facts.engine.name << " " << facts.engine.version << "\n";
  else
    out << "  Desktop  none (--no-desktop)\n";
  for (const auto& note : facts.engine.notes)
    out << "           " << note << "\n";
  if (!facts.session.empty())
    out << "  Agents   session " << facts.session << " (`holt link` says how to connect)\n";
  out << "  Files    " << facts.workspace << "\n"
      << "  State    " << facts.state_dir << "\n\n"
      << "  Stop with Ctrl+C.\n"
      << std::endl;
}

} // namespace holt
