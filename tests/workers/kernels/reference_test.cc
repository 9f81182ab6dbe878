#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>

#include "tests/support/cuda_modules.h"
#include "tests/support/fits_case.h"
#include "tests/support/shared_data.h"
#include "workers/cuda/gpu_extraction.h"
#include "workers/kernels/extraction/extraction.h"

// The reference packages' own answers, for every instruction set that this CPU has and for GPUs.
namespace unfold::extraction {
namespace {

std::string data_file(const std::string& name) {
  return test::shared_file("data/extraction/" + name).string();
}

/// Reading is slower than extracting: each file once per process.
const test::PsfCase& psf_case(const std::string& name) {
  static std::map<std::string, std::unique_ptr<test::PsfCase>> cache;
  auto& slot = cache[name];
  if (!slot) slot = std::make_unique<test::PsfCase>(test::read_psf_case(data_file(name)));
  return *slot;
}
const test::FrameCase& frame_case(const std::string& name) {
  static std::map<std::string, std::unique_ptr<test::FrameCase>> cache;
  auto& slot = cache[name];
  if (!slot) slot = std::make_unique<test::FrameCase>(test::read_frame_case(data_file(name)));
  return *slot;
}

struct Case {
  std::string preproc;
  Options options;
};

Options options_of(double first, double step, int size, int spec_min) {
  Options o;
  o.wavelength = {.first = first, .step = step, .size = size};
  o.spec_min = spec_min;
  o.n_spec = 25;
  return o;
}

/// Where a case is extracted: on the host by one instruction set, or on a module's GPU.
struct Machine {
  std::string name;
  std::optional<compute::Isa> isa;
  std::string (*unavailable)() = nullptr;
  cuda::Gpu (*gpu)() = nullptr;

