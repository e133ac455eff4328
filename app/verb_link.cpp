// SPDX-License-Identifier: Apache-2.0
#include "app/daemon_client.hpp"
#include "app/verbs.hpp"
#include "transport/url.hpp"

#include <iostream>

namespace holt {

int verb_link(const command_line& line) {
  auto client = daemon_client::find(line);
  if (!client)
    return complain(client.error());
  auto query = line.app               ? std::string{"?app=1"}
               : line.session.empty() ? std::string{}
                                      : "?session=" + url::percent_encode(line.session);
  auto got = client->call("GET", "/v1/link/access" + query);
  if (!got)
    return complain(got.error());
  if (line.json) {
    std::cout << got->dump(2) << std::endl;
    return 0;
  }
  auto address = got->value("url", "");
  auto key = got->value("key", "");
  if (line.app) {
    std::cout << "url      " << address << "\n"
              << "key      " << key << "   (every channel but sandbox:*)\n\n"
              << "await AsyncRealtimeClient(\"" << address << "\", \"" << key << "\").connect()\n"
              << std::flush;
    return 0;
  }
  auto session = got->value("session", "");
  std::cout << "url      " << address << "\n"
            << "session  " << session << "   (channel sandbox:" << session << ")\n"
            << "key      " << key << "\n\n"
            << "from holt import Holt\n"
            << "sandbox = Holt.connect(url=\"" << address << "\", session=\"" << session
            << "\", key=\"" << key << "\")\n"
            << "print(sandbox.exec(\"uname -a\").stdout)\n"
            << std::flush;
  return 0;
}

} // namespace holt
