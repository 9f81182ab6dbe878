#pragma once

#include <filesystem>
#include <fstream>
#include <vector>

namespace unfold::test {

/// All values of a plain binary file; empty where it is absent.
template <class T>
std::vector<T> values_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  std::vector<T> values(static_cast<std::size_t>(file.tellg()) / sizeof(T));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(T)));
  return values;
}

}  // namespace unfold::test
