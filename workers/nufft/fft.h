#pragma once

#include <array>
#include <complex>
#include <memory>
#include <mutex>
#include <new>

#include "workers/compute/view.h"

/// FFTW behind owners, in float and double. Plans are estimated, never measured, so that the same
/// build computes the same bits in every run; a transform uses the calling thread alone.
namespace unfold::nufft {

using compute::Index;

/// FFTW's planner is not thread safe: whoever makes or destroys an FFTW plan holds this.
std::mutex& planner_lock();

/// Owns `size` zeroed elements on a 64-byte border, as the transforms below want them. Move-only.
template <class T>
class FftBuffer {
 public:
  FftBuffer() = default;
  explicit FftBuffer(Index size) : data_(make(size)), size_(size) {}

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  Index size() const { return size_; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  T& operator[](Index i) { return data_.get()[i]; }
  const T& operator[](Index i) const { return data_.get()[i]; }

 private:
  static constexpr std::align_val_t kBorder{64};
  struct Release {
    void operator()(T* p) const { ::operator delete(p, kBorder); }
  };
  static T* make(Index size) {
    const auto bytes = static_cast<std::size_t>(size) * sizeof(T);
    T* made = static_cast<T*>(::operator new(bytes, kBorder));
    std::uninitialized_value_construct_n(made, size);
    return made;
  }
  std::unique_ptr<T, Release> data_;
  Index size_ = 0;
};

/// Complex transforms of one shape [n0, n1, n2], in place, unscaled: out[k] = sum_n in[n]
/// exp(-+2 pi i k.n/N). Immutable: several threads may call it, each on data of its own. Data lie
/// on a 16-byte border (FftBuffer's do); std::invalid_argument otherwise.
template <class Real>
class ComplexFft {
 public:
  explicit ComplexFft(const std::array<Index, 3>& shape);
  ~ComplexFft();
  ComplexFft(ComplexFft&&) noexcept;
  ComplexFft& operator=(ComplexFft&&) noexcept;

  void forward(std::complex<Real>* data) const;   ///< exp(-i ..)
  void backward(std::complex<Real>* data) const;  ///< exp(+i ..)

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

/// The same between real [n0, n1, n2] and its non-redundant half [n0, n1, n2 / 2 + 1], out of
/// place.
template <class Real>
class RealFft {
 public:
  explicit RealFft(const std::array<Index, 3>& shape);
  ~RealFft();
  RealFft(RealFft&&) noexcept;
  RealFft& operator=(RealFft&&) noexcept;

  /// Elements of the half.
  Index half_size() const;

  void forward(const Real* in, std::complex<Real>* half) const;  ///< `in` is kept
  void backward(std::complex<Real>* half, Real* out) const;      ///< `half` is destroyed

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

}  // namespace unfold::nufft
