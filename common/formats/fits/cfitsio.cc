#include "common/formats/fits/cfitsio.h"

#include <fitsio.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/scan.h"

namespace unfold::fits {
namespace {

std::string reason_text(int status) {
  char text[FLEN_STATUS] = {};
  fits_get_errstatus(status, text);
  return absl::StrCat("CFITSIO: ", text);
}

class MemoryFile {
 public:
  // CFITSIO takes a pointer to a pointer that it may move when it writes; here it only reads.
  explicit MemoryFile(std::span<const std::byte> bytes)
      : data_(const_cast<std::byte*>(bytes.data())), size_(bytes.size()) {
    fits_open_memfile(&file_, "memory", READONLY, &data_, &size_, 0, nullptr, &status_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() {
    int ignored = 0;
    if (file_ != nullptr) fits_close_file(file_, &ignored);
  }

  fitsfile* get() const { return file_; }
  int status() const { return status_; }

 private:
  void* data_;
  std::size_t size_;
  fitsfile* file_ = nullptr;
  int status_ = 0;
};

absl::Status decompress(std::span<const std::byte> bytes, int type, void* undefined,
                        std::size_t count, void* out) {
  const MemoryFile file(bytes);
  int status = file.status();
  if (status == 0) fits_movabs_hdu(file.get(), 2, nullptr, &status);
  if (status == 0) {
    fits_read_img(file.get(), type, 1, static_cast<LONGLONG>(count), undefined, out, nullptr,
                  &status);
  }
  if (status == 0) return absl::OkStatus();
  return error({.reason = "BAD_STRUCTURE",
                .what = absl::StrCat("its tiles do not decompress: ", reason_text(status))});
}

}  // namespace

absl::Status decompress_image(std::span<const std::byte> file, std::span<float> out) {
  float undefined = std::numeric_limits<float>::quiet_NaN();
  return decompress(file, TFLOAT, &undefined, out.size(), out.data());
}

absl::Status decompress_image(std::span<const std::byte> file, std::span<std::int32_t> out) {
  return decompress(file, TINT, nullptr, out.size(), out.data());
}

absl::Status decompress_image(std::span<const std::byte> file, std::span<std::uint32_t> out) {
  return decompress(file, TUINT, nullptr, out.size(), out.data());
}

std::string checksum_problem(const LoadedFile& loaded) {
  const MemoryFile file(loaded.bytes.contents.bytes());
  int status = file.status();
  int number = 0;
  for (const Hdu& hdu : loaded.structure.hdus) {
    const std::string name = absl::StrCat("HDU ", printable(hdu.name));
    int data = 0;
    int whole = 0;
    if (status == 0) fits_movabs_hdu(file.get(), ++number, nullptr, &status);
    if (status == 0) fits_verify_chksum(file.get(), &data, &whole, &status);
    if (status != 0) return absl::StrCat(name, " cannot be verified: ", reason_text(status));
    if (data == 0 || whole == 0) return absl::StrCat(name, " has no checksums");
    if (data != 1) return absl::StrCat("the DATASUM of ", name, " does not hold");
    if (whole != 1) return absl::StrCat("the CHECKSUM of ", name, " does not hold");
  }
  return {};
}

}  // namespace unfold::fits
