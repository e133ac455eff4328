// SPDX-License-Identifier: Apache-2.0

#include "app/verbs.hpp"

#include <iostream>

int main(int argc, char** argv) {
  using holt::verb;
  auto parsed = holt::parse_command_line(argc, argv);
  if (parsed.exit)
    return *parsed.exit;
  if (parsed.line.run)
    return parsed.line.run(parsed.line);
  switch (parsed.line.what) {
  case verb::serve: return holt::verb_serve(parsed.line, argc, argv);
  case verb::status: return holt::verb_status(parsed.line);
  case verb::doctor: return holt::verb_doctor(parsed.line);
  case verb::open: return holt::verb_open(parsed.line);
  case verb::link: return holt::verb_link(parsed.line);
  case verb::start:
  case verb::stop:
  case verb::restart: return holt::verb_act(parsed.line);
  case verb::version: std::cout << "holt " << HOLT_VERSION << std::endl; return 0;
  case verb::none: break;
  }
  return 64;
}
