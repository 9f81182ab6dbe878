#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/nufft_peer.h"
#include "tests/bench/timing.h"
#include "workers/compute/random.h"
#include "workers/nufft/nufft.h"

// Points a CPU-second of one NUFFT case, as JSON; repeats of everything are interleaved.
//   nufft_bench [--modes 81] [--points 1000000] [--set slices|uniform] [--precision single|double]
//               [--tolerance 1e-5] [--repeats 5] [--upsampling 0] [--only all|complex]
//               [--peer LIBRARY] [--check 100]
// "slices": Ewald slices of 128 x 128 pixels at random orientations, the corner at |x| = pi.
// --peer: a shared library of FINUFFT. --check: outputs compared with direct sums.
namespace {

using namespace unfold;  // NOLINT(google-build-using-namespace): a program's own file
using nufft::Index;

struct Arguments {
  Index modes = 81, points = 1'000'000, repeats = 5, check = 100;
  std::string set = "slices", precision = "single", peer, only = "all";
  double tolerance = 1e-5, upsampling = 0;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--modes") a.modes = std::stoll(value);
    if (name == "--points") a.points = std::stoll(value);
    if (name == "--repeats") a.repeats = std::stoll(value);
    if (name == "--check") a.check = std::stoll(value);
    if (name == "--set") a.set = value;
    if (name == "--precision") a.precision = value;
    if (name == "--peer") a.peer = value;
    if (name == "--only") a.only = value;
    if (name == "--tolerance") a.tolerance = std::stod(value);
    if (name == "--upsampling") a.upsampling = std::stod(value);
  }
  return a;
}

