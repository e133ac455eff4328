// SPDX-License-Identifier: Apache-2.0
#pragma once

// Owners of libarchive's handles, for those who link it: the daemon's files and the verbs.

#include <archive.h>
#include <archive_entry.h>

#include <clocale>
#include <memory>

namespace holt {

struct archive_closer {
  void operator()(archive* what) const noexcept { archive_free(what); }
};
struct entry_closer {
  void operator()(archive_entry* what) const noexcept { archive_entry_free(what); }
};
using archive_ptr = std::unique_ptr<archive, archive_closer>;
using entry_ptr = std::unique_ptr<archive_entry, entry_closer>;

/// libarchive reads names in the thread's locale, which may know no UTF-8.
class utf8_names {
public:
  utf8_names() : own_{::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)} {
    if (own_ != nullptr)
      before_ = ::uselocale(own_);
  }
  utf8_names(const utf8_names&) = delete;
  utf8_names& operator=(const utf8_names&) = delete;
  ~utf8_names() {
    if (own_ == nullptr)
      return;
    ::uselocale(before_);
    ::freelocale(own_);
  }

private:
  locale_t own_;
  locale_t before_ = nullptr;
};

} // namespace holt
