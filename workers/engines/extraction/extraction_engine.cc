#include "workers/engines/extraction/extraction_engine.h"

#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/plan/barycentric.h"
#include "workers/engines/extraction/frame_of.h"
#include "workers/engines/input_files.h"

namespace unfold::engine {
namespace {

struct ExtractionInput final : Input {
  v1::ExtractionSpec spec;
  v1::Plan plan;
  ExtractionImage image;
};

struct ExtractionProduct final : Product {
  fits::Frame frame;
  std::vector<float> model;  // [ny, nx], or empty
  int nx = 0;
  int ny = 0;
};

absl::StatusOr<fits::Table> read_fibermap(const Roots& roots, const std::string& rooted,
                                          const v1::Plan& plan, std::string& sha256) {
  UNFOLD_ASSIGN_OR_RETURN(const FileHandle file, open_planned(roots, rooted, plan));
  UNFOLD_ASSIGN_OR_RETURN(sha256, sha256_of_file(file.proc_path()));
  return fits::read_fibermap(file.proc_path(), rooted);
}

/// The fibermap's rows of the fibres asked for; a shorter one is passed through as it is.
absl::StatusOr<fits::Table> rows_for(const fits::Table& fibermap, const v1::ExtractionSpec& spec) {
  const std::int64_t first = spec.specmin();
  const std::int64_t count = spec.has_nspec() ? spec.nspec() : fibermap.rows - first;
  if (first + count > fibermap.rows) return fibermap;
  return fibermap.slice(first, count);
}

absl::StatusOr<ExtractionImage> read_image(const Roots& roots, const v1::ExtractionSpec& spec,
                                           const v1::Plan& plan) {
  ExtractionImage image;
  UNFOLD_ASSIGN_OR_RETURN(const FileHandle file, open_planned(roots, spec.image(), plan));
  UNFOLD_ASSIGN_OR_RETURN(image.preproc, fits::read_preproc(file.proc_path(), spec.image()));
  fits::apply_mask(image.preproc,
                   spec.has_mask_bits() ? spec.mask_bits() : fits::kExtractionMaskBits);
  std::vector<std::int32_t>().swap(image.preproc.mask);
  std::optional<fits::Table> whole = std::move(image.preproc.fibermap);
  image.preproc.fibermap.reset();
  if (!spec.fibermap().empty()) {
    UNFOLD_ASSIGN_OR_RETURN(whole,
                            read_fibermap(roots, spec.fibermap(), plan, image.fibermap_sha256));
  }
  if (spec.barycentric_correction()) {
    const fits::Header none;
    UNFOLD_ASSIGN_OR_RETURN(const plan::Pointing pointing,
                            plan::pointing_of(image.preproc.header, whole ? whole->header : none));
    image.barycentric_factor = plan::barycentric_factor(pointing);
  }
  if (whole) {
    UNFOLD_ASSIGN_OR_RETURN(image.fibermap, rows_for(*whole, spec));
  }
  return image;
}

absl::Status wrong_ccd(const fits::Preproc& image, const extraction::PsfShape& psf) {
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "WRONG_SHAPE",
                .field = "extraction.psf",
                .what = "the PSF is of another CCD than the image",
                .why = absl::StrCat("the image has ", image.nx, " x ", image.ny,
                                    " pixels, the PSF ", psf.npix_x, " x ", psf.npix_y),
                .remedy = "use the PSF of the image's camera"});
}

/// What a frame in flight takes of a GPU, kept for the next frame of its size.
struct FrameWorkspace final : residency::Workspace {
  explicit FrameWorkspace(const cuda::Gpu& gpu) : extraction(gpu) {}
  std::int64_t bytes() const override { return extraction.bytes(); }
  cuda::GpuExtraction extraction;
};

class ExtractionEngine final : public Engine {
 public:
  ExtractionEngine(const Roots& roots, compute::Cpu& cpu, std::optional<cuda::Gpu> gpu)
      : roots_(roots), cpu_(cpu), gpu_(gpu) {}

  std::string name() const override { return "extraction"; }
  std::string device() const override {
    return gpu_ ? absl::StrCat("cuda:", gpu_->ordinal) : "cpu";
  }

  absl::StatusOr<std::unique_ptr<Input>> read(const v1::JobSpec& spec,
                                              const v1::Plan& plan) override {
    auto input = std::make_unique<ExtractionInput>();
    input->spec = spec.extraction();
    input->plan = plan;
    UNFOLD_ASSIGN_OR_RETURN(input->image, read_image(roots_, input->spec, plan));
    return input;
  }

  absl::StatusOr<std::unique_ptr<Product>> compute(std::unique_ptr<Input> input,
                                                   RunContext& context) override {
    auto& in = static_cast<ExtractionInput&>(*input);
    UNFOLD_ASSIGN_OR_RETURN(const auto acquired, acquire(in.spec, in.plan, context.responses));
    context.response_ready(acquired.hit, acquired.load_seconds);
    const LoadedPsf& psf = acquired.psf;
    const extraction::PsfShape& shape = psf.response->shape;
    fits::Preproc& image = in.image.preproc;
    if (image.nx != shape.npix_x || image.ny != shape.npix_y) return wrong_ccd(image, shape);
    const extraction::Options options =
        options_of(in.spec, in.image.barycentric_factor, *psf.response);
    UNFOLD_ASSIGN_OR_RETURN(extraction::Spectra spectra, extract(psf, image, options, context));
    std::vector<float>().swap(image.image);
    std::vector<float>().swap(image.ivar);

    auto product = std::make_unique<ExtractionProduct>();
    product->model = std::move(spectra.model);
    product->nx = image.nx;
    product->ny = image.ny;
    const auto bad_pixels = static_cast<double>(image.nonfinite_pixels);
    product->frame = frame_of(std::move(spectra), options, in.spec, in.image, psf, context.job_id,
                              in.plan.response_key());
    product->summary = summary_of(product->frame);
    product->summary["nonfinite_pixels"] = bad_pixels;
    return product;
  }