  Spectra extract(const test::PsfCase& psf, const FrameView& view, const Options& options) const {
    compute::Cpu cpu(1);
    if (isa) return extraction::extract(psf.shape, psf.traces, view, options, cpu);
    cuda::GpuExtraction on_gpu(gpu());
    const cuda::GpuPsf resident(on_gpu.gpu(), psf.shape);
    return on_gpu.extract(resident, psf.shape, psf.traces, view, options, cpu);
  }
};

std::vector<Machine> machines() {
  std::vector<Machine> out;
  for (const compute::Isa isa : compute::available_isas()) {
    out.push_back({compute::to_string(isa), isa});
  }
  out.push_back({"emulated_gpu", {}, test::EmulatedGpu::unavailable, test::EmulatedGpu::gpu});
  out.push_back({"gpu", {}, test::RealGpu::unavailable, test::RealGpu::gpu});
  return out;
}

/// Densities per Angstrom, as the reference files hold them.
Spectra extract_case(const Machine& machine, const Case& c) {
  const test::PsfCase& psf = psf_case("psf-r0-00051060.fits");
  const test::FrameCase& frame = frame_case(c.preproc);
  const FrameView view{{frame.image.data(), frame.n_row, frame.n_col},
                       {frame.ivar.data(), frame.n_row, frame.n_col}};
  Spectra out = machine.extract(psf, view, c.options);
  const double step = c.options.wavelength.step;
  for (double& f : out.flux) f /= step;
  for (double& i : out.ivar) i *= step * step;
  return out;
}

struct Reference {
  test::FitsArray flux, ivar, resolution, chi2pix, pixmask;
  double median_ivar = 0;
};

Reference reference(const std::string& name) {
  const std::string path = data_file(name);
  Reference r{test::read_fits_array(path, "FLUX"),
              test::read_fits_array(path, "IVAR"),
              test::read_fits_array(path, "RESOLUTION"),
              test::read_fits_array(path, "CHI2PIX"),
              test::read_fits_array(path, "PIXMASK_FRACTION"),
              0};
  std::vector<double> positive;
  for (const double v : r.ivar.data) {
    if (v > 0) positive.push_back(v);
  }
  std::nth_element(positive.begin(), positive.begin() + static_cast<long>(positive.size() / 2),
                   positive.end());
  r.median_ivar = positive[positive.size() / 2];
  return r;
}

/// The largest differences over bins with ivar above 1e-6 of the median.
struct Difference {
  std::size_t compared = 0, alive = 0;
  double pull = 0, ivar = 0, resolution = 0, chi2pix = 0, pixmask = 0;
  std::vector<double> pulls;
  double share_of_pulls_above(double limit) const {
    const auto above =
        std::count_if(pulls.begin(), pulls.end(), [&](double p) { return p > limit; });
    return static_cast<double>(above) / static_cast<double>(pulls.size());
  }
  double rms() const {
    double sum = 0;
    for (const double p : pulls) sum += p * p;
    return std::sqrt(sum / static_cast<double>(pulls.size()));
  }
};

Difference compare(const Spectra& ours, const Reference& theirs) {
  Difference d;
  const std::size_t n_wave = static_cast<std::size_t>(ours.n_wave);
  const std::size_t width = static_cast<std::size_t>(2 * ours.n_diag + 1);
  for (std::size_t i = 0; i < ours.flux.size(); ++i) {
    const double ivar = theirs.ivar.data[i];
    if (!(ivar > 1e-6 * theirs.median_ivar)) continue;
    ++d.compared;
    if (ours.ivar[i] > 0) ++d.alive;
    d.pulls.push_back(std::fabs(ours.flux[i] - theirs.flux.data[i]) * std::sqrt(ivar));
    d.pull = std::max(d.pull, d.pulls.back());
    d.ivar = std::max(d.ivar, std::fabs(ours.ivar[i] / ivar - 1));
    const double chi2 = theirs.chi2pix.data[i];
    d.chi2pix = std::max(d.chi2pix, std::fabs(ours.chi2pix[i] - chi2) / std::max(chi2, 1e-3));
    d.pixmask = std::max(d.pixmask, std::fabs(ours.pixmask_fraction[i] - theirs.pixmask.data[i]));
    for (std::size_t k = 0; k < width; ++k) {
      const std::size_t at = (i / n_wave * width + k) * n_wave + i % n_wave;
      d.resolution = std::max(d.resolution, std::fabs(static_cast<double>(ours.resolution[at]) -
                                                      theirs.resolution.data[at]));
    }
  }
  return d;
}

std::ostream& operator<<(std::ostream& out, const Difference& d) {
  return out << d.compared << " bins, pull " << d.pull << " rms " << d.rms() << ", ivar " << d.ivar
             << ", R " << d.resolution << ", chi2pix " << d.chi2pix << ", pixmask " << d.pixmask;
}

class ReferenceCase : public ::testing::TestWithParam<Machine> {
 protected:
  void SetUp() override {
    if (data_file("c01_plain_gs.fits.gz").empty()) GTEST_SKIP() << "no shared data";
    if (GetParam().isa) {
      setenv("UNFOLD_ISA", GetParam().name.c_str(), 1);
    } else if (const std::string why = GetParam().unavailable(); !why.empty()) {
      GTEST_SKIP() << why;
    }
  }
  void TearDown() override { unsetenv("UNFOLD_ISA"); }

