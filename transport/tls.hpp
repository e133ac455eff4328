// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a client trusts: the certificates of the system, or of one file. Made once, shared by its
// connections, never changed afterwards. Blocks on the disk while it is made.

#include "messages/error.hpp"

#include <memory>
#include <string>

namespace holt::http {

struct tls_client; // transport/tls_context.hpp

using tls_client_ptr = std::shared_ptr<tls_client>;

/// TLS 1.2 and later, the peer's certificate and name are checked. `ca_file` empty: the system's
/// store (also SSL_CERT_FILE and SSL_CERT_DIR). config when the file cannot be used.
result<tls_client_ptr> make_tls_client(const std::string& ca_file = {});

} // namespace holt::http
