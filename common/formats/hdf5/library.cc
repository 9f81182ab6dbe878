#include "common/formats/hdf5/library.h"

namespace unfold::hdf5 {
namespace {

constexpr std::size_t kMostText = 160;

// HDF5's state is one for the process, and so is its lock.
std::recursive_mutex& library_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

void open_library() {
  static const bool opened = [] {
    H5open();
    H5PLset_loading_state(0);
    return true;
  }();
  (void)opened;
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // a setting of each thread
}

// The walk begins where the error arose.
herr_t keep_first(unsigned depth, const H5E_error2_t* entry, void* out) {
  std::string& text = *static_cast<std::string*>(out);
  if (depth == 0 && entry->desc != nullptr) text = entry->desc;
  return 0;
}

}  // namespace

Call::Call() : lock_(library_mutex()) { open_library(); }

Handle::~Handle() {
  if (id_ < 0) return;
  const Call call;
  close_(id_);
}

std::string library_error() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &text);
  H5Eclear2(H5E_DEFAULT);
  if (text.size() > kMostText) text.resize(kMostText);
  for (char& c : text) c = c < ' ' || c > '~' ? ' ' : c;
  return text.empty() ? "HDF5 says no more" : text;
}

}  // namespace unfold::hdf5
