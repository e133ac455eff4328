// SPDX-License-Identifier: Apache-2.0

// What the system's error numbers mean for a command.

#include "files/path_jail.hpp"
#include "messages/command.hpp"

#include <array>
#include <cerrno>
#include <system_error>

namespace holt::files {

namespace {

struct row {
  int number;
  errc code;
  std::string_view sentence;
};

constexpr std::array rows{
  row{ENOENT, errc::not_found, "no such file or folder"},
  row{EACCES, errc::denied, "permission denied"},
  row{EPERM, errc::denied, "not permitted"},
  row{EXDEV, errc::denied, "leads outside the allowed folders"},
  row{ELOOP, errc::denied, "too many links, or one that is not followed"},
  row{EEXIST, errc::exists, "exists already"},
  row{EISDIR, errc::is_directory, "is a folder"},
  row{ENOTDIR, errc::not_directory, "is not a folder, or leads through something that is none"},
  row{ENOTEMPTY, errc::conflict, "the folder is not empty"},
  row{ENOSPC, errc::no_space, "no space left"},
  row{EDQUOT, errc::no_space, "the quota is used up"},
  row{EROFS, errc::read_only, "the file system is read-only"},
  row{EFBIG, errc::payload_too_large, "too large"},
  row{EOVERFLOW, errc::payload_too_large, "too large"},
  row{ENAMETOOLONG, errc::invalid_request, "the name or path is too long"},
  row{EINVAL, errc::invalid_request, "not a name that is possible here"},
  row{ENXIO, errc::unsupported, "neither a file nor a folder"},
  row{ENODEV, errc::unsupported, "neither a file nor a folder"},
  row{EOPNOTSUPP, errc::unsupported, "the file system does not offer this"},
  row{ETXTBSY, errc::busy, "it is being executed"},
  row{EBUSY, errc::busy, "it is in use"},
  row{EAGAIN, errc::busy, "it is in use"},
  row{EMFILE, errc::busy, "too many open files"},
  row{ENFILE, errc::busy, "too many open files"},
  row{ENOMEM, errc::busy, "no memory left"},
};

} // namespace

error from_errno(int number, std::string_view path) {
  for (const auto& [known, code, sentence] : rows)
    if (known == number)
      return {code, printable(path) + ": " + std::string{sentence}};
  return {errc::io, printable(path) + ": " + std::generic_category().message(number)};
}

std::string printable(std::string_view path) {
  std::string out{path};
  if (!is_utf8(out))
    for (auto& c : out)
      if (static_cast<unsigned char>(c) >= 0x80)
        c = '?';
  return out;
}

} // namespace holt::files
