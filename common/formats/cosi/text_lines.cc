#include "common/formats/cosi/text_lines.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/file_bytes.h"

namespace unfold::cosi {
namespace {

constexpr std::size_t kStoredChunk = std::size_t{256} << 10;
constexpr std::size_t kTextChunk = std::size_t{1} << 20;
constexpr int kGzipWindow = 15 + 16;

}  // namespace

struct TextLines::State {
  FileHandle file;
  std::string shown;
  bool gzip = false;
  bool inflating = false;
  bool between_members = true;  // where a gzip file may end
  bool at_end = false;
  z_stream stream{};
  std::vector<unsigned char> stored = std::vector<unsigned char>(kStoredChunk);
  std::vector<char> text = std::vector<char>(kTextChunk + kMaxLineBytes + 1);
  std::size_t begin = 0;  // of what is left in `text`
  std::size_t end = 0;
  std::uint64_t total = 0;
  std::int64_t line = 0;

  State(FileHandle handle, std::string_view name) : file(std::move(handle)), shown(name) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (inflating) inflateEnd(&stream);
  }

  absl::Status damaged() const {
    return fits::bad_file(shown, "TRUNCATED",
                          absl::StrCat("its gzip data end early or are damaged, after line ", line),
                          "copy the file again");
  }

  absl::StatusOr<std::size_t> read_stored(void* into, std::size_t size) {
    ssize_t got = -1;
    do {
      got = read(file.fd(), into, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
      return fits::bad_file(shown, "READ_FAILED", std::strerror(errno), "check the disk");
    }
    return static_cast<std::size_t>(got);
  }

  absl::StatusOr<std::size_t> inflate_some(char* into, std::size_t size);
  absl::Status fill();
};

// Decompresses at least one byte, or returns 0 at the end of the last member.
absl::StatusOr<std::size_t> TextLines::State::inflate_some(char* into, std::size_t size) {
  stream.next_out = reinterpret_cast<Bytef*>(into);
  stream.avail_out = static_cast<uInt>(size);
  while (stream.avail_out == size) {
    if (stream.avail_in == 0) {
      UNFOLD_ASSIGN_OR_RETURN(const std::size_t got, read_stored(stored.data(), stored.size()));
      if (got == 0) {
        if (!between_members) return damaged();
        return 0;
      }
      stream.next_in = stored.data();
      stream.avail_in = static_cast<uInt>(got);
    }
    between_members = false;
    const int result = inflate(&stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      if (inflateReset2(&stream, kGzipWindow) != Z_OK) return damaged();
      between_members = true;
    } else if (result != Z_OK) {
      return damaged();
    }
  }
  return size - stream.avail_out;
}

absl::Status TextLines::State::fill() {
  std::copy(text.begin() + static_cast<std::ptrdiff_t>(begin),
            text.begin() + static_cast<std::ptrdiff_t>(end), text.begin());
  end -= begin;
  begin = 0;
  char* const into = text.data() + end;
  const std::size_t room = std::min(kTextChunk, text.size() - end);
  std::size_t got = 0;
  if (gzip) {
    UNFOLD_ASSIGN_OR_RETURN(got, inflate_some(into, room));
  } else {
    UNFOLD_ASSIGN_OR_RETURN(got, read_stored(into, room));
  }
  at_end = got == 0;
  end += got;
  total += got;
  if (total > kMaxTextBytes) {
    return fits::bad_file(shown, "TOO_LARGE",
                          absl::StrCat("it holds more than ", kMaxTextBytes >> 30, " GiB of text"),
                          "check that this is the right file");
  }
  return absl::OkStatus();
}

TextLines::TextLines(std::unique_ptr<State> state) : state_(std::move(state)) {}
TextLines::TextLines(TextLines&&) noexcept = default;
TextLines& TextLines::operator=(TextLines&&) noexcept = default;
TextLines::~TextLines() = default;

absl::StatusOr<TextLines> TextLines::open(const std::string& path, std::string_view shown) {
  UNFOLD_ASSIGN_OR_RETURN(FileHandle file, fits::open_regular(path, shown));
  UNFOLD_ASSIGN_OR_RETURN(const bool gzip, fits::is_gzip(file, shown));
  auto state = std::make_unique<State>(std::move(file), shown);
  state->gzip = gzip;
  if (gzip) {
    if (inflateInit2(&state->stream, kGzipWindow) != Z_OK) return state->damaged();
    state->inflating = true;
  }
  return TextLines(std::move(state));
}

absl::StatusOr<bool> TextLines::next(std::string_view& line) {
  State& s = *state_;
  while (true) {
    const std::string_view left(s.text.data() + s.begin, s.end - s.begin);
    const std::size_t newline = left.find('\n');
    const std::size_t length = newline == std::string_view::npos ? left.size() : newline;
    if (length > kMaxLineBytes) {
      ++s.line;
      return wrong("TOO_LARGE", absl::StrCat("longer than ", kMaxLineBytes, " bytes"),
                   "check that this is the right file");
    }
    if (newline != std::string_view::npos || (s.at_end && !left.empty())) {
      line = left.substr(0, length);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      s.begin += std::min(length + 1, left.size());
      ++s.line;
      return true;
    }
    if (s.at_end) return false;
    UNFOLD_RETURN_IF_ERROR(s.fill());
  }
}

std::int64_t TextLines::number() const { return state_->line; }

absl::Status TextLines::wrong(std::string reason, std::string_view why, std::string remedy) const {
  return fits::bad_file(state_->shown, std::move(reason),
                        absl::StrCat("line ", state_->line, ": ", std::string(why)),
                        std::move(remedy));
}

std::vector<std::string_view> words_of(std::string_view line, std::size_t most) {
  std::vector<std::string_view> out;
  std::size_t at = 0;
  while (out.size() < most) {
    at = line.find_first_not_of(" \t", at);
    if (at == std::string_view::npos) break;
    const std::size_t stop = std::min(line.find_first_of(" \t", at), line.size());
    out.push_back(line.substr(at, stop - at));
    at = stop;
  }
  return out;
}

bool parse_number(std::string_view word, double& value) {
  const auto [stop, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
  return problem == std::errc() && stop == word.data() + word.size() && std::isfinite(value);
}

}  // namespace unfold::cosi
