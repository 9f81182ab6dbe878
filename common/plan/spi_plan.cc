#include "common/plan/spi_plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/formats/spi/dragonfly.h"
#include "common/formats/spi/reference.h"
#include "common/plan/files.h"
#include "common/plan/refuse.h"
#include "common/plan/spi_config.h"
#include "common/plan/spi_extent.h"
#include "common/plan/spi_facts.h"
#include "common/plan/spi_options.h"

namespace unfold::plan {
namespace {

using spi_data::NamedFile;

constexpr std::int64_t kMostBytesLookedAt = std::int64_t{4} << 30;  // some ten seconds
constexpr std::int64_t kPieces = 16;  // of the frames that are looked at instead of all
constexpr std::int64_t kFramesForExtent = 300;

struct Files {
  std::map<std::string, InputFile> open;  // by rooted path

  NamedFile named(const std::string& path) const {
    return path.empty() ? NamedFile{} : NamedFile{open.at(path).handle.proc_path(), path};
  }
};

absl::StatusOr<Files> open_files(const Roots& roots, v1::SpiSpec& spec,
                                 std::vector<v1::InputIdentity>& inputs) {
  Files out;
  const auto open = [&](std::string* path, const char* field) -> absl::Status {
    if (path->empty()) return absl::OkStatus();
    UNFOLD_ASSIGN_OR_RETURN(InputFile file, open_input(roots, *path, field));
    *path = file.rooted;
    if (out.open.contains(*path)) return absl::OkStatus();
    inputs.push_back(file.identity);
    out.open.emplace(*path, std::move(file));
    return absl::OkStatus();
  };
  if (spec.data().empty()) return open_input(roots, "", "spi.data").status();
  std::set<std::string> seen;
  for (std::string& path : *spec.mutable_data()) {
    if (path.empty()) return open_input(roots, "", "spi.data").status();
    UNFOLD_RETURN_IF_ERROR(open(&path, "spi.data"));
    if (seen.insert(path).second) continue;
    return refuse("spi.data", "OUT_OF_RANGE", absl::StrCat("\"", path, "\" is given twice"), "",
                  "name each file once");
  }
  UNFOLD_RETURN_IF_ERROR(open(spec.mutable_detector(), "spi.detector"));
  UNFOLD_RETURN_IF_ERROR(open(spec.mutable_config(), "spi.config"));
  UNFOLD_RETURN_IF_ERROR(open(spec.mutable_background_file(), "spi.background_file"));
  UNFOLD_RETURN_IF_ERROR(open(spec.mutable_reference(), "spi.reference"));
  return out;
}

absl::Status in_field(const absl::Status& status, const char* fallback) {
  const std::string field = field_of(status);
  if (status.ok() || absl::StartsWith(field, "spi.")) return status;
  return with_field(status, field.empty() ? fallback : absl::StrCat("spi.", field));
}

/// All frames, or so many that looking at them takes some ten seconds, from all over.
spi_data::Choice looked_at(const std::vector<std::int64_t>& frames, std::int64_t most,
                           const spi_data::Reduction& reduction) {
  spi_data::Choice out;
  out.reduction = reduction;
  const auto total = static_cast<std::int64_t>(frames.size());
  if (total <= most) {
    out.selection = frames;
    return out;
  }
  const std::int64_t pieces = std::min(kPieces, most);
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    const std::int64_t first = piece * total / pieces;
    const std::int64_t count = std::min(most / pieces, (piece + 1) * total / pieces - first);
    out.selection.insert(out.selection.end(), frames.begin() + first,
                         frames.begin() + first + count);
  }
  return out;
}

absl::StatusOr<SpiData> look_at(const spi_data::PatternSource& source, const v1::SpiSpec& spec) {
  SpiData out;
  out.header = source.header();
  const spi_data::Choice choice = choice_of(spec);
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<std::int64_t> frames,
                          spi_data::chosen_frames(out.header.frames, choice));
  out.frames = static_cast<std::int64_t>(frames.size());
  const std::int64_t frame_bytes = std::max<std::int64_t>(
      1, out.header.sparse ? 8 * out.header.entries / out.header.frames : 4 * out.header.pixels());
  UNFOLD_ASSIGN_OR_RETURN(
      out.summary,
      spi_data::summarise(
          source, looked_at(frames, kMostBytesLookedAt / frame_bytes + 1, choice.reduction)));
  out.qmax = out.summary.detector.qmax();
  out.spacing = pixel_spacing(out.summary.detector);
  if (out.qmax > 0) return out;
  return refuse("spi.detector", "BAD_DETECTOR", "no pixel lies off the beam",
                "every good pixel has q = 0", "check the detector's geometry");
}

