#include "common/formats/hdf5/writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/types.h"

namespace unfold::hdf5 {
namespace {

constexpr std::size_t kMemoryStep = std::size_t{4} << 20;

absl::Status failed(const std::string& object) {
  return error({.code = absl::StatusCode::kUnavailable,
                .reason = "WRITE_FAILED",
                .what = "cannot write the product",
                .why = absl::StrCat(object, ": ", library_error()),
                .remedy = "check the folder and the memory"});
}

absl::Status file_failed(const std::string& path, int number) {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return error(
      {.code = full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnavailable,
       .reason = full ? "DISK_FULL" : "WRITE_FAILED",
       .what = "cannot write the product",
       .why = absl::StrCat(path, ": ", std::strerror(number)),
       .remedy = full ? "free space on the output's file system" : "check the folder"});
}

absl::Status write_all(int fd, const std::string& path, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ::ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return file_failed(path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return absl::OkStatus();
}

std::size_t product(const std::vector<std::int64_t>& shape) {
  std::size_t out = 1;
  for (const std::int64_t axis : shape) out *= static_cast<std::size_t>(axis);
  return out;
}

Handle space_of(const std::vector<std::int64_t>& shape) {
  if (shape.empty()) return {H5Screate(H5S_SCALAR), H5Sclose};
  const std::vector<hsize_t> axes(shape.begin(), shape.end());
  return {H5Screate_simple(static_cast<int>(axes.size()), axes.data(), nullptr), H5Sclose};
}

Handle links_made_as_needed() {
  Handle out(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(out.id(), 1);
  return out;
}

Handle creation(const Packing& packing) {
  Handle out(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(out.id(), false);
  if (packing.chunk.empty()) return out;
  const std::vector<hsize_t> chunk(packing.chunk.begin(), packing.chunk.end());
  H5Pset_chunk(out.id(), static_cast<int>(chunk.size()), chunk.data());
  if (packing.deflate > 0) {
    H5Pset_shuffle(out.id());
    H5Pset_deflate(out.id(), static_cast<unsigned>(packing.deflate));
  }
  return out;
}

// Makes an attribute on `object` and writes its elements.
bool put(hid_t object, const std::string& name, hid_t type, const Handle& space,
         const void* values) {
  const Handle made(H5Acreate2(object, name.c_str(), type, space.id(), H5P_DEFAULT, H5P_DEFAULT),
                    H5Aclose);
  return made.ok() && (values == nullptr || H5Awrite(made.id(), type, values) >= 0);
}

struct PutAttribute {
  hid_t object;
  const std::string& name;

  template <class T>
  bool operator()(const T& value) const {
    return put(object, name, native<T>(), space_of({}), &value);
  }
  template <class T>
  bool operator()(const std::vector<T>& values) const {
    const auto count = static_cast<std::int64_t>(values.size());
    return put(object, name, native<T>(), space_of({count}),
               values.empty() ? nullptr : values.data());
  }
  bool operator()(const std::string& value) const {
    const char* text = value.c_str();
    return put(object, name, text_type().id(), space_of({}), &text);
  }
  bool operator()(const std::vector<std::string>& values) const {
    std::vector<const char*> texts;
    for (const std::string& value : values) texts.push_back(value.c_str());
    const auto count = static_cast<std::int64_t>(values.size());
    return put(object, name, text_type().id(), space_of({count}),
               texts.empty() ? nullptr : texts.data());
  }
};

}  // namespace

// The library composes in memory and this file writes the bytes: a full disk that HDF5 1.10 meets
// itself ends in a crash when the file is closed.
struct Writer::State {
  std::string path;
  int fd = -1;
  Handle file;

  ~State() {
    if (fd >= 0) ::close(fd);
  }
};

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

absl::StatusOr<Writer> Writer::create(const std::string& path) {
  const Call call;
  auto state = std::make_unique<State>();
  state->path = path;
  state->fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (state->fd < 0) return file_failed(path, errno);
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
  H5Pset_fapl_core(access.id(), kMemoryStep, false);
  state->file = Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.id()), H5Fclose);
  if (!state->file.ok()) return failed("/");
  return Writer(std::move(state));
}

absl::Status Writer::group(const std::string& path) {
  const Call call;
  const Handle made(H5Gcreate2(state_->file.id(), path.c_str(), links_made_as_needed().id(),
                               H5P_DEFAULT, H5P_DEFAULT),
                    H5Gclose);
  return made.ok() ? absl::OkStatus() : failed(path);
}

template <class T>
absl::Status Writer::dataset(const std::string& path, const std::vector<std::int64_t>& shape,
                             std::span<const T> values, const Packing& packing) {
  if (product(shape) != values.size()) {
    return error({.reason = "WRONG_SHAPE",
                  .what = absl::StrCat("cannot write ", path),
                  .why = absl::StrCat(values.size(), " values for a shape of ", product(shape))});
  }
  const Call call;
  const Packing used = values.empty() ? Packing{} : packing;
  const Handle made(H5Dcreate2(state_->file.id(), path.c_str(), native<T>(), space_of(shape).id(),
                               links_made_as_needed().id(), creation(used).id(), H5P_DEFAULT),
                    H5Dclose);
  if (!made.ok()) return failed(path);
  if (values.empty()) return absl::OkStatus();
  if (H5Dwrite(made.id(), native<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    return failed(path);
  }
  return absl::OkStatus();
}

absl::Status Writer::strings(const std::string& path, const std::vector<std::string>& values) {
  const Call call;
  std::vector<const char*> texts;
  for (const std::string& value : values) texts.push_back(value.c_str());
  const Handle type = text_type();
  const Handle made(H5Dcreate2(state_->file.id(), path.c_str(), type.id(),
                               space_of({static_cast<std::int64_t>(values.size())}).id(),
                               links_made_as_needed().id(), creation({}).id(), H5P_DEFAULT),
                    H5Dclose);
  if (!made.ok()) return failed(path);
  if (!texts.empty() &&
      H5Dwrite(made.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data()) < 0) {
    return failed(path);
  }
  return absl::OkStatus();
}

absl::Status Writer::attribute(const std::string& object, const std::string& name,
                               const Attribute& value) {
  const Call call;
  const Handle holder(H5Oopen(state_->file.id(), object.c_str(), H5P_DEFAULT), H5Oclose);
  if (!holder.ok() || !std::visit(PutAttribute{holder.id(), name}, value)) {
    return failed(absl::StrCat(object, "@", name));
  }
  return absl::OkStatus();
}

absl::Status Writer::finish() {
  std::vector<char> image;
  {
    const Call call;
    if (H5Fflush(state_->file.id(), H5F_SCOPE_LOCAL) < 0) return failed("/");
    const ::ssize_t size = H5Fget_file_image(state_->file.id(), nullptr, 0);
    if (size < 0) return failed("/");
    image.resize(static_cast<std::size_t>(size));
    if (H5Fget_file_image(state_->file.id(), image.data(), image.size()) < 0) return failed("/");
    state_->file = Handle();
  }
  UNFOLD_RETURN_IF_ERROR(write_all(state_->fd, state_->path, image));
  if (::close(std::exchange(state_->fd, -1)) != 0) return file_failed(state_->path, errno);
  return absl::OkStatus();
}

#define UNFOLD_HDF5_WRITE(T)                                                                     \
  template absl::Status Writer::dataset<T>(const std::string&, const std::vector<std::int64_t>&, \
                                           std::span<const T>, const Packing&);
UNFOLD_HDF5_WRITE(double)
UNFOLD_HDF5_WRITE(float)
UNFOLD_HDF5_WRITE(std::int64_t)
UNFOLD_HDF5_WRITE(std::int32_t)
UNFOLD_HDF5_WRITE(std::uint32_t)
UNFOLD_HDF5_WRITE(std::uint16_t)
UNFOLD_HDF5_WRITE(std::uint8_t)
#undef UNFOLD_HDF5_WRITE

}  // namespace unfold::hdf5
