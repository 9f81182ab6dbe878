#include "common/formats/hdf5/raw_text.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>

namespace unfold::hdf5 {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kLargestBlock = std::uint64_t{16} << 20;
constexpr std::size_t kMostBlocks = 256;
constexpr unsigned kAttribute = 0x0C;
constexpr unsigned kContinuation = 0x10;
constexpr unsigned kSharedMessage = 0x02;
constexpr std::uint64_t kUndefined = ~std::uint64_t{0};

/// Reads little-endian numbers one after another; fails for good at the end.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  std::size_t left() const { return rest_.size(); }

  std::uint64_t number(std::size_t width) {
    const std::span<const std::byte> bytes = take(width);
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
      value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    }
    return value;
  }
  std::span<const std::byte> take(std::uint64_t bytes) {
    ok_ = ok_ && bytes <= rest_.size();
    if (!ok_) return {};
    const std::span<const std::byte> out = rest_.first(bytes);
    rest_ = rest_.subspan(bytes);
    return out;
  }
  bool starts_with(const char* signature) {
    const std::span<const std::byte> bytes = take(std::strlen(signature));
    return ok_ && std::memcmp(bytes.data(), signature, bytes.size()) == 0;
  }

 private:
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

std::uint64_t padded(std::uint64_t bytes) { return (bytes + 7) / 8 * 8; }

/// The blocks of messages of one object header, with what is needed to walk them.
struct HeaderForm {
  bool modern = false;          ///< version 2
  bool creation_order = false;  ///< a further number in each message
};

