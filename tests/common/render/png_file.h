#pragma once

#include <png.h>

#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace unfold::render {

/// A PNG read back with libpng; width 0 where that failed.
struct PngFile {
  int width = 0;
  int height = 0;
  std::vector<unsigned char> rgb;

  std::tuple<int, int, int> at(int x, int y) const {
    const std::size_t i = 3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                               static_cast<std::size_t>(x));
    return {rgb[i], rgb[i + 1], rgb[i + 2]};
  }
  int count(std::tuple<int, int, int> colour) const {
    int n = 0;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) n += at(x, y) == colour ? 1 : 0;
    }
    return n;
  }
  std::size_t colours() const {
    std::set<std::tuple<int, int, int>> all;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) all.insert(at(x, y));
    }
    return all.size();
  }
};

inline PngFile read_png(const std::string& path) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  PngFile out;
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0) return out;
  image.format = PNG_FORMAT_RGB;
  out.rgb.resize(PNG_IMAGE_SIZE(image));
  if (png_image_finish_read(&image, nullptr, out.rgb.data(), 0, nullptr) == 0) return out;
  out.width = static_cast<int>(image.width);
  out.height = static_cast<int>(image.height);
  return out;
}

}  // namespace unfold::render
