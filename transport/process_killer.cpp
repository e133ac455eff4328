// SPDX-License-Identifier: Apache-2.0

#include "transport/process_killer.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <utility>

namespace holt {

struct process_killer::threads {
  boost::asio::thread_pool pool{8};
};

process_killer::process_killer() : threads_(std::make_unique<threads>()) {}

process_killer::~process_killer() {
  threads_->pool.join();
}

void process_killer::kill(process_target target, std::chrono::milliseconds limit,
                          std::function<void(sweep_result)> done) {
  boost::asio::post(threads_->pool, [target = std::move(target), limit, done = std::move(done)] {
    const auto until = std::chrono::steady_clock::now() + limit;
    done(sweep_tree(target, until));
  });
}

} // namespace holt
