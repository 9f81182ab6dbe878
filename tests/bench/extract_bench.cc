// CPU seconds of one extraction from files, for comparisons with other programs on the same input
// (compare_gpu_specter.py). Reading is not counted. One JSON object on stdout.

#include <CLI/CLI.hpp>
#include <ctime>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/formats/fits/preproc.h"
#include "common/formats/fits/psf.h"
#include "workers/compute/cpu_device.h"
#include "workers/compute/isa.h"
#include "workers/engines/extraction/psf_response.h"
#include "workers/kernels/extraction/extraction.h"

namespace {

using unfold::extraction::Options;
using unfold::extraction::Spectra;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Arguments {
  std::string image, psf, mode = "patches", dump;
  std::vector<double> wavelength = {5760, 7620, 0.8};
  int specmin = 0, nspec = 25, threads = 1;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  CLI::App app("Extracts once and tells what it cost");
  app.add_option("--image", a.image)->required();
  app.add_option("--psf", a.psf)->required();
  app.add_option("--wavelength", a.wavelength)->delimiter(',')->expected(3);
  app.add_option("--specmin", a.specmin);
  app.add_option("--nspec", a.nspec);
  app.add_option("--mode", a.mode)->check(CLI::IsMember({"patches", "strips"}));
  app.add_option("--threads", a.threads);
  app.add_option("--dump", a.dump, "flux then ivar per bin, raw doubles");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    std::exit(app.exit(e));
  }
  return a;
}

Options options_of(const Arguments& a) {
  const double first = a.wavelength[0], last = a.wavelength[1], step = a.wavelength[2];
  return {.wavelength = {.first = first,
                         .step = step,
                         .size = static_cast<int>((last - first) / step + 0.5 + 1e-9) + 1},
          .spec_min = a.specmin,
          .n_spec = a.nspec,
          .mode = a.mode == "strips" ? unfold::extraction::Mode::kStrips
                                     : unfold::extraction::Mode::kPatches};
}

void write_doubles(const std::string& path, const Spectra& spectra) {
  std::ofstream out(path, std::ios::binary);
  for (const std::vector<double>* values : {&spectra.flux, &spectra.ivar}) {
    out.write(reinterpret_cast<const char*>(values->data()),
              static_cast<std::streamsize>(values->size() * sizeof(double)));
  }
}

nlohmann::json report(const Arguments& a, double seconds,
                      const unfold::extraction::StageSeconds& stages) {
  return {{"mode", a.mode},
          {"fibres", a.nspec},
          {"isa", unfold::compute::to_string(unfold::compute::choose_isa())},
          {"cpu_seconds", seconds},
          {"stages",
           {{"stamps", stages.stamps},
            {"normal_equations", stages.normal_equations},
            {"factor", stages.factor},
            {"selected_inverse", stages.selected_inverse},
            {"schur", stages.schur},
            {"root", stages.root},
            {"chi2", stages.chi2}}}};
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments a = parse(argc, argv);
  const auto psf = unfold::fits::read_psf(a.psf);
  auto frame = unfold::fits::read_preproc(a.image);
  if (!psf.ok() || !frame.ok()) {
    std::cerr << psf.status() << "\n" << frame.status() << "\n";
    return 1;
  }
  unfold::fits::apply_mask(*frame, 0xffffffffU);
  const auto response = unfold::engine::make_psf_response(*psf);
  if (!response.ok()) {
    std::cerr << response.status() << "\n";
    return 1;
  }
  unfold::compute::Cpu cpu(a.threads);
  unfold::extraction::StageSeconds stages;
  const double started = cpu_seconds();
  const Spectra spectra = unfold::extraction::extract(
      (*response)->shape, (*response)->traces,
      {.image = {frame->image.data(), frame->ny, frame->nx},
       .ivar = {frame->ivar.data(), frame->ny, frame->nx}},
      options_of(a), cpu, {.progress = {}, .cancelled = {}, .stages = &stages});
  const double seconds = cpu_seconds() - started;
  if (!a.dump.empty()) write_doubles(a.dump, spectra);
  std::cout << report(a, seconds, stages) << "\n";
  return 0;
}
