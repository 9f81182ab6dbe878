#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>

// What every call of the HDF5 library needs. Of this module alone.
namespace unfold::hdf5 {

/// Holds the library for one operation: its lock, no text on stderr, no filters from folders.
class Call {
 public:
  Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};

/// Owns an identifier. To be made, moved and destroyed within a Call, or destroyed anywhere.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle();

  hid_t id() const { return id_; }
  bool ok() const { return id_ >= 0; }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// Why the last call failed, by HDF5's own words; clears it. At most 160 printable characters.
std::string library_error();

}  // namespace unfold::hdf5