struct Block {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

struct FirstBlock {
  HeaderForm form;
  Block block;
};

std::optional<FirstBlock> first_block(const RawFile& file, std::uint64_t header) {
  constexpr std::uint64_t kPrefix = 34;  // the longest
  std::optional<Bytes> prefix;
  for (std::uint64_t bytes = kPrefix; !prefix && bytes >= 16; bytes -= 6) {
    prefix = file.read(header, bytes);  // a short file may end sooner
  }
  if (!prefix) return std::nullopt;
  Cursor modern(*prefix);
  if (modern.starts_with("OHDR")) {
    const std::uint64_t version = modern.number(1);
    const std::uint64_t flags = modern.number(1);
    if ((flags & 0x20) != 0) modern.take(16);
    if ((flags & 0x10) != 0) modern.take(4);
    const std::uint64_t size = modern.number(std::size_t{1} << (flags & 3));
    if (!modern.ok() || version != 2) return std::nullopt;
    const std::uint64_t used = prefix->size() - modern.left();
    return FirstBlock{{true, (flags & 0x04) != 0}, {header + used, size}};
  }
  Cursor classic(*prefix);
  if (classic.number(1) != 1) return std::nullopt;
  classic.take(7);
  const std::uint64_t size = classic.number(4);
  if (!classic.ok()) return std::nullopt;
  return FirstBlock{{false, false}, {header + 16, size}};
}

/// The value, where `message` is the attribute of that name.
std::optional<Bytes> value_in(std::span<const std::byte> message, const std::string& name) {
  Cursor cursor(message);
  const std::uint64_t version = cursor.number(1);
  cursor.take(1);
  const std::uint64_t name_bytes = cursor.number(2);
  const std::uint64_t type_bytes = cursor.number(2);
  const std::uint64_t space_bytes = cursor.number(2);
  if (version == 3) cursor.take(1);
  const auto room = [version](std::uint64_t bytes) { return version == 1 ? padded(bytes) : bytes; };
  const std::span<const std::byte> stored = cursor.take(room(name_bytes));
  if (!cursor.ok() || version < 1 || version > 3 || stored.size() < name.size() + 1) {
    return std::nullopt;
  }
  if (std::memcmp(stored.data(), name.c_str(), name.size() + 1) != 0) return std::nullopt;
  cursor.take(room(type_bytes));
  cursor.take(room(space_bytes));
  if (!cursor.ok()) return std::nullopt;
  const std::span<const std::byte> value = cursor.take(cursor.left());
  return Bytes(value.begin(), value.end());
}

struct Message {
  unsigned type = 0;
  unsigned flags = 0;
  std::span<const std::byte> bytes;
};

std::optional<Message> next_message(Cursor& cursor, const HeaderForm& form) {
  Message out;
  out.type = static_cast<unsigned>(cursor.number(form.modern ? 1 : 2));
  const std::uint64_t size = cursor.number(2);
  out.flags = static_cast<unsigned>(cursor.number(1));
  if (!form.modern) cursor.take(3);
  if (form.creation_order) cursor.take(2);
  out.bytes = cursor.take(size);
  if (!cursor.ok()) return std::nullopt;
  return out;
}

/// Gives each attribute message to `visit` until it returns false. False where the header is
/// damaged.
bool for_each_attribute(const RawFile& file, std::uint64_t header,
                        const std::function<bool(std::span<const std::byte>)>& visit) {
  const auto first = first_block(file, header);
  if (!first) return false;
  const HeaderForm& form = first->form;
  std::vector<Block> blocks = {first->block};
  for (std::size_t i = 0; i < blocks.size() && blocks.size() < kMostBlocks; ++i) {
    const auto bytes = file.read(blocks[i].offset, blocks[i].bytes);
    if (!bytes) return false;
    Cursor cursor(*bytes);
    const std::size_t tail = form.modern && i > 0 ? 4 : 0;  // a checksum
    if (form.modern && i > 0 && !cursor.starts_with("OCHK")) return false;
    while (cursor.left() > tail) {
      const std::optional<Message> message = next_message(cursor, form);
      if (!message) break;
      if (message->type == kContinuation) {
        Cursor place(message->bytes);
        const std::uint64_t offset = place.number(8);
        const std::uint64_t size = place.number(8);
        if (!place.ok()) return false;
        blocks.push_back({offset, size});
      }
      if (message->type != kAttribute || (message->flags & kSharedMessage) != 0) continue;
      if (!visit(message->bytes)) return true;
    }
  }
  return true;
}

// Elements of a dataspace message; nothing where it is damaged.
std::optional<std::uint64_t> elements_of(std::span<const std::byte> space) {
  Cursor cursor(space);
  const std::uint64_t version = cursor.number(1);
  const std::uint64_t rank = cursor.number(1);
  cursor.take(1);
  const std::uint64_t type = cursor.number(1);
  if (version == 1) cursor.take(4);
  if (version == 2 && type == 2) return 0;  // null
  std::uint64_t count = 1;
  for (std::uint64_t axis = 0; axis < rank; ++axis) {
    const std::uint64_t length = cursor.number(8);
    if (length > kLargestBlock) return std::nullopt;
    count *= length;
    if (count > kLargestBlock) return std::nullopt;
  }
  if (!cursor.ok() || version < 1 || version > 2 || rank > 32) return std::nullopt;
  return count;
}

/// True where type size x elements stand in the message. Shared types' sizes are elsewhere.
bool value_fits(std::span<const std::byte> message) {
  Cursor cursor(message);
  const std::uint64_t version = cursor.number(1);
  const std::uint64_t flags = cursor.number(1);
  const std::uint64_t name_bytes = cursor.number(2);
  const std::uint64_t type_bytes = cursor.number(2);
  const std::uint64_t space_bytes = cursor.number(2);
  if (version == 3) cursor.take(1);
  if (version < 1 || version > 3) return false;
  if (version > 1 && flags != 0) return true;
  const auto room = [version](std::uint64_t bytes) { return version == 1 ? padded(bytes) : bytes; };
  const std::span<const std::byte> name = cursor.take(room(name_bytes));
  Cursor type(cursor.take(room(type_bytes)));
  const auto count = elements_of(cursor.take(room(space_bytes)));
  type.take(4);
  const std::uint64_t element = type.number(4);
  if (!cursor.ok() || !type.ok() || !count || element > kLargestBlock) return false;
  if (std::find(name.begin(), name.end(), std::byte{0}) == name.end()) return false;
  return element * *count <= cursor.left();
}

/// What lies in the file's global heaps. The last collection is kept: neighbours share it.
class Heaps {
 public:
  explicit Heaps(const RawFile& file) : file_(file) {}