/// How large the particle is, where nothing says it.
absl::StatusOr<double> extent_of_some(const spi_data::PatternSource& source,
                                      const v1::SpiSpec& spec) {
  if (spec.has_grid() || spec.has_diameter()) return 0.0;
  const spi_data::Choice choice = choice_of(spec);
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<std::int64_t> frames,
                          spi_data::chosen_frames(source.header().frames, choice));
  UNFOLD_ASSIGN_OR_RETURN(
      const spi_data::Patterns sample,
      spi_data::load(source, looked_at(frames, kFramesForExtent, choice.reduction)));
  return extent_of(sample);
}

/// A job's files, its config applied to the specification.
struct Opened {
  ConfigEffect effect;
  Files files;
  std::unique_ptr<spi_data::PatternSource> source;
  std::vector<v1::InputIdentity> inputs;
  std::vector<std::string> warnings;
};

absl::StatusOr<Opened> open(const Roots& roots, v1::SpiSpec& spec) {
  Opened out;
  UNFOLD_ASSIGN_OR_RETURN(out.effect, apply_config(roots, spec, out.warnings));
  UNFOLD_ASSIGN_OR_RETURN(out.files, open_files(roots, spec, out.inputs));
  UNFOLD_ASSIGN_OR_RETURN(out.source, open_spi(spec, [&](const std::string& path) {
                            return out.files.named(path).path;
                          }));
  UNFOLD_RETURN_IF_ERROR(choose_frames(roots, out.effect, out.source->header().frames, spec));
  return out;
}

/// Jobs of equal key have the same patterns in memory.
std::string response_key(const Files& files, const v1::SpiSpec& spec) {
  Sha256 digest;
  const auto add = [&](const std::string& text) {
    digest.update(std::as_bytes(std::span(text)));
    digest.update(std::as_bytes(std::span("\n", 1)));
  };
  const auto add_file = [&](const std::string& path) {
    if (path.empty()) return add("");
    const v1::InputIdentity& id = files.open.at(path).identity;
    add(absl::StrCat(id.device(), ".", id.inode(), ".", id.size_bytes(), ".", id.modified_ns(), ".",
                     id.changed_ns()));
  };
  for (const std::string& path : spec.data()) add_file(path);
  add_file(spec.detector());
  add_file(spec.config());  // its wavelength
  add(absl::StrCat(spec.reduction().clip(), " ", spec.reduction().bin()));
  for (const std::int64_t frame : spec.selection()) add(absl::StrCat(frame));
  add("less");
  for (const std::int64_t frame : spec.blacklist()) add(absl::StrCat(frame));
  return absl::StrCat("spi-", digest.hex().substr(0, 32));
}

/// What is read only by the worker, at the end or at once, must parse today.
absl::Status check_side_files(const Files& files, const SpiData& data, const v1::SpiSpec& spec) {
  if (!spec.background_file().empty()) {
    const auto background = spi_data::read_background(files.named(spec.background_file()),
                                                      data.header.shape, choice_of(spec).reduction);
    if (!background.ok()) return in_field(background.status(), "spi.background_file");
  }
  if (spec.reference().empty()) return absl::OkStatus();
  return in_field(spi_data::check_reference(files.named(spec.reference())), "spi.reference");
}

