#include "workers/engines/extraction/psf_response.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/base/error.h"

namespace unfold::engine {
namespace {

constexpr std::size_t kMemoFiles = 64;

absl::Status refused(const std::string& why) {
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "WRONG_SHAPE",
                .field = "extraction.psf",
                .what = "cannot use the PSF",
                .why = why,
                .remedy = ""});
}

/// Rows of one kernel table and the file's parameters that go there.
using Rows = std::vector<std::pair<int, const fits::LegendreSet*>>;

void add_core(const fits::GaussHermiteCore& core, int sigma_x, int sigma_y, const auto& row_of_term,
              Rows& rows) {
  rows.emplace_back(sigma_x, &core.sigma_x);
  rows.emplace_back(sigma_y, &core.sigma_y);
  for (int i = 0; i <= core.degree_x; ++i) {
    for (int j = 0; j <= core.degree_y; ++j) rows.emplace_back(row_of_term(i, j), &core.term(i, j));
  }
}

Rows rows_of(const fits::Psf& psf, const extraction::PsfShape& shape) {
  Rows rows = {{extraction::kTailAmplitude, &psf.tail.amplitude},
               {extraction::kTailCore, &psf.tail.core},
               {extraction::kTailScaleX, &psf.tail.x_scale},
               {extraction::kTailScaleY, &psf.tail.y_scale},
               {extraction::kTailIndex, &psf.tail.index},
               {extraction::kCoreRadius, &psf.core_radius}};
  add_core(
      psf.core, extraction::kSigmaX, extraction::kSigmaY,
      [&](int i, int j) { return shape.gh_row(i, j); }, rows);
  if (psf.second) {
    add_core(
        *psf.second, extraction::kSigma2X, extraction::kSigma2Y,
        [&](int i, int j) { return shape.gh2_row(i, j); }, rows);
  }
  return rows;
}

/// Absent parameters stay zero; shorter ones are padded with zeros.
absl::StatusOr<extraction::LegendreSet> gather(const Rows& rows, int n_rows, int n_spec) {
  extraction::LegendreSet set;
  set.n_param = n_rows;
  set.n_spec = n_spec;
  for (const auto& [row, from] : rows) {
    if (from->ncoef == 0) continue;
    if (set.n_coef > 0 && (set.wave_min != from->wave_min || set.wave_max != from->wave_max)) {
      return refused("its parameters have different wavelength domains");
    }
    set.n_coef = std::max(set.n_coef, from->ncoef);
    set.wave_min = from->wave_min;
    set.wave_max = from->wave_max;
  }
  set.coef.assign(static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(n_spec) *
                      static_cast<std::size_t>(set.n_coef),
                  0.0);
  for (const auto& [row, from] : rows) {
    for (int spec = 0; spec < n_spec && from->ncoef > 0; ++spec) {
      const double* source = from->coefficients.data() + std::ptrdiff_t{spec} * from->ncoef;
      std::copy(source, source + from->ncoef, set.row(row, spec));
    }
  }
  return set;
}

extraction::PsfShape sizes_of(const fits::Psf& psf) {
  extraction::PsfShape shape;
  shape.model = psf.type == fits::PsfType::kGaussHermite ? extraction::PsfModel::kGaussHermite
                                                         : extraction::PsfModel::kGaussHermite2;
  shape.n_spec = psf.nspec;
  shape.npix_x = psf.npix_x;
  shape.npix_y = psf.npix_y;
  shape.half_size_x = psf.hsize_x;
  shape.half_size_y = psf.hsize_y;
  shape.degree_x = psf.core.degree_x;
  shape.degree_y = psf.core.degree_y;
  if (psf.second) {
    shape.degree2_x = psf.second->degree_x;
    shape.degree2_y = psf.second->degree_y;
  }
  return shape;
}

}  // namespace

absl::StatusOr<LoadedPsf> load_psf(const fits::Psf& psf, const cuda::Gpu* gpu) {
  auto response = std::make_shared<PsfResponse>();
  auto file = std::make_shared<PsfFile>();
  extraction::PsfShape& shape = response->shape;
  shape = sizes_of(psf);
  auto params = gather(rows_of(psf, shape), shape.n_rows(), psf.nspec);
  auto x = gather({{0, &psf.x}}, 1, psf.nspec);
  auto y = gather({{0, &psf.y}}, 1, psf.nspec);
  for (const auto* set : {&params, &x, &y}) {
    if (!set->ok()) return set->status();
  }
  shape.params = *std::move(params);
  file->traces = {*std::move(x), *std::move(y)};
  try {
    extraction::check(shape, file->traces);
  } catch (const std::invalid_argument& refusal) {
    return refused(refusal.what());
  }
  if (gpu != nullptr) response->on_gpu = std::make_unique<cuda::GpuPsf>(*gpu, shape);
  response->has_tails = psf.tail.present();
  response->fiber_min = psf.fiber_min;
  file->sha256 = psf.sha256;
  file->in_psf = psf.in_psf;
  return LoadedPsf{std::move(response), std::move(file)};
}

std::shared_ptr<const PsfFile> PsfFileMemo::find(const std::string& identity) const {
  const MutexLock lock(mutex_);
  for (const auto& [known, file] : files_) {
    if (known == identity) return file;
  }
  return nullptr;
}

void PsfFileMemo::put(const std::string& identity, std::shared_ptr<const PsfFile> file) {
  if (identity.empty()) return;
  const MutexLock lock(mutex_);
  files_.emplace_back(identity, std::move(file));
  if (files_.size() > kMemoFiles) files_.pop_front();
}

}  // namespace unfold::engine