  struct Object {
    std::uint64_t length = 0;  ///< elements, as the reference says
    std::span<const std::byte> bytes{};
  };
  /// Valid until the next call. Nothing where the reference leads astray.
  std::optional<Object> next(Cursor& reference) {
    const std::uint64_t length = reference.number(4);
    const std::uint64_t address = reference.number(8);
    const std::uint64_t index = reference.number(4);
    if (length == 0 || address == 0 || address == kUndefined) return Object{};
    if (!open(address)) return std::nullopt;
    const auto found = objects_.find(index);
    if (found == objects_.end()) return std::nullopt;
    return Object{length, found->second};
  }

 private:
  bool open(std::uint64_t address) {
    if (address == address_ && heap_) return true;
    heap_.reset();
    objects_.clear();
    const auto prefix = file_.read(address, 16);
    if (!prefix) return false;
    Cursor head(*prefix);
    if (!head.starts_with("GCOL") || head.number(1) != 1) return false;
    head.take(3);
    const std::uint64_t size = head.number(8);
    if (size < 16 || size > kLargestBlock) return false;
    heap_ = file_.read(address + 16, size - 16);
    if (!heap_) return false;
    address_ = address;
    Cursor objects(*heap_);
    while (objects.left() >= 16) {
      const std::uint64_t number = objects.number(2);
      objects.take(6);
      const std::uint64_t bytes = objects.number(8);
      if (number == 0 || bytes > objects.left()) break;  // 0: the free room at the end
      objects_.emplace(number, objects.take(bytes));
      objects.take(std::min<std::uint64_t>(padded(bytes) - bytes, objects.left()));
    }
    return true;
  }

  const RawFile& file_;
  std::uint64_t address_ = 0;
  std::optional<Bytes> heap_;
  std::map<std::uint64_t, std::span<const std::byte>> objects_;
};

std::optional<std::string> text_at(Heaps& heaps, Cursor& reference) {
  const auto object = heaps.next(reference);
  if (!object || object->length > object->bytes.size()) return std::nullopt;
  const auto* begin = reinterpret_cast<const char*>(object->bytes.data());
  return std::string(begin, std::find(begin, begin + object->length, '\0'));
}

}  // namespace

std::optional<Bytes> RawFile::read(std::uint64_t offset, std::uint64_t bytes) const {
  if (bytes > kLargestBlock || offset > size_ || bytes > size_ - offset) return std::nullopt;
  Bytes out(bytes);
  const ssize_t got = pread(fd_, out.data(), bytes, static_cast<off_t>(offset));
  if (got < 0 || static_cast<std::uint64_t>(got) != bytes) return std::nullopt;
  return out;
}

bool attributes_fit(const RawFile& file, std::uint64_t header) {
  bool fit = true;
  const bool whole = for_each_attribute(file, header, [&](std::span<const std::byte> message) {
    fit = value_fits(message);
    return fit;
  });
  return whole && fit;
}

std::optional<Bytes> attribute_bytes(const RawFile& file, std::uint64_t header,
                                     const std::string& name) {
  std::optional<Bytes> value;
  for_each_attribute(file, header, [&](std::span<const std::byte> message) {
    value = value_in(message, name);
    return !value;
  });
  return value;
}

std::optional<std::vector<std::string>> texts_at(const RawFile& file,
                                                 std::span<const std::byte> references) {
  std::vector<std::string> out;
  Heaps heaps(file);
  Cursor cursor(references);
  while (cursor.left() >= kReferenceBytes) {
    std::optional<std::string> text = text_at(heaps, cursor);
    if (!text) return std::nullopt;
    out.push_back(*std::move(text));
  }
  return out;
}

std::optional<std::vector<Bytes>> lists_at(const RawFile& file,
                                           std::span<const std::byte> references,
                                           std::uint64_t element_bytes) {
  std::vector<Bytes> out;
  Heaps heaps(file);
  Cursor cursor(references);
  while (cursor.left() >= kReferenceBytes) {
    const auto object = heaps.next(cursor);
    if (!object || object->length > object->bytes.size() / element_bytes) return std::nullopt;
    const auto list = object->bytes.first(object->length * element_bytes);
    out.emplace_back(list.begin(), list.end());
  }
  return out;
}

}  // namespace unfold::hdf5