  void expect_agreement(const Case& c, const std::string& name) {
    const Difference d = compare(extract_case(GetParam(), c), reference(name));
    RecordProperty(name, ::testing::PrintToString(d));
    SCOPED_TRACE(::testing::PrintToString(d));
    std::cout << name << ": " << d << "\n";
    EXPECT_GT(d.compared, 1000u);
    EXPECT_EQ(d.alive, d.compared);
    EXPECT_LT(d.pull, 1e-4);
    EXPECT_LT(d.rms(), 3e-6);
    EXPECT_LT(d.ivar, 1e-5);
    EXPECT_LT(d.resolution, 1e-6);
    EXPECT_LT(d.chi2pix, 1e-6);
    EXPECT_LT(d.pixmask, 1e-9);
  }
};

const std::string kPlain = "c01_plain_preproc.fits.gz";
const std::string kCosmics = "c02_cosmics_preproc.fits.gz";

TEST_P(ReferenceCase, PlainFrameAgreesWithGpuSpecter) {
  expect_agreement({kPlain, options_of(6500, 0.8, 101, 0)}, "c01_plain_gs.fits.gz");
}
TEST_P(ReferenceCase, RegularisedFrameAgreesWithGpuSpecter) {
  Options o = options_of(6500, 0.8, 101, 0);
  o.regularize = 1e-2;
  expect_agreement({kPlain, o}, "c01c_reg_gs.fits.gz");
}
TEST_P(ReferenceCase, MaskedFrameAgreesWithGpuSpecter) {
  expect_agreement({kCosmics, options_of(6860, 0.8, 101, 250)}, "c02_cosmics_gs.fits.gz");
}
TEST_P(ReferenceCase, OnePatchOfAHundredBinsAgreesWithGpuSpecter) {
  Options o = options_of(6860, 0.8, 101, 250);
  o.n_wave_step = 100;
  expect_agreement({kCosmics, o}, "c09_nsub5_nw100_gs.fits.gz");
}
TEST_P(ReferenceCase, PsfErrorAgreesWithGpuSpecter) {
  Options o = options_of(6860, 0.8, 101, 250);
  o.psf_error = 0.05;
  expect_agreement({kCosmics, o}, "c09_psferr05_gs.fits.gz");
}
TEST_P(ReferenceCase, WiderBinsAgreeWithGpuSpecter) {
  expect_agreement({kCosmics, options_of(6860, 1.2, 68, 250)}, "c09_dw12_gs.fits.gz");
}
TEST_P(ReferenceCase, BinsThatGpuSpecterKeepsAtTheEdgeAgree) {
  expect_agreement({"c08_edgelo_preproc.fits.gz", options_of(5555, 0.8, 101, 0)},
                   "c08_edgelo_gs.fits.gz");
}

void expect_close_to_specter(const Machine& machine, const Case& c, const std::string& name) {
  const Difference d = compare(extract_case(machine, c), reference(name));
  SCOPED_TRACE(::testing::PrintToString(d));
  std::cout << name << ": " << d << "\n";
  EXPECT_GT(d.compared, 2000u);
  EXPECT_LT(d.share_of_pulls_above(0.05), 0.01);
  EXPECT_LT(d.ivar, 1e-3);
  EXPECT_LT(d.resolution, 1e-3);
}
TEST_P(ReferenceCase, PlainFrameIsCloseToSpecter) {
  expect_close_to_specter(GetParam(), {kPlain, options_of(6500, 0.8, 101, 0)},
                          "c01_plain_sp.fits.gz");
}
TEST_P(ReferenceCase, FrameAtTheCcdEdgeIsCloseToSpecter) {
  expect_close_to_specter(GetParam(), {"c08_edgelo_preproc.fits.gz", options_of(5555, 0.8, 101, 0)},
                          "c08_edgelo_sp.fits.gz");
}
TEST_P(ReferenceCase, NoiseDecorrelationIsCloseToSpecter) {
  if (GetParam().isa && GetParam().isa != compute::available_isas().back())
    GTEST_SKIP() << "dense; one ISA is enough";
  Options o = options_of(6500, 0.8, 101, 0);
  o.decorrelate = Decorrelate::kNoise;
  expect_close_to_specter(GetParam(), {kPlain, o}, "c01b_ndecorr_sp.fits.gz");
}
TEST_P(ReferenceCase, StripsAgreeWithOnePatchOverTheWholeRange) {
  Options strips = options_of(6860, 0.8, 101, 250), patch = strips;
  strips.mode = Mode::kStrips;
  patch.n_wave_step = 101;
  const Spectra a = extract_case(GetParam(), {kCosmics, strips}),
                b = extract_case(GetParam(), {kCosmics, patch});
  double worst = 0;
  for (std::size_t i = 0; i < a.flux.size(); ++i) {
    worst = std::max(worst, std::fabs(a.flux[i] - b.flux[i]) * std::sqrt(b.ivar[i]));
  }
  EXPECT_LT(worst, 1e-4);
  EXPECT_GT(*std::max_element(a.ivar.begin(), a.ivar.end()), 0);
}

INSTANTIATE_TEST_SUITE_P(Machine, ReferenceCase, ::testing::ValuesIn(machines()),
                         [](const auto& p) { return p.param.name; });

}  // namespace
}  // namespace unfold::extraction
