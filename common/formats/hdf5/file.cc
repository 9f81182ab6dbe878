#include "common/formats/hdf5/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/file_bytes.h"
#include "common/formats/hdf5/state.h"
#include "common/formats/hdf5/superblock.h"

namespace unfold::hdf5 {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kDeepest = 16;
constexpr int kMostSoftLinks = 8;
constexpr std::size_t kMostChildren = 10000;

absl::StatusOr<std::vector<std::byte>> beginning_of(const FileHandle& file,
                                                    std::string_view shown) {
  std::vector<std::byte> bytes(kSuperblockBytes);
  const ssize_t got = pread(file.fd(), bytes.data(), bytes.size(), 0);
  if (got < 0) {
    return bad_object(shown, "superblock", "BAD_STRUCTURE", "it cannot be read", "check the disk");
  }
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

absl::Status missing(std::string_view shown, const std::string& path) {
  return error({.code = absl::StatusCode::kNotFound,
                .reason = "MISSING_OBJECT",
                .what = absl::StrCat("cannot read \"", std::string(shown), "\""),
                .why = absl::StrCat(path, ": it is not there"),
                .remedy = "check that this is the right file"});
}

absl::StatusOr<std::vector<std::string>> components(std::string_view shown,
                                                    const std::string& path) {
  std::vector<std::string> parts = absl::StrSplit(path, '/', absl::SkipEmpty());
  bool sane = parts.size() <= kDeepest;
  for (const std::string& part : parts) {
    sane = sane && part != "." && part != ".." && part.size() <= kLongestName;
  }
  if (!sane) {
    return bad_object(shown, path.substr(0, 60), "BAD_STRUCTURE",
                      "it is no path of an object: too deep, too long, or with dots");
  }
  return parts;
}

absl::StatusOr<std::string> soft_target(hid_t parent, const std::string& name, std::size_t bytes,
                                        std::string_view shown) {
  if (bytes == 0 || bytes > kDeepest * (kLongestName + 1)) {
    return bad_object(shown, name, "UNSAFE_LINK", "its soft link has a wild length");
  }
  std::string target(bytes, '\0');
  if (H5Lget_val(parent, name.c_str(), target.data(), bytes, H5P_DEFAULT) < 0) {
    return bad_object(shown, name, "BAD_STRUCTURE", library_error());
  }
  target.resize(std::min(bytes - 1, target.find('\0')));
  return target;
}

absl::Status refused_link(std::string_view shown, const std::string& path, H5L_type_t type) {
  return bad_object(
      shown, path, "UNSAFE_LINK",
      type == H5L_TYPE_EXTERNAL ? "it is a link to another file" : "it is a user-defined link",
      "copy the object into this file (h5copy -f ext)");
}

}  // namespace

absl::Status bad_object(std::string_view shown, std::string_view object, std::string reason,
                        std::string why, std::string remedy) {
  return error({.reason = std::move(reason),
                .what = absl::StrCat("cannot read \"", std::string(shown), "\""),
                .why = absl::StrCat(std::string(object), ": ", why),
                .remedy = std::move(remedy)});
}

absl::StatusOr<bool> is_hdf5(const std::string& path, const std::string& shown) {
  UNFOLD_ASSIGN_OR_RETURN(const FileHandle file, fits::open_regular(path, shown));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, beginning_of(file, shown));
  return has_signature(bytes);
}

absl::StatusOr<File> File::open(const std::string& path, const std::string& shown) {
  UNFOLD_ASSIGN_OR_RETURN(FileHandle file, fits::open_regular(path, shown));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, beginning_of(file, shown));
  struct stat info {};
  fstat(file.fd(), &info);
  UNFOLD_RETURN_IF_ERROR(check_superblock(bytes, static_cast<std::uint64_t>(info.st_size), shown));
  const Call call;
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
  H5Pset_file_locking(access.id(), false, true);  // many read one file, also from read-only disks
  // The very file that was checked, whatever its name means by now.
  const std::string same = absl::StrCat("/proc/self/fd/", file.fd());
  auto state = std::make_shared<FileState>();
  state->shown = shown;
  state->bytes = info.st_size;
  state->file = Handle(H5Fopen(same.c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose);
  if (!state->file.ok()) return bad_object(shown, "/", "BAD_STRUCTURE", library_error());
  state->descriptor = std::move(file);
  return File(std::move(state));
}

