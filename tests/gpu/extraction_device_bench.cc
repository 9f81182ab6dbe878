#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/made_psf.h"
#include "workers/cuda/gpu_extraction.h"

// Device seconds of extracted frames by stage, frames per second with several in flight, and the
// seconds of the same frame by dense algebra (batched cuSOLVER on a GPU), which are to be ten times
// as many, with how far apart the two are; on the GPU of the module that UNFOLD_CUDA_MODULE names
// or that lies beside. Prints JSON.
//   extraction_device_bench [--bundles N] [--n-wave N] [--wave-step N] [--repeats N] [--in-flight
//   N]
//                           [--masked SHARE] [--dense REPEATS]
namespace {

using namespace unfold;  // NOLINT(google-build-using-namespace): a program's own file

struct Arguments {
  int bundles = 20, n_wave = 2326, wave_step = 50, repeats = 5, in_flight = 3, dense = 1;
  double masked = 0.01;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--bundles") a.bundles = std::stoi(value);
    if (name == "--n-wave") a.n_wave = std::stoi(value);
    if (name == "--wave-step") a.wave_step = std::stoi(value);
    if (name == "--dense") a.dense = std::stoi(value);
    if (name == "--repeats") a.repeats = std::stoi(value);
    if (name == "--in-flight") a.in_flight = std::stoi(value);
    if (name == "--masked") a.masked = std::stod(value);
  }
  return a;
}

/// A DESI r frame's proportions, for fewer bundles on a narrower CCD.
struct Problem {
  test::MadePsf psf;
  test::MadeFrame frame;
  extraction::Options options;
};

Problem make_problem(const Arguments& a) {
  test::MadePsfSpec spec = test::full_bundle();
  spec.n_spec = 25 * a.bundles;
  spec.npix_x = 206 * a.bundles + 20;
  Problem p{test::make_psf(spec), {}, {}};
  p.options.wavelength = {.first = 5760, .step = 0.8, .size = a.n_wave};
  p.options.n_spec = spec.n_spec;
  p.options.n_wave_step = a.wave_step;
  p.frame =
      test::make_frame(p.psf.shape, p.psf.traces, p.options.wavelength, 0, spec.n_spec, a.masked);
  return p;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Run {
  extraction::DeviceStages stages;
  double wall;
  extraction::Spectra spectra;
};

Run extract_once(cuda::GpuExtraction& on_gpu, const cuda::GpuPsf& psf, const Problem& p) {
  compute::Cpu cpu(1);
  Run run{};
  const auto start = std::chrono::steady_clock::now();
  run.spectra = on_gpu.extract(psf, p.psf.shape, p.psf.traces, p.frame.view(), p.options, cpu, {},
                               &run.stages);
  run.wall = seconds_since(start);
  return run;
}

double total(const extraction::DeviceStages& s) {
  return s.upload + s.stamps + s.normal_equations + s.factor + s.selected_inverse + s.schur +
         s.root + s.chi2 + s.download;
}

/// The fastest of `repeats` frames after one that takes memory.
Run best_of(cuda::GpuExtraction& on_gpu, const cuda::GpuPsf& psf, const Problem& p, int repeats) {
  Run best = extract_once(on_gpu, psf, p);
  for (int r = 0; r < repeats; ++r) {
    Run run = extract_once(on_gpu, psf, p);
    if (total(run.stages) < total(best.stages)) best = std::move(run);
  }
  return best;
}

double without_copies(const extraction::DeviceStages& s) {
  return total(s) - s.upload - s.download;
}

/// The largest difference of two frames' fluxes, in standard deviations.
double pull(const extraction::Spectra& a, const extraction::Spectra& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.flux.size(); ++i) {
    most = std::max(most, std::fabs(a.flux[i] - b.flux[i]) * std::sqrt(b.ivar[i]));
  }
  return most;
}

/// Wall seconds of `repeats` frames in each of `in_flight` threads.
double in_flight(cuda::GpuExtraction& on_gpu, const cuda::GpuPsf& psf, const Problem& p,
                 const Arguments& a) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int t = 0; t < a.in_flight; ++t) {
    threads.emplace_back([&] {
      for (int r = 0; r < a.repeats; ++r) extract_once(on_gpu, psf, p);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return seconds_since(start);
}

void print_stages(const extraction::DeviceStages& s) {
  std::printf(
      "\"device_seconds\": %.6f, \"without_copies\": %.6f, \"device_bytes\": %lld,\n \"stages\": "
      "{\"upload\": %.6f, \"stamps\": %.6f, \"normal_equations\": %.6f, \"factor\": %.6f, "
      "\"selected_inverse\": %.6f, \"schur\": %.6f, \"root\": %.6f, \"chi2\": %.6f, \"download\": "
      "%.6f}",
      total(s), without_copies(s), static_cast<long long>(s.device_bytes), s.upload, s.stamps,
      s.normal_equations, s.factor, s.selected_inverse, s.schur, s.root, s.chi2, s.download);
}

void print(const Arguments& a, const char* device, const Run& best, double together) {
  std::printf(
      "{\"bench\": \"extraction\", \"device\": \"%s\", \"fibres\": %d, \"waves\": %d, "
      "\"wave_step\": %d, \"masked\": %g,\n \"wall_seconds\": %.6f, \"in_flight\": %d, "
      "\"frames_per_second\": %.4f,\n ",
      device, 25 * a.bundles, a.n_wave, a.wave_step, a.masked, best.wall, a.in_flight,
      a.in_flight * a.repeats / together);
  print_stages(best.stages);
}

/// The frame again by dense algebra.
void compare_dense(const cuda::Gpu& gpu, const cuda::GpuPsf& psf, const Problem& problem,
                   const Arguments& a, const Run& banded) {
  cuda::GpuExtraction on_gpu(gpu, extraction::RootMethod::kDense);
  const Run dense = best_of(on_gpu, psf, problem, a.dense);
  std::printf(",\n \"dense\": {\"wall_seconds\": %.6f, ", dense.wall);
  print_stages(dense.stages);
  std::printf("},\n \"dense_over_banded\": %.2f, \"dense_apart_sigma\": %.3g",
              without_copies(dense.stages) / without_copies(banded.stages),
              pull(dense.spectra, banded.spectra));
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments a = parse(argc, argv);
  try {
    const cuda::Gpu gpu{&cuda::load_module(), 0};
    cuda::count_devices(*gpu.module);
    cuda::DeviceInfo device;
    gpu.module->describe(gpu.ordinal, &device);
    const Problem problem = make_problem(a);
    cuda::GpuExtraction on_gpu(gpu);
    const cuda::GpuPsf psf(gpu, problem.psf.shape);
    const Run best = best_of(on_gpu, psf, problem, a.repeats);
    in_flight(on_gpu, psf, problem, a);  // memory of each
    print(a, device.name, best, in_flight(on_gpu, psf, problem, a));
    if (a.dense > 0) compare_dense(gpu, psf, problem, a, best);
    std::printf("}\n");
  } catch (const std::exception& problem) {
    std::cerr << "extraction_device_bench: " << problem.what() << "\n";
    return 1;
  }
  return 0;
}
