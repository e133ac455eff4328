// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE spare_keys

#include "desktop/spare_keys.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt::desktop;
using namespace std::chrono_literals;

namespace {

const spare_keys::clock::time_point t0 = spare_keys::clock::now();

struct pool {
  explicit pool(spare_end end, std::vector<keycode> unused) : keys(end, 1s) {
    keys.refresh(unused, nothing);
  }
  std::optional<keycode> take(keysym sym, std::chrono::milliseconds at,
                              std::vector<keycode> held = {}) {
    auto got = keys.take(sym, t0 + at, held);
    fresh = got && got->fresh;
    return got ? std::optional{got->code} : std::nullopt;
  }
  static keysym nothing(keycode) { return 0; }
  spare_keys keys;
  bool fresh = false;
};

} // namespace

CAF_TEST(each end takes half of the unused keys) {
  std::vector<keycode> unused{8, 93, 97, 103};
  pool low{spare_end::lowest, unused};
  pool high{spare_end::highest, unused};
  CAF_CHECK(low.take(1, 0ms) == keycode{8});
  CAF_CHECK(low.take(2, 0ms) == keycode{93});
  CAF_CHECK(!low.take(3, 0ms));
  CAF_CHECK(high.take(1, 0ms) == keycode{103});
  CAF_CHECK(high.take(2, 0ms) == keycode{97});
  CAF_CHECK(!high.take(3, 0ms));
}

CAF_TEST(the key used longest ago is reused after its rest) {
  pool p{spare_end::lowest, {10, 20, 30, 40}};
  CAF_CHECK(p.take(1, 0ms) == keycode{10});
  CAF_CHECK(p.fresh);
  CAF_CHECK(p.take(2, 100ms) == keycode{20});
  CAF_CHECK(p.take(1, 500ms) == keycode{10});
  CAF_CHECK(!p.fresh);
  CAF_CHECK(!p.take(3, 1099ms));
  CAF_CHECK(p.keys.next_free() == t0 + 1100ms);
  CAF_CHECK(p.take(3, 1100ms) == keycode{20});
  CAF_CHECK(p.fresh);
}

CAF_TEST(a held key is never given away) {
  pool p{spare_end::lowest, {10, 20}};
  CAF_CHECK(p.take(1, 0ms) == keycode{10});
  CAF_CHECK(!p.take(2, 1h, {10}));
  CAF_CHECK(p.take(2, 1h) == keycode{10});
}

CAF_TEST(a layout that takes a key away is obeyed) {
  pool p{spare_end::lowest, {10, 20, 30, 40}};
  CAF_CHECK(p.take(7, 0ms) == keycode{10});
  p.keys.refresh({20, 30, 40}, [](keycode code) -> keysym { return code == 10 ? 7 : 0; });
  CAF_CHECK(p.keys.mine() == std::vector<keycode>{10});
  p.keys.refresh({20, 30, 40}, [](keycode) -> keysym { return 99; });
  CAF_CHECK(p.keys.mine().empty());
  CAF_CHECK(p.take(7, 1ms) == keycode{20});
}

CAF_TEST(keys left behind are taken over when they still carry the same) {
  spare_keys keys{spare_end::lowest, 1s};
  keys.adopt({{10, 7}, {11, 8}});
  keys.refresh({20, 21}, [](keycode code) -> keysym { return code == 10 ? 7 : 99; });
  CAF_CHECK((keys.assignments() == std::map<keycode, keysym>{{10, 7}}));
}

CAF_TEST(no spare key at all is not the same as busy) {
  pool p{spare_end::lowest, {}};
  CAF_CHECK(!p.take(1, 0ms));
  CAF_CHECK(!p.keys.next_free());
}