  absl::Status write(const Product& product, const std::vector<OutputTarget>& targets) override {
    const auto& out = static_cast<const ExtractionProduct&>(product);
    for (const OutputTarget& target : targets) {
      const bool compress = absl::EndsWith(target.rooted_path, ".gz");
      UNFOLD_RETURN_IF_ERROR(target.index == kFrame
                                 ? fits::write_frame(target.part_path, out.frame, compress)
                                 : fits::write_model(target.part_path, out.model, out.ny, out.nx,
                                                     out.frame.header, compress));
    }
    return absl::OkStatus();
  }

  absl::Status verify(const OutputTarget& target) override {
    return target.index == kFrame ? fits::verify_frame(target.part_path)
                                  : fits::verify_model(target.part_path);
  }

  absl::Status preload(const v1::JobSpec& spec, const v1::Plan& plan,
                       residency::ResponseCache& responses) override {
    return acquire(spec.extraction(), plan, responses).status();
  }

 private:
  static constexpr int kFrame = 0;  // of the plan's outputs; a model image follows

  struct Acquired {
    LoadedPsf psf;
    bool hit = false;
    double load_seconds = 0;
  };

  /// The file is opened even for a hit: a PSF that was replaced since must not go unnoticed.
  absl::StatusOr<Acquired> acquire(const v1::ExtractionSpec& spec, const v1::Plan& plan,
                                   residency::ResponseCache& responses) const {
    UNFOLD_ASSIGN_OR_RETURN(const FileHandle file, open_planned(roots_, spec.psf(), plan));
    const std::string identity = identity_text(spec.psf(), plan);
    std::shared_ptr<const PsfFile> known = files_.find(identity);
    const auto read = [&]() -> absl::StatusOr<std::shared_ptr<const PsfResponse>> {
      UNFOLD_ASSIGN_OR_RETURN(const fits::Psf psf, fits::read_psf(file.proc_path(), spec.psf()));
      UNFOLD_ASSIGN_OR_RETURN(LoadedPsf loaded, load_psf(psf, gpu_ ? &*gpu_ : nullptr));
      if (known == nullptr) files_.put(identity, loaded.file);
      known = std::move(loaded.file);
      return std::move(loaded.response);
    };
    UNFOLD_ASSIGN_OR_RETURN(
        const auto shape,
        responses.acquire(
            {.key = plan.response_key(), .engine = name(), .expected_bytes = plan.response_bytes()},
            read));
    if (known == nullptr) UNFOLD_RETURN_IF_ERROR(read().status());
    auto response = std::static_pointer_cast<const PsfResponse>(shape.response);
    return Acquired{{std::move(response), std::move(known)}, shape.hit, shape.load_seconds};
  }

  absl::StatusOr<extraction::Spectra> extract(const LoadedPsf& psf, const fits::Preproc& image,
                                              const extraction::Options& options,
                                              RunContext& context) const {
    const extraction::FrameView view{{image.image.data(), image.ny, image.nx},
                                     {image.ivar.data(), image.ny, image.nx}};
    const extraction::Hooks hooks{
        .progress =
            [&](std::int64_t done, std::int64_t total) {
              v1::Progress progress;
              progress.set_stage("compute");
              progress.set_fraction(static_cast<double>(done) / static_cast<double>(total));
              progress.set_done(done);
              progress.set_total(total);
              progress.set_unit("patches");
              context.progress(progress);
            },
        .cancelled = [&] { return context.cancel.cancelled(); }};
    try {
      const extraction::PsfShape& shape = psf.response->shape;
      if (gpu_) {
        const auto workspace = workspace_of(context);
        return workspace->extraction.extract(*psf.response->on_gpu, shape, psf.file->traces, view,
                                             options, cpu_, hooks);
      }
      return extraction::extract(shape, psf.file->traces, view, options, cpu_, hooks);
    } catch (const extraction::Cancelled&) {
      return absl::CancelledError("told to stop");
    } catch (const std::invalid_argument& refusal) {
      return error({.code = absl::StatusCode::kInvalidArgument,
                    .reason = "WRONG_SHAPE",
                    .field = "extraction",
                    .what = "cannot extract",
                    .why = refusal.what(),
                    .remedy = ""});
    }
  }

  /// The job's own: left there for the next one.
  std::shared_ptr<FrameWorkspace> workspace_of(RunContext& context) const {
    if (context.room != nullptr && context.room->workspace != nullptr) {
      return std::static_pointer_cast<FrameWorkspace>(context.room->workspace);
    }
    auto fresh = std::make_shared<FrameWorkspace>(*gpu_);
    if (context.room != nullptr) context.room->workspace = fresh;
    return fresh;
  }

  const Roots& roots_;
  compute::Cpu& cpu_;
  const std::optional<cuda::Gpu> gpu_;
  mutable PsfFileMemo files_;
};

}  // namespace

std::unique_ptr<Engine> make_extraction_engine(const Roots& roots, compute::Cpu& cpu,
                                               std::optional<cuda::Gpu> gpu) {
  return std::make_unique<ExtractionEngine>(roots, cpu, gpu);
}

}  // namespace unfold::engine