/// Row-major rotation of a uniformly random quaternion.
std::array<double, 9> random_rotation(compute::Random& random) {
  double q[4], norm = 0;
  for (double& v : q) v = random.normal();
  for (const double v : q) norm += v * v;
  for (double& v : q) v /= std::sqrt(norm);
  const auto [w, x, y, z] = q;
  return {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
          2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
          2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
}

/// One Ewald slice in the laboratory frame, |x| = pi at the corner, [128 x 128, 3].
std::vector<double> slice() {
  constexpr int kPixels = 128;
  constexpr double kRadius = 8 * std::numbers::pi;  // of the sphere: a wavelength of d_min / 4
  std::vector<double> x;
  for (int row = 0; row < kPixels; ++row)
    for (int column = 0; column < kPixels; ++column) {
      const double u = (2 * row + 1.0 - kPixels) / kPixels,
                   v = (2 * column + 1.0 - kPixels) / kPixels;
      const double along = std::numbers::pi / std::sqrt(2.0) * 0.99;
      const double a = u * along, b = v * along, rho = a * a + b * b;
      x.insert(x.end(), {a, b, std::sqrt(kRadius * kRadius - rho) - kRadius});
    }
  return x;
}

template <class Real>
std::vector<Real> make_points(const Arguments& a) {
  std::vector<Real> points;
  compute::Random random(1, 0, 0);
  if (a.set == "uniform") {
    for (Index i = 0; i < 3 * a.points; ++i)
      points.push_back(static_cast<Real>((2 * random.uniform() - 1) * std::numbers::pi));
    return points;
  }
  const std::vector<double> base = slice();
  while (static_cast<Index>(points.size()) < 3 * a.points) {
    const auto r = random_rotation(random);
    for (std::size_t p = 0; p < base.size() && static_cast<Index>(points.size()) < 3 * a.points;
         p += 3)
      for (std::size_t d = 0; d < 3; ++d)
        points.push_back(
            static_cast<Real>(base[p] * r[d] + base[p + 1] * r[3 + d] + base[p + 2] * r[6 + d]));
  }
  return points;
}

template <class Real>
class Bench {
 public:
  using Complex = std::complex<Real>;

  explicit Bench(const Arguments& arguments)
      : a_(arguments),
        modes_{a_.modes, a_.modes, a_.modes},
        x_(make_points<Real>(a_)),
        plan_(cpu_, modes_, {.tolerance = a_.tolerance, .upsampling = a_.upsampling}) {
    compute::Random random(2, 0, 0);
    const auto fill = [&](std::vector<Complex>& values, Index size) {
      for (Index i = 0; i < size; ++i)
        values.emplace_back(static_cast<Real>(random.uniform() - 0.5),
                            static_cast<Real>(random.uniform() - 0.5));
    };
    fill(c_, a_.points);
    fill(f_, a_.modes * a_.modes * a_.modes);
    real_c_.assign(c_.size(), Real(0.5));
    real_f_.assign(f_.size(), Real(0.5));
    for (std::size_t i = 0; i < c_.size(); ++i) real_c_[i] = c_[i].real();
    for (std::size_t i = 0; i < f_.size(); ++i) real_f_[i] = f_[i].real();
    out_c_.resize(c_.size());
    out_f_.resize(f_.size());
    real_out_c_.resize(c_.size());
    real_out_f_.resize(f_.size());
  }

  nlohmann::json operator()() {
    add("type1", [this] { plan_.type1({c_.data(), a_.points}, cube(out_f_.data())); });
    add("type2", [this] { plan_.type2(cube(f_.data()), {out_c_.data(), a_.points}); });
    if (a_.only == "all") add_real();
    if (!a_.peer.empty()) add_peer();
    const bench::Stopwatch watch;
    plan_.set_points({x_.data(), a_.points, 3});
    for (auto& measured : all_) measured.run();  // points are sorted at the first use
    const double set_up = watch.cpu();
    for (Index repeat = 0; repeat < a_.repeats; ++repeat)
      for (auto& measured : all_) measured.time();
    nlohmann::json found = {{"modes", a_.modes},
                            {"points", a_.points},
                            {"set", a_.set},
                            {"precision", a_.precision},
                            {"tolerance", a_.tolerance},
                            {"first_calls_cpu_seconds", set_up}};
    for (auto& measured : all_) {
      const double median = bench::median(measured.seconds);
      found["cpu_seconds"][measured.name] = median;
      found["million_points_a_cpu_second"][measured.name] =
          1e-6 * static_cast<double>(a_.points) / median;
    }
    if (a_.check > 0) found["relative_error_of_largest"] = errors();
    return found;
  }

 private:
  struct Measured {
    std::string name;
    std::function<void()> run;
    std::vector<double> seconds;

    void time() {
      const bench::Stopwatch watch;
      run();
      seconds.push_back(watch.cpu());
    }
  };

  void add(const char* name, std::function<void()> run) {
    all_.push_back({name, std::move(run), {}});
  }

  void add_real() {
    add("cosine1", [this] {
      plan_.cosine1({real_c_.data(), a_.points}, cube(real_out_f_.data()));
    });
    add("cosine2", [this] {
      plan_.cosine2(cube(real_f_.data()), {real_out_c_.data(), a_.points});
    });
    grid_.emplace(cpu_, modes_, nufft::Options{.tolerance = a_.tolerance});
    grid_->set(cube(real_f_.data()));
    for (const double v : slice()) base_.push_back(static_cast<Real>(v));
    add("grid", [this] {
      compute::Random random(3, 0, 0);
      const auto size = static_cast<Index>(base_.size()) / 3;
      for (Index done = 0; done < a_.points; done += size) {
        const auto r = random_rotation(random);
        std::array<Real, 9> rotation{};
        std::copy(r.begin(), r.end(), rotation.begin());
        grid_->rotated(rotation, {base_.data(), std::min(size, a_.points - done), 3},
                       real_out_c_.data() + done);
      }
    });
  }

  void add_peer() {
    for (const int type : {1, 2}) {
      peers_[type - 1] =
          std::make_unique<bench::Peer<Real>>(a_.peer, type, modes_, a_.tolerance, x_);
      add(type == 1 ? "peer type1" : "peer type2", [this, type] {
        // The peer's values and modes: inputs are ours, so that errors can be compared.
        (*peers_[type - 1])(type == 1 ? c_.data() : peer_c_.data(),
                            type == 1 ? peer_f_.data() : f_.data());
      });
    }
    peer_c_.resize(c_.size());
    peer_f_.resize(f_.size());
  }

  template <class T>
  nufft::View<T, 3> cube(T* data) const {
    return {data, a_.modes, a_.modes, a_.modes};
  }

  static double phase(Index k, Real x) { return static_cast<double>(k) * static_cast<double>(x); }

  /// Largest error of `check` outputs, relative to the largest of them.
  nlohmann::json errors() {
    double worst[4] = {}, largest[2] = {};
    const Index half = a_.modes / 2, size = static_cast<Index>(f_.size());
    for (Index i = 0; i < a_.check; ++i) {
      const Index p = i * (a_.points / a_.check), k = i * (size / a_.check);
      std::complex<double> type2 = 0, type1 = 0;
      for (Index j = 0; j < size; ++j)
        type2 += static_cast<std::complex<double>>(f_[static_cast<std::size_t>(j)]) *
                 wave(j, p, half, -1);
      for (Index q = 0; q < a_.points; ++q)
        type1 += static_cast<std::complex<double>>(c_[static_cast<std::size_t>(q)]) *
                 wave(k, q, half, +1);
      const auto note = [&](int which, std::complex<double> exact, std::complex<double> got) {
        worst[which] = std::max(worst[which], std::abs(exact - got));
        largest[which % 2] = std::max(largest[which % 2], std::abs(exact));
      };
      note(0, type1, out_f_[static_cast<std::size_t>(k)]);
      note(1, type2, out_c_[static_cast<std::size_t>(p)]);
      if (a_.peer.empty()) continue;
      note(2, type1, peer_f_[static_cast<std::size_t>(k)]);
      note(3, type2, peer_c_[static_cast<std::size_t>(p)]);
    }
    nlohmann::json found = {{"type1", worst[0] / largest[0]}, {"type2", worst[1] / largest[1]}};
    if (!a_.peer.empty()) found["peer type1"] = worst[2] / largest[0];
    if (!a_.peer.empty()) found["peer type2"] = worst[3] / largest[1];
    return found;
  }

  std::complex<double> wave(Index mode, Index p, Index half, int sign) const {
    const Real* x = x_.data() + 3 * p;
    const Index m = a_.modes;
    return std::polar(1.0,
                      sign * (phase(mode / m / m - half, x[0]) + phase(mode / m % m - half, x[1]) +
                              phase(mode % m - half, x[2])));
  }

  Arguments a_;
  compute::Cpu cpu_{1};
  nufft::Modes modes_;
  std::vector<Real> x_, base_, real_c_, real_f_, real_out_c_, real_out_f_;
  std::vector<Complex> c_, f_, out_c_, out_f_, peer_c_, peer_f_;
  nufft::Plan<Real> plan_;
  std::optional<nufft::CosineGrid<Real>> grid_;
  std::unique_ptr<bench::Peer<Real>> peers_[2];
  std::vector<Measured> all_;
};

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  std::cout << (arguments.precision == "single" ? Bench<float>(arguments)()
                                                : Bench<double>(arguments)())
                   .dump(2)
            << "\n";
}
