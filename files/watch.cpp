// SPDX-License-Identifier: Apache-2.0
#include "files/watch.hpp"

#include "files/watch_state.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace holt::files {

namespace {

class hub final : public watch_hub {
public:
  explicit hub(watch_limits limits)
    : limits_{limits}, wake_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
    thread_ = std::thread{[this] { run(); }};
  }

  ~hub() override {
    {
      std::lock_guard lock{mutex_};
      stopping_ = true;
    }
    wake();
    thread_.join();
  }

  result<std::unique_ptr<handle>> watch(const file_context& context, std::string_view path,
                                        const watch_options& how, sink to) override;

  void forget(const std::shared_ptr<watch_state>& which) {
    which->closed = true;
    wake();
  }

private:
  class watch_handle final : public handle {
  public:
    watch_handle(std::shared_ptr<hub> of, std::shared_ptr<watch_state> state)
      : of_{std::move(of)}, state_{std::move(state)} {}
    ~watch_handle() override { of_->forget(state_); }
    const std::string& shown() const noexcept override { return state_->shown(); }

  private:
    std::shared_ptr<hub> of_;
    std::shared_ptr<watch_state> state_;
  };

  void wake() {
    const std::uint64_t one = 1;
    if (::write(wake_.get(), &one, sizeof one) < 0)
      return; // full: it is awake
  }

  /// Whole ms until then, up; 0: it has passed.
  static int left(watch_state::clock::time_point until) {
    const auto rest
      = std::chrono::ceil<std::chrono::milliseconds>(until - watch_state::clock::now());
    return static_cast<int>(std::max<std::int64_t>(rest.count(), 0));
  }

  /// Those that live; false: the hub ends.
  bool current(std::vector<std::shared_ptr<watch_state>>& out) {
    std::lock_guard lock{mutex_};
    std::erase_if(all_, [](const auto& one) { return one->closed.load(); });
    out = all_;
    return !stopping_;
  }

  void run() {
    std::vector<std::shared_ptr<watch_state>> now;
    std::vector<pollfd> waits;
    while (current(now)) {
      waits.assign(1, {wake_.get(), POLLIN, 0});
      std::optional<watch_state::clock::time_point> until;
      for (const auto& one : now) {
        waits.push_back({one->fd(), POLLIN, 0});
        if (auto at = one->pending_until(); at && (!until || *at < *until))
          until = at;
      }
      const int ready = ::poll(waits.data(), waits.size(), until ? left(*until) : -1);
      std::uint64_t count = 0;
      if (waits[0].revents != 0 && ::read(wake_.get(), &count, sizeof count) < 0)
        continue;
      for (std::size_t i = 0; i < now.size(); ++i) {
        if (ready > 0 && waits[i + 1].revents != 0) {
          if (!now[i]->read_events())
            now[i]->closed = true;
        } else if (auto at = now[i]->pending_until(); at && left(*at) == 0) {
          now[i]->settle_pending();
        }
      }
      now.clear();
    }
  }

  watch_limits limits_;
  unique_fd wake_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<watch_state>> all_;
  std::size_t beginning_ = 0; ///< watches that are not in `all_` yet
  bool stopping_ = false;
  std::thread thread_;
};

result<std::unique_ptr<watch_hub::handle>>
hub::watch(const file_context& context, std::string_view path, const watch_options& how, sink to) {
  auto where = context.jail->locate(path);
  if (!where)
    return where.error();
  {
    std::lock_guard lock{mutex_};
    const auto open = static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(), [](const auto& one) { return !one->closed.load(); }));
    if (open + beginning_ >= limits_.watches)
      return error{errc::busy, "there are " + std::to_string(limits_.watches) + " watches already"};
    ++beginning_;
  }
  auto state
    = std::make_shared<watch_state>(context, std::move(*where), how, limits_, std::move(to));
  auto begun = state->begin();
  std::lock_guard lock{mutex_};
  --beginning_;
  if (!begun)
    return begun.error();
  all_.push_back(state);
  wake();
  return std::unique_ptr<handle>{std::make_unique<watch_handle>(
    std::static_pointer_cast<hub>(shared_from_this()), std::move(state))};
}

} // namespace

std::string_view to_string(change_kind kind) noexcept {
  constexpr std::array<std::string_view, 7> names{"created",    "modified", "removed", "moved",
                                                  "attributes", "overflow", "gone"};
  return names[static_cast<std::size_t>(kind)];
}

std::shared_ptr<watch_hub> watch_hub::make(watch_limits limits) {
  return std::make_shared<hub>(limits);
}

} // namespace holt::files