const std::string& File::shown() const { return state_->shown; }
std::int64_t File::size_bytes() const { return state_->bytes; }

absl::StatusOr<Handle> find_object(const FileState& file, const std::string& path) {
  int soft_links = 0;
  std::vector<Handle> above;  // of the object at hand, from the root
  above.emplace_back(H5Gopen2(file.file.id(), "/", H5P_DEFAULT), H5Gclose);
  if (!above.back().ok()) return bad_object(file.shown, "/", "BAD_STRUCTURE", library_error());
  UNFOLD_ASSIGN_OR_RETURN(std::vector<std::string> parts, components(file.shown, path));
  std::reverse(parts.begin(), parts.end());  // the next one last
  while (!parts.empty()) {
    const std::string name = parts.back();
    parts.pop_back();
    const hid_t parent = above.back().id();
    if (H5Iget_type(parent) != H5I_GROUP) return Handle();
    const htri_t there = H5Lexists(parent, name.c_str(), H5P_DEFAULT);
    if (there < 0) return bad_object(file.shown, path, "BAD_STRUCTURE", library_error());
    if (there == 0) return Handle();
    H5L_info_t link{};
    if (H5Lget_info(parent, name.c_str(), &link, H5P_DEFAULT) < 0) {
      return bad_object(file.shown, path, "BAD_STRUCTURE", library_error());
    }
    if (link.type == H5L_TYPE_SOFT) {
      if (++soft_links > kMostSoftLinks) {
        return bad_object(file.shown, path, "UNSAFE_LINK", "soft links lead in a circle");
      }
      UNFOLD_ASSIGN_OR_RETURN(const std::string target,
                              soft_target(parent, name, link.u.val_size, file.shown));
      UNFOLD_ASSIGN_OR_RETURN(std::vector<std::string> further, components(file.shown, target));
      parts.insert(parts.end(), further.rbegin(), further.rend());
      if (!target.empty() && target.front() == '/') above.resize(1);
      continue;
    }
    if (link.type != H5L_TYPE_HARD) return refused_link(file.shown, path, link.type);
    above.emplace_back(H5Oopen(parent, name.c_str(), H5P_DEFAULT), H5Oclose);
    if (!above.back().ok()) return bad_object(file.shown, path, "BAD_STRUCTURE", library_error());
  }
  return std::move(above.back());
}

absl::StatusOr<Handle> require_object(const FileState& file, const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(Handle object, find_object(file, path));
  if (!object.ok()) return missing(file.shown, path);
  return object;
}

namespace {

ObjectKind kind_of_object(hid_t object) {
  const H5I_type_t type = H5Iget_type(object);
  return type == H5I_GROUP     ? ObjectKind::kGroup
         : type == H5I_DATASET ? ObjectKind::kDataset
                               : ObjectKind::kNone;
}

struct Names {
  std::vector<std::string> names;
  bool too_many = false;
};

herr_t collect_name(hid_t, const char* name, const H5L_info_t*, void* out) {
  Names& names = *static_cast<Names*>(out);
  names.too_many = names.names.size() >= kMostChildren;
  if (names.too_many) return 1;
  names.names.emplace_back(name);
  return 0;
}

}  // namespace

absl::StatusOr<ObjectKind> File::kind_of(const std::string& path) const {
  const Call call;
  UNFOLD_ASSIGN_OR_RETURN(const Handle object, find_object(*state_, path));
  return object.ok() ? kind_of_object(object.id()) : ObjectKind::kNone;
}

absl::StatusOr<std::vector<Child>> File::children(const std::string& group) const {
  const Call call;
  UNFOLD_ASSIGN_OR_RETURN(const Handle object, require_object(*state_, group));
  if (kind_of_object(object.id()) != ObjectKind::kGroup) {
    return bad_object(shown(), group, "WRONG_TYPE", "it is no group");
  }
  Names found;
  if (H5Literate(object.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_name, &found) < 0) {
    return bad_object(shown(), group, "BAD_STRUCTURE", library_error());
  }
  if (found.too_many) {
    return bad_object(shown(), group, "TOO_LARGE",
                      absl::StrCat("it has more than ", kMostChildren, " children"));
  }
  std::vector<Child> out;
  for (const std::string& name : found.names) {
    UNFOLD_ASSIGN_OR_RETURN(const ObjectKind kind, kind_of(absl::StrCat(group, "/", name)));
    out.push_back({name, kind});
  }
  return out;
}

}  // namespace unfold::hdf5
