#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/bench/timing.h"
#include "tests/support/fits_case.h"
#include "tests/support/made_psf.h"

// CPU seconds of an extraction by mode, instruction set and stage. Prints JSON.
//   kernels_bench [--psf FILE --spec-min N] [--n-spec N] [--n-wave N] [--modes patches,strips]
//                 [--repeats N] [--threads N] [--masked SHARE] [--isas v2,v3,v4] [--dump DIR]
// --dump writes image.f4 and ivar.f4, and flux.f8, ivar.f8, resolution.f4 of the last patches run.
namespace {

using namespace unfold;  // NOLINT(google-build-using-namespace): a program's own file

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> out{""};
  for (const char c : list) {
    if (c == ',') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

struct Arguments {
  std::string psf, modes = "patches,strips", isas, dump;
  int spec_min = 0, n_spec = 25, n_wave = 2326, repeats = 5, threads = 1;
  double masked = 0;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--psf") a.psf = value;
    if (name == "--modes") a.modes = value;
    if (name == "--isas") a.isas = value;
    if (name == "--dump") a.dump = value;
    if (name == "--spec-min") a.spec_min = std::stoi(value);
    if (name == "--n-spec") a.n_spec = std::stoi(value);
    if (name == "--n-wave") a.n_wave = std::stoi(value);
    if (name == "--repeats") a.repeats = std::stoi(value);
    if (name == "--threads") a.threads = std::stoi(value);
    if (name == "--masked") a.masked = std::stod(value);
  }
  return a;
}

template <class T>
void dump(const std::string& dir, const std::string& name, const std::vector<T>& data) {
  if (dir.empty()) return;
  std::ofstream file(dir + "/" + name, std::ios::binary);
  file.write(reinterpret_cast<const char*>(data.data()),
             static_cast<std::streamsize>(data.size() * sizeof(T)));
}

nlohmann::json stages_of(const extraction::StageSeconds& s) {
  return {{"stamps", s.stamps}, {"normal_equations", s.normal_equations},
          {"factor", s.factor}, {"selected_inverse", s.selected_inverse},
          {"schur", s.schur},   {"root", s.root},
          {"chi2", s.chi2}};
}

nlohmann::json measure(const Arguments& a, const test::MadePsf& psf, const test::MadeFrame& frame,
                       extraction::Options options, const std::string& isa,
                       const std::string& mode) {
  setenv("UNFOLD_ISA", isa.c_str(), 1);
  options.mode = mode == "strips" ? extraction::Mode::kStrips : extraction::Mode::kPatches;
  compute::Cpu cpu(a.threads);
  std::vector<double> seconds;
  extraction::StageSeconds stages;
  for (int r = 0; r <= a.repeats; ++r) {
    stages = {};
    extraction::Hooks hooks;
    hooks.stages = &stages;
    const bench::Stopwatch watch;
    const extraction::Spectra out =
        extraction::extract(psf.shape, psf.traces, frame.view(), options, cpu, hooks);
    if (r > 0) seconds.push_back(watch.cpu());  // the first run warms caches and pages
    if (mode == "patches" && r == a.repeats) {
      dump(a.dump, "flux.f8", out.flux);
      dump(a.dump, "ivar.f8", out.ivar);
      dump(a.dump, "resolution.f4", out.resolution);
    }
  }
  return {{"isa", isa},
          {"mode", mode},
          {"cpu_seconds", seconds},
          {"median_cpu_seconds", bench::median(seconds)},
          {"stages_last_run", stages_of(stages)}};
}

test::MadePsf psf_of(const Arguments& a) {
  if (a.psf.empty()) return test::make_psf(test::full_bundle());
  test::PsfCase file = test::read_psf_case(a.psf);
  return {std::move(file.shape), std::move(file.traces)};
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments a = parse(argc, argv);
  const test::MadePsf psf = psf_of(a);
  extraction::Options options;
  options.wavelength = {.first = 5760, .step = 0.8, .size = a.n_wave};
  options.spec_min = a.spec_min;
  options.n_spec = a.n_spec;
  const test::MadeFrame frame =
      test::make_frame(psf.shape, psf.traces, options.wavelength, a.spec_min, a.n_spec, a.masked);
  dump(a.dump, "image.f4", frame.image);
  dump(a.dump, "pixel_ivar.f4", frame.ivar);
  nlohmann::json report{{"fibres", a.n_spec},
                        {"bins", a.n_wave},
                        {"threads", a.threads},
                        {"masked", a.masked},
                        {"psf", a.psf.empty() ? "made" : a.psf}};
  std::vector<std::string> isas;
  for (const compute::Isa isa : compute::available_isas()) isas.push_back(compute::to_string(isa));
  if (!a.isas.empty()) isas = split(a.isas);
  for (const std::string& isa : isas) {
    for (const std::string& mode : split(a.modes)) {
      report["runs"].push_back(measure(a, psf, frame, options, isa, mode));
    }
  }
  std::cout << report.dump(2) << "\n";
}
