// SPDX-License-Identifier: Apache-2.0
#include "desktop/atom_names.hpp"

namespace holt::desktop {

namespace {

constexpr std::size_t most_remembered = 1'024;

} // namespace

void atom_names::remember(xcb_atom_t atom, const std::string& name) {
  if (by_atom_.size() >= most_remembered) {
    by_atom_.clear();
    by_name_.clear();
  }
  by_atom_[atom] = name;
  by_name_[name] = atom;
}

result<xcb_atom_t> atom_names::atom(const std::string& name) {
  if (auto known = by_name_.find(name); known != by_name_.end())
    return known->second;
  auto made = x_.atom(name.c_str());
  if (made)
    remember(*made, name);
  return made;
}

std::vector<std::string> atom_names::names(const std::vector<xcb_atom_t>& atoms) {
  std::vector<std::string> out(atoms.size());
  std::vector<std::pair<std::size_t, xcb_get_atom_name_cookie_t>> asked;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    if (auto known = by_atom_.find(atoms[i]); known != by_atom_.end())
      out[i] = known->second;
    else
      asked.emplace_back(i, xcb_get_atom_name(x_.raw(), atoms[i]));
  }
  for (const auto& [at, cookie] : asked) {
    xcb_ptr<xcb_get_atom_name_reply_t> reply{xcb_get_atom_name_reply(x_.raw(), cookie, nullptr)};
    if (!reply)
      continue;
    out[at].assign(xcb_get_atom_name_name(reply.get()),
                   static_cast<std::size_t>(xcb_get_atom_name_name_length(reply.get())));
    remember(atoms[at], out[at]);
  }
  return out;
}

} // namespace holt::desktop
