#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/made_psf.h"
#include "workers/cuda/gpu_extraction.h"

// Device seconds of extracted frames by stage, and frames per second with several in flight, on the
// GPU of the module that UNFOLD_CUDA_MODULE names or that lies beside. Prints JSON.
//   extraction_device_bench [--bundles N] [--n-wave N] [--repeats N] [--in-flight N] [--masked
//   SHARE]
namespace {

using namespace unfold;  // NOLINT(google-build-using-namespace): a program's own file

struct Arguments {
  int bundles = 20, n_wave = 2326, repeats = 5, in_flight = 3;
  double masked = 0.01;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--bundles") a.bundles = std::stoi(value);
    if (name == "--n-wave") a.n_wave = std::stoi(value);
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
};

Run extract_once(cuda::GpuExtraction& on_gpu, const cuda::GpuPsf& psf, const Problem& p) {
  compute::Cpu cpu(1);
  Run run{};
  const auto start = std::chrono::steady_clock::now();
  on_gpu.extract(psf, p.psf.shape, p.psf.traces, p.frame.view(), p.options, cpu, {}, &run.stages);
  run.wall = seconds_since(start);
  return run;
}

double total(const extraction::DeviceStages& s) {
  return s.upload + s.stamps + s.normal_equations + s.factor + s.selected_inverse + s.schur +
         s.root + s.chi2 + s.download;
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

void print(const Arguments& a, const cuda::DeviceInfo& device, const Run& best, double together) {
  const extraction::DeviceStages& s = best.stages;
  std::printf(
      "{\"bench\": \"extraction\", \"device\": \"%s\", \"fibres\": %d, \"waves\": %d, "
      "\"masked\": %g,\n \"device_seconds\": %.6f, \"without_copies\": %.6f, \"wall_seconds\": "
      "%.6f, \"device_bytes\": %lld,\n \"stages\": {\"upload\": %.6f, \"stamps\": %.6f, "
      "\"normal_equations\": %.6f, \"factor\": %.6f, \"selected_inverse\": %.6f, \"schur\": %.6f, "
      "\"root\": %.6f, \"chi2\": %.6f, \"download\": %.6f},\n \"in_flight\": %d, "
      "\"frames_per_second\": %.4f}\n",
      device.name, 25 * a.bundles, a.n_wave, a.masked, total(s), total(s) - s.upload - s.download,
      best.wall, static_cast<long long>(s.device_bytes), s.upload, s.stamps, s.normal_equations,
      s.factor, s.selected_inverse, s.schur, s.root, s.chi2, s.download, a.in_flight,
      a.in_flight * a.repeats / together);
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
    Run best = extract_once(on_gpu, psf, problem);
    for (int r = 0; r < a.repeats; ++r) {
      const Run run = extract_once(on_gpu, psf, problem);
      if (total(run.stages) < total(best.stages)) best = run;
    }
    in_flight(on_gpu, psf, problem, a);  // memory of each
    print(a, device, best, in_flight(on_gpu, psf, problem, a));
  } catch (const std::exception& problem) {
    std::cerr << "extraction_device_bench: " << problem.what() << "\n";
    return 1;
  }
  return 0;
}
