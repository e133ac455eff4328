// SPDX-License-Identifier: Apache-2.0
#include "transport/tls_context.hpp"

namespace holt::http {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

result<tls_client_ptr> make_tls_client(const std::string& ca_file) {
  try {
    auto out = std::make_shared<tls_client>();
    auto& context = out->context;
    context.set_verify_mode(ssl::verify_peer);
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    // A gateway that also speaks HTTP/2 must not choose it.
    constexpr unsigned char protocols[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(context.native_handle(), protocols, sizeof protocols - 1);
    error_code ec;
    if (ca_file.empty())
      context.set_default_verify_paths(ec);
    else
      context.load_verify_file(ca_file, ec);
    if (ec)
      return error{errc::config, "The certificates of "
                                   + (ca_file.empty() ? std::string{"the system"} : ca_file)
                                   + " cannot be read: " + ec.message()};
    return out;
  } catch (const std::exception& e) { // OpenSSL has no memory or no entropy
    return error{errc::internal, std::string{"TLS cannot be set up: "} + e.what()};
  }
}

} // namespace holt::http