absl::Status plan_outputs(const v1::JobSpec& job, const Roots& roots, v1::SpiSpec& spec,
                          v1::Plan& plan) {
  OutputFiles outputs(roots, {job.overwrite(), job.parents()});
  for (const v1::InputIdentity& input : plan.inputs()) outputs.protect(input);
  const auto add = [&](std::string* path, const char* field, std::int64_t bytes) -> absl::Status {
    UNFOLD_ASSIGN_OR_RETURN(*path, outputs.add(*path, field));
    v1::OutputFile* file = plan.add_outputs();
    file->set_path(*path);
    file->set_size_bytes(bytes);
    return absl::OkStatus();
  };
  const std::int64_t voxels = std::int64_t{spec.grid()} * spec.grid() * spec.grid();
  const std::int64_t maps = voxels * spec.conformations();
  UNFOLD_RETURN_IF_ERROR(add(spec.mutable_output(), "spi.output", 40 * maps));
  if (!spec.mrc().empty()) UNFOLD_RETURN_IF_ERROR(add(spec.mutable_mrc(), "spi.mrc", 4 * voxels));
  if (!spec.png().empty()) UNFOLD_RETURN_IF_ERROR(add(spec.mutable_png(), "spi.png", 100'000));
  if (spec.dragonfly_output().empty()) return absl::OkStatus();
  DragonflyPaths paths = dragonfly_paths(spec);
  UNFOLD_RETURN_IF_ERROR(add(&paths.iterate, "spi.dragonfly_output", 16 * maps));
  UNFOLD_RETURN_IF_ERROR(add(&paths.log, "spi.dragonfly_output", 10'000));
  spec.set_dragonfly_output(paths.log.substr(0, paths.log.rfind('/')));
  return absl::OkStatus();
}

}  // namespace

std::vector<SpiInput> inputs_of(const v1::SpiSpec& spec) {
  std::vector<SpiInput> out;
  for (const std::string& path : spec.data()) out.push_back({"spi.data", path});
  const auto add = [&](const char* field, const std::string& path) {
    if (!path.empty()) out.push_back({field, path});
  };
  add("spi.detector", spec.detector());
  add("spi.config", spec.config());
  add("spi.background_file", spec.background_file());
  add("spi.reference", spec.reference());
  return out;
}

absl::StatusOr<std::unique_ptr<spi_data::PatternSource>> open_spi(const v1::SpiSpec& spec,
                                                                  const ProcPath& proc_path) {
  const auto named = [&](const std::string& path) {
    return path.empty() ? NamedFile{} : NamedFile{proc_path(path), path};
  };
  spi_data::PatternFiles files{.data = {}, .detector = named(spec.detector())};
  for (const std::string& path : spec.data()) files.data.push_back(named(path));
  if (!spec.config().empty()) {
    const auto config = spi_data::read_config(named(spec.config()));
    if (!config.ok()) return in_field(config.status(), "spi.config");
    files.wavelength = config->wavelength.value_or(0);
  }
  auto source = spi_data::open_patterns(files);
  if (source.ok()) return source;
  const bool of_detector =
      !spec.detector().empty() &&
      absl::StrContains(std::string(source.status().message()), spec.detector());
  return in_field(source.status(), of_detector ? "spi.detector" : "spi.data");
}

DragonflyPaths dragonfly_paths(const v1::SpiSpec& spec) {
  const std::string folder = spec.dragonfly_output() + "/";
  return {folder + spi_data::iterate_name(spec.max_generations()), folder + "EMC.log"};
}

absl::StatusOr<spi_data::Summary> summarise_spi(const v1::SpiSpec& asked, const Roots& roots) {
  v1::SpiSpec spec = asked;
  UNFOLD_ASSIGN_OR_RETURN(const Opened opened, open(roots, spec));
  auto looked = look_at(*opened.source, spec);
  if (!looked.ok()) return in_field(looked.status(), "spi.data");
  return std::move(looked->summary);
}

absl::StatusOr<Planned> plan_spi(const v1::JobSpec& job, const Roots& roots) {
  Planned out{.spec = job, .plan = {}};
  v1::SpiSpec& spec = *out.spec.mutable_spi();
  UNFOLD_ASSIGN_OR_RETURN(Opened opened, open(roots, spec));
  auto looked = look_at(*opened.source, spec);
  if (!looked.ok()) return in_field(looked.status(), "spi.data");
  SpiData& data = *looked;
  const auto extent = extent_of_some(*opened.source, spec);
  if (!extent.ok()) return in_field(extent.status(), "spi.data");
  data.extent = *extent;
  if (!spec.has_beta() && opened.effect.beta_factor != 1) {
    const double own = std::exp(-6.5 * std::pow(data.summary.mean_total * 1e-5, 0.15));
    spec.set_beta(std::min(1.0, opened.effect.beta_factor * own));
  }
  for (const v1::InputIdentity& input : opened.inputs) *out.plan.add_inputs() = input;
  UNFOLD_RETURN_IF_ERROR(complete_spi(data, spec, opened.warnings));
  UNFOLD_RETURN_IF_ERROR(check_side_files(opened.files, data, spec));
  UNFOLD_RETURN_IF_ERROR(plan_outputs(job, roots, spec, out.plan));
  out.plan.set_response_key(response_key(opened.files, spec));
  predict_spi(data, spec, out.plan);
  for (const std::string& warning : data.header.warnings) out.plan.add_warnings(warning);
  for (const std::string& warning : opened.warnings) out.plan.add_warnings(warning);
  tell_spi(data, spec, out.plan);
  return out;
}

}  // namespace unfold::plan
