#pragma once

#include <hdf5.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace unfold::test {

/// An HDF5 file of numbers; every type is read as double, by HDF5's own C interface, independent of
/// our readers. Throws std::runtime_error on any failure.
class Hdf5Numbers {
 public:
  explicit Hdf5Numbers(const std::string& path)
      : file_(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)) {
    if (file_ < 0) throw std::runtime_error("cannot open " + path);
  }
  ~Hdf5Numbers() { H5Fclose(file_); }
  Hdf5Numbers(const Hdf5Numbers&) = delete;
  Hdf5Numbers& operator=(const Hdf5Numbers&) = delete;

  bool has(const std::string& name) const {
    for (std::size_t slash = name.find('/'); slash != std::string::npos;
         slash = name.find('/', slash + 1)) {
      if (H5Lexists(file_, name.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
    }
    return H5Lexists(file_, name.c_str(), H5P_DEFAULT) > 0;
  }

  std::vector<std::ptrdiff_t> shape(const std::string& name) const {
    const hid_t set = open(name), space = H5Dget_space(set);
    std::vector<hsize_t> size(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
    H5Sget_simple_extent_dims(space, size.data(), nullptr);
    H5Sclose(space);
    H5Dclose(set);
    return {size.begin(), size.end()};
  }

  std::vector<double> doubles(const std::string& name) const {
    std::ptrdiff_t size = 1;
    for (const std::ptrdiff_t n : shape(name)) size *= n;
    std::vector<double> out(static_cast<std::size_t>(size));
    const hid_t set = open(name);
    const herr_t status =
        H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data());
    H5Dclose(set);
    if (status < 0) throw std::runtime_error("cannot read " + name);
    return out;
  }
  double number(const std::string& name) const { return doubles(name).at(0); }

  template <class T>
  std::vector<T> integers(const std::string& name) const {
    std::vector<T> out;
    for (const double x : doubles(name)) out.push_back(static_cast<T>(x));
    return out;
  }

  double attribute(const std::string& object, const std::string& name) const {
    const hid_t found =
        H5Aopen_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    double out = 0;
    const herr_t status = found < 0 ? -1 : H5Aread(found, H5T_NATIVE_DOUBLE, &out);
    if (found >= 0) H5Aclose(found);
    if (status < 0) throw std::runtime_error("cannot read " + object + "@" + name);
    return out;
  }

 private:
  hid_t open(const std::string& name) const {
    if (!has(name)) throw std::runtime_error("there is no " + name);
    return H5Dopen2(file_, name.c_str(), H5P_DEFAULT);
  }
  hid_t file_;
};

}  // namespace unfold::test
