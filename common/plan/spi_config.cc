#include "common/plan/spi_config.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/plan/files.h"
#include "common/plan/refuse.h"

namespace unfold::plan {
namespace {

using spi_data::Config;

constexpr char kField[] = "spi.config";

absl::Status of_config(const absl::Status& status) {
  return field_of(status).empty() ? with_field(status, kField) : status;
}

/// Files as a config names them: from its own folder, or absolute.
class Beside {
 public:
  Beside(const Roots& roots, const std::string& config)
      : roots_(roots), folder_(config.substr(0, config.find_last_of(":/") + 1)) {}

  absl::StatusOr<std::string> rooted(const std::string& name) const {
    const bool absolute = absl::StartsWith(name, "/");
    const auto found = roots_.to_rooted(absolute ? name : absl::StrCat(folder_, name));
    return found.ok() ? found : with_field(found.status(), kField);
  }
  absl::StatusOr<InputFile> open(const std::string& name) const {
    UNFOLD_ASSIGN_OR_RETURN(const std::string path, rooted(name));
    return open_input(roots_, path, kField);
  }
  absl::StatusOr<std::vector<std::string>> list(const std::string& name) const {
    UNFOLD_ASSIGN_OR_RETURN(const InputFile file, open(name));
    auto names = spi_data::read_list({file.handle.proc_path(), file.rooted});
    if (!names.ok()) return of_config(names.status());
    for (std::string& one : *names) {
      UNFOLD_ASSIGN_OR_RETURN(one, rooted(one));
    }
    return names;
  }

 private:
  const Roots& roots_;
  std::string folder_;
};

absl::Status apply_files(const Beside& beside, const Config& config, v1::SpiSpec& spec) {
  if (spec.data().empty() && !config.photons_list.empty()) {
    UNFOLD_ASSIGN_OR_RETURN(const auto names, beside.list(config.photons_list));
    for (const std::string& name : names) spec.add_data(name);
  } else if (spec.data().empty() && !config.photons_file.empty()) {
    UNFOLD_ASSIGN_OR_RETURN(*spec.add_data(), beside.rooted(config.photons_file));
  }
  if (spec.detector().empty() && !config.detector_list.empty()) {
    UNFOLD_ASSIGN_OR_RETURN(const auto names, beside.list(config.detector_list));
    for (const std::string& name : names) {
      if (name == names.front()) continue;
      return refuse(kField, "UNSUPPORTED", "the config names several detectors",
                    absl::StrCat(names.front(), " and ", name), "reconstruct from one");
    }
    if (!names.empty()) spec.set_detector(names.front());
  } else if (spec.detector().empty() && !config.detector_file.empty()) {
    UNFOLD_ASSIGN_OR_RETURN(*spec.mutable_detector(), beside.rooted(config.detector_file));
  }
  if (spec.background_file().empty() && !spec.background() && !config.background_file.empty()) {
    UNFOLD_ASSIGN_OR_RETURN(*spec.mutable_background_file(), beside.rooted(config.background_file));
  }
  return absl::OkStatus();
}

void apply_options(const Config& config, v1::SpiSpec& spec) {
  if (!spec.has_coarse_references() && !config.num_div.empty()) {
    spec.set_coarse_references(
        static_cast<std::int32_t>(spi_data::rotations_of(config.num_div.back())));
  }
  if (!spec.has_scaling() && config.need_scaling) spec.set_scaling(*config.need_scaling);
  if (!spec.has_beta() && config.beta) spec.set_beta(*config.beta);
  if (config.beta_schedule) {
    if (!spec.has_beta_factor()) spec.set_beta_factor(config.beta_schedule->first);
    if (!spec.has_beta_period()) spec.set_beta_period(config.beta_schedule->second);
  }
  if (!spec.has_conformations() && config.num_modes) spec.set_conformations(*config.num_modes);
}

}  // namespace

absl::StatusOr<ConfigEffect> apply_config(const Roots& roots, v1::SpiSpec& spec,
                                          std::vector<std::string>& warnings) {
  ConfigEffect out;
  if (spec.config().empty()) return out;
  UNFOLD_ASSIGN_OR_RETURN(const InputFile file, open_input(roots, spec.config(), kField));
  spec.set_config(file.rooted);
  const auto config = spi_data::read_config({file.handle.proc_path(), file.rooted});
  if (!config.ok()) return of_config(config.status());
  UNFOLD_RETURN_IF_ERROR(apply_files(Beside(roots, file.rooted), *config, spec));
  apply_options(*config, spec);
  warnings.insert(warnings.end(), config->warnings.begin(), config->warnings.end());
  out.beta_factor = config->beta_factor.value_or(1);
  out.selection = config->selection;
  if (!config->blacklist_file.empty()) {
    UNFOLD_ASSIGN_OR_RETURN(out.blacklist,
                            Beside(roots, file.rooted).rooted(config->blacklist_file));
  }
  return out;
}

absl::Status choose_frames(const Roots& roots, const ConfigEffect& effect, std::int64_t frames,
                           v1::SpiSpec& spec) {
  if (!spec.selection().empty() || !spec.blacklist().empty()) return absl::OkStatus();
  std::vector<std::int64_t> left_out;
  if (!effect.blacklist.empty()) {
    UNFOLD_ASSIGN_OR_RETURN(const InputFile file, open_input(roots, effect.blacklist, kField));
    auto read = spi_data::read_blacklist({file.handle.proc_path(), file.rooted}, frames);
    if (!read.ok()) return of_config(read.status());
    left_out = *std::move(read);
  }
  if (effect.selection == spi_data::Selection::kAll) {
    spec.mutable_blacklist()->Assign(left_out.begin(), left_out.end());
    return absl::OkStatus();
  }
  const std::vector<std::int64_t> taken = spi_data::selected(effect.selection, frames, left_out);
  spec.mutable_selection()->Assign(taken.begin(), taken.end());
  return absl::OkStatus();
}

}  // namespace unfold::plan
