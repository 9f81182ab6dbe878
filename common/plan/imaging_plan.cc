#include "common/plan/imaging_plan.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <span>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/plan/device_memory.h"
#include "common/plan/imaging_options.h"

namespace unfold::plan {
namespace {

using imaging_data::Header;
using imaging_data::ResponseKind;

// Of one core, measured at DC1's size; only their order matters to placement.
constexpr double kSecondsPerProduct = 1.0e-10;  // an event times an instrument direction, fused
constexpr double kSecondsPerLookup = 1.2e-9;
constexpr double kReadBytesPerSecond = 1e9;
constexpr double kSecondsOfAJob = 0.1;

struct Inputs {
  std::map<std::string, InputFile> files;  // by the path of the specification, rooted
  std::unique_ptr<imaging_data::Source> source;
  imaging_data::Counts counts;

  const Header& header() const { return source->header(); }
};

absl::Status open_files(const Roots& roots, v1::ImagingSpec& spec, Inputs& inputs, v1::Plan& plan) {
  const auto open = [&](std::string* path, const char* field) -> absl::Status {
    if (path->empty()) return absl::OkStatus();
    UNFOLD_ASSIGN_OR_RETURN(InputFile file, open_input(roots, *path, field));
    *path = file.rooted;
    if (inputs.files.contains(*path)) return absl::OkStatus();
    *plan.add_inputs() = file.identity;
    inputs.files.emplace(*path, std::move(file));
    return absl::OkStatus();
  };
  if (spec.data().empty()) return open_input(roots, "", "imaging.data").status();
  UNFOLD_RETURN_IF_ERROR(open(spec.mutable_data(), "imaging.data"));
  UNFOLD_RETURN_IF_ERROR(open(spec.mutable_response(), "imaging.response"));
  UNFOLD_RETURN_IF_ERROR(open(spec.mutable_background_file(), "imaging.background_file"));
  return open(spec.mutable_attitude(), "imaging.attitude");
}

absl::StatusOr<Inputs> read_inputs(const Roots& roots, v1::ImagingSpec& spec, v1::Plan& plan) {
  Inputs out;
  UNFOLD_RETURN_IF_ERROR(open_files(roots, spec, out, plan));
  UNFOLD_ASSIGN_OR_RETURN(out.source, open_imaging(spec, [&](const std::string& path) {
                            return out.files.at(path).handle.proc_path();
                          }));
  auto counts = out.source->counts();
  if (!counts.ok()) {
    return field_of(counts.status()).empty() ? with_field(counts.status(), "imaging.data")
                                             : counts.status();
  }
  out.counts = *std::move(counts);
  return out;
}

/// Jobs of equal key have the same response in memory. A small one is named by its content, so that
/// it is found again in whatever file it comes; a big one by the files that it is made of.
std::string response_key(const Inputs& inputs, const v1::ImagingSpec& spec) {
  const Header& header = inputs.header();
  Sha256 digest;
  const auto add = [&](const std::string& text) {
    digest.update(std::as_bytes(std::span(text)));
    digest.update(std::as_bytes(std::span("\n", 1)));
  };
  if (!header.response_digest.empty()) {
    add(header.response_digest);
  } else {
    const bool raw = header.format != "unfold";  // then the data decide which bins are kept
    for (const auto& [path, file] : inputs.files) {
      const bool own = path == spec.response() || (spec.response().empty() && path == spec.data());
      if (!own && !(raw && path == spec.background_file())) continue;
      const v1::InputIdentity& id = file.identity;
      add(absl::StrCat(id.device(), ".", id.inode(), ".", id.size_bytes(), ".", id.modified_ns(),
                       ".", id.changed_ns()));
    }
    if (raw) add(spec.binning().SerializeAsString());
  }
  add(absl::StrCat(header.response_rows, "x", header.bins, " ",
                   header.response == ResponseKind::kDense ? "dense" : "factored"));
  return absl::StrCat("imaging-", digest.hex().substr(0, 32), "-", word_of(spec.storage()));
}

std::int64_t pixels_of(const Header& header) { return header.sky.pixels() * header.energies; }

std::int64_t lookups_of(const Header& header) {
  return header.pointings * header.sky.pixels() * header.neighbours;
}

/// Passes over the response that a job may need, from what such jobs took.
double passes_of(const v1::ImagingSpec& spec) {
  const double most = spec.iterations();
  double passes = most;
  if (spec.stop() == v1::IMAGING_STOP_THINNING) passes = 2 * std::min(most, 15.0);
  if (spec.algorithm() == v1::IMAGING_ALGORITHM_DC1 ||
      spec.algorithm() == v1::IMAGING_ALGORITHM_DC1_FEEDBACK) {
    passes *= 2.5;
  }
  return passes * (1 + 0.5 * spec.bootstrap());
}

double seconds_of_pass(const Inputs& inputs, const v1::ImagingSpec& spec) {
  const Header& header = inputs.header();
  if (header.response == ResponseKind::kDense) {
    const std::int64_t bytes = stored_bytes(header.response_rows * header.bins, spec.storage());
    return static_cast<double>(bytes) / (10 * kReadBytesPerSecond);
  }
  return static_cast<double>(inputs.counts.bin.size()) * static_cast<double>(header.response_rows) *
             kSecondsPerProduct +
         static_cast<double>(lookups_of(header)) * kSecondsPerLookup;
}

void predict(const Inputs& inputs, const v1::ImagingSpec& spec, v1::Plan& plan) {
  const Header& header = inputs.header();
  const std::int64_t bytes = stored_bytes(header.response_rows * header.bins, spec.storage());
  const std::int64_t lookups = lookups_of(header);
  const std::int64_t templates = imaging_data::bytes_of_backgrounds(
      header, {spec.background().begin(), spec.background().end()});
  // A bootstrap draws counts from a model of every bin.
  const std::int64_t model = spec.bootstrap() > 0 ? 8 * header.times * header.bins : 0;
  const auto events = static_cast<std::int64_t>(inputs.counts.bin.size());
  const std::int64_t maps = pixels_of(header) * (10 + spec.save_iterations_size());
  plan.set_response_key(response_key(inputs, spec));
  plan.set_response_bytes(bytes);
  plan.set_host_bytes(lookups * 6 + templates + model + events * (40 + 8 * spec.bootstrap()) +
                      8 * maps * (1 + spec.bootstrap()) + (std::int64_t{32} << 20));
  plan.set_device_bytes(device_bytes(
      ImagingSize{.times = header.times,
                  .columns = header.pointings > 0 ? header.response_rows : pixels_of(header),
                  .pixels = pixels_of(header),
                  .lookups = lookups,
                  .events = events,
                  .components = spec.background_size(),
                  .replicates = spec.bootstrap()}));
  plan.set_load_seconds(static_cast<double>(bytes + 2 * lookups + templates) / kReadBytesPerSecond);
  plan.set_run_seconds(kSecondsOfAJob + passes_of(spec) * seconds_of_pass(inputs, spec));
}

std::string sky_text(const sky::Grid& grid) {
  if (grid.kind == sky::GridKind::kRegular) {
    return absl::StrCat(grid.nl, " x ", grid.nb, " pixels");
  }
  return absl::StrCat("HEALPix, nside ", grid.nside, grid.nested ? ", nested" : ", ring");
}

void tell(const Inputs& inputs, const v1::ImagingSpec& spec, v1::Plan& plan) {
  const Header& header = inputs.header();
  auto& facts = *plan.mutable_facts();
  for (const auto& [name, value] : header.facts) facts[name] = value;
  facts["format"] = header.format;
  facts["sky"] = sky_text(header.sky);
  facts["counts"] =
      absl::StrCat(std::accumulate(inputs.counts.value.begin(), inputs.counts.value.end(), 0.0),
                   " in ", inputs.counts.bin.size(), " bins of ", header.times, " x ", header.bins);
  facts["algorithm"] = word_of(spec.algorithm());
  facts["stop"] = absl::StrCat(word_of(spec.stop()), ", at most ", spec.iterations());
  facts["storage"] = word_of(spec.storage());
  facts["background"] = absl::StrJoin(spec.background(), ", ");
  if (header.pointings > 0) facts["pointings"] = absl::StrCat(header.pointings);
  if (header.energies > 1) facts["energies"] = absl::StrCat(header.energies);
}

absl::Status plan_outputs(const Header& header, const v1::JobSpec& job, const Roots& roots,
                          v1::ImagingSpec& spec, v1::Plan& plan) {
  OutputFiles outputs(roots, {job.overwrite(), job.parents()});
  for (const v1::InputIdentity& input : plan.inputs()) outputs.protect(input);
  const auto add = [&](std::string* path, const char* field, std::int64_t bytes) -> absl::Status {
    UNFOLD_ASSIGN_OR_RETURN(*path, outputs.add(*path, field));
    v1::OutputFile* file = plan.add_outputs();
    file->set_path(*path);
    file->set_size_bytes(bytes);
    return absl::OkStatus();
  };
  const std::int64_t map = 8 * pixels_of(header);
  UNFOLD_RETURN_IF_ERROR(
      add(spec.mutable_output(), "imaging.output", map * (5 + spec.save_iterations_size())));
  if (!spec.fits().empty()) UNFOLD_RETURN_IF_ERROR(add(spec.mutable_fits(), "imaging.fits", map));
  if (spec.png().empty()) return absl::OkStatus();
  return add(spec.mutable_png(), "imaging.png", 100'000);
}

}  // namespace

std::int64_t stored_bytes(std::int64_t numbers, v1::ResponseStorage storage) {
  switch (storage) {
    case v1::RESPONSE_STORAGE_FP16:
    case v1::RESPONSE_STORAGE_INTEGER:
      return 2 * numbers;
    case v1::RESPONSE_STORAGE_FP32:
      return 4 * numbers;
    default:
      return 8 * numbers;
  }
}

std::vector<ImagingInput> inputs_of(const v1::ImagingSpec& spec) {
  std::vector<ImagingInput> out = {{"imaging.data", spec.data()}};
  if (!spec.response().empty()) out.push_back({"imaging.response", spec.response()});
  if (!spec.background_file().empty()) {
    out.push_back({"imaging.background_file", spec.background_file()});
  }
  if (!spec.attitude().empty()) out.push_back({"imaging.attitude", spec.attitude()});
  return out;
}

absl::StatusOr<std::unique_ptr<imaging_data::Source>> open_imaging(
    const v1::ImagingSpec& spec, const std::function<std::string(const std::string&)>& proc_path) {
  const auto named = [&](const std::string& path) {
    return path.empty() ? imaging_data::NamedFile{}
                        : imaging_data::NamedFile{proc_path(path), path};
  };
  UNFOLD_ASSIGN_OR_RETURN(const imaging_data::Binning binning, binning_of(spec));
  auto source = imaging_data::open_source({.data = named(spec.data()),
                                           .response = named(spec.response()),
                                           .background = named(spec.background_file()),
                                           .attitude = named(spec.attitude())},
                                          binning);
  if (source.ok()) return source;
  if (const std::string field = field_of(source.status()); !field.empty()) {
    return with_field(source.status(), absl::StrCat("imaging.", field));
  }
  std::vector<ImagingInput> inputs = inputs_of(spec);
  for (auto input = inputs.rbegin(); input != inputs.rend(); ++input) {
    if (absl::StrContains(std::string(source.status().message()), input->path)) {
      return with_field(source.status(), input->field);
    }
  }
  return with_field(source.status(), "imaging.data");
}

absl::StatusOr<Planned> plan_imaging(const v1::JobSpec& job, const Roots& roots) {
  Planned out{.spec = job, .plan = {}};
  v1::ImagingSpec& spec = *out.spec.mutable_imaging();
  UNFOLD_ASSIGN_OR_RETURN(const Inputs inputs, read_inputs(roots, spec, out.plan));
  std::vector<std::string> warnings = inputs.header().warnings;
  UNFOLD_RETURN_IF_ERROR(complete_imaging(inputs.header(), spec, warnings));
  UNFOLD_RETURN_IF_ERROR(plan_outputs(inputs.header(), job, roots, spec, out.plan));
  predict(inputs, spec, out.plan);
  tell(inputs, spec, out.plan);
  for (const std::string& warning : warnings) out.plan.add_warnings(warning);
  return out;
}

}  // namespace unfold::plan
