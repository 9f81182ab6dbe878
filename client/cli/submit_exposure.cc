#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "absl/strings/str_split.h"
#include "client/cli/commands.h"
#include "client/cli/exposure_views.h"
#include "client/cli/extraction_flags.h"
#include "client/cli/output.h"
#include "client/cli/paths.h"
#include "client/cli/submit_flags.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] =
    R"(One job a camera, with desi_proc's presets: wavelength grids b 3600,5800,0.8;
r 5760,7620,0.8; z 7520,9824,0.8; psferr 0.04 for b, 0.01 for r and z; barycentric
correction for OBSTYPE SCIENCE and SKY. A camera whose files are missing or bad is
named and the others run: exit code 11.

Examples:
  unfold submit exposure --night 20261120 --expid 51060 --input-dir preproc \
      --psf-dir psf --output-dir frames --deadline 15m --wait
  unfold submit exposure --night 20261120 --expid 51060 --input-dir preproc \
      --output-dir frames --cameras b0,r0,z0 --dry-run)";

struct Flags {
  v1::SubmitExposureRequest request;
  ExtractionFlags extraction;
  SubmitFlags submit;
};

std::vector<const v1::CameraState*> without_job(const v1::Exposure& exposure, bool dry_run) {
  std::vector<const v1::CameraState*> out;
  for (const v1::CameraState& camera : exposure.cameras()) {
    const bool has_none = camera.job_id().empty() && (!dry_run || !camera.problem().empty());
    if (has_none) out.push_back(&camera);
  }
  return out;
}

ExitCode acceptance(const v1::Exposure& exposure, bool dry_run) {
  const auto refused = static_cast<int>(without_job(exposure, dry_run).size());
  if (refused == 0) return kOk;
  return refused == exposure.cameras_size() ? kBadInput : kPartial;
}

void show(Session& session, const Flags& flags, const v1::Exposure& exposure) {
  const Table table = camera_table(exposure);
  const std::string sheet = flags.submit.dry_run ? render_table(table, 0) : exposure.id() + "\n";
  emit_one(session, exposure, table, sheet);
}

int wait_for(Session& session, const Flags& flags, const v1::Exposure& exposure,
             ExitCode accepted) {
  std::vector<std::string> ids;
  for (const v1::CameraState& camera : exposure.cameras()) {
    if (!camera.job_id().empty()) ids.push_back(camera.job_id());
  }
  if (ids.empty()) return accepted;
  const int code = wait_for_jobs(session, ids, flags.submit.until(), flags.submit.wait_text);
  return code == kOk ? accepted : code;
}

int run(Session& session, const Flags& flags) {
  v1::SubmitExposureRequest request = flags.request;
  *request.mutable_extraction() = flags.extraction.spec;
  request.set_priority(flags.submit.priority);
  if (flags.submit.deadline.has_value()) *request.mutable_deadline() = *flags.submit.deadline;
  request.set_overwrite(flags.submit.overwrite);
  request.set_parents(flags.submit.parents);
  request.set_validate_only(flags.submit.dry_run);
  request.set_request_id(flags.submit.id_of_request());
  request.set_source("cli");
  const absl::StatusOr<v1::Exposure> exposure = session.client().submit_exposure(request);
  if (!exposure.ok()) return session.fail(exposure.status(), CallKind::kSubmit);
  show(session, flags, *exposure);
  for (const v1::CameraState* camera : without_job(*exposure, flags.submit.dry_run)) {
    session.err << "unfold: " << camera->camera() << ": " << camera->problem() << "\n";
  }
  const ExitCode accepted = acceptance(*exposure, flags.submit.dry_run);
  if (flags.submit.dry_run || !flags.submit.waits()) return accepted;
  return wait_for(session, flags, *exposure, accepted);
}

void add_folder(CLI::App& command, std::string* target, const std::string& name,
                const std::string& help) {
  command
      .add_option_function<std::string>(
          name, [target](const std::string& typed) { *target = server_path(typed); }, help)
      ->type_name("DIR")
      ->group("Exposure");
}

void add_files(CLI::App& command, v1::SubmitExposureRequest& request) {
  add_folder(command, request.mutable_input_dir(), "--input-dir",
             "Folder of preproc-{cam}-{expid:08d}.fits[.gz]");
  add_folder(command, request.mutable_psf_dir(), "--psf-dir", "Folder of the PSFs [--input-dir]");
  add_folder(command, request.mutable_output_dir(), "--output-dir",
             "Folder for frame-{cam}-{expid:08d}.fits");
  command
      .add_option("--psf-pattern", *request.mutable_psf_pattern(),
                  "Name of a PSF file [psf-{cam}-{expid:08d}.fits]")
      ->type_name("PATTERN")
      ->group("Exposure");
}

void add_choice(CLI::App& command, v1::SubmitExposureRequest& request) {
  command
      .add_option_function<std::string>(
          "--cameras",
          [&request](const std::string& text) {
            for (const auto& camera : absl::StrSplit(text, ',', absl::SkipEmpty())) {
              request.add_cameras(std::string(camera));
            }
          },
          "Only these, as b0,r0,z0 [all that have an image]")
      ->type_name("LIST")
      ->group("Exposure");
  const auto flag = [&](const char* name, void (v1::SubmitExposureRequest::*set)(bool),
                        const char* help) {
    command
        .add_flag_function(
            name, [&request, set](std::int64_t) { (request.*set)(true); }, help)
        ->group("Exposure");
  };
  flag("--allow-psfnight", &v1::SubmitExposureRequest::set_allow_psfnight,
       "Where a camera has no PSF, take psfnight-{cam}-{night}.fits");
  flag("--no-barycentric-correction", &v1::SubmitExposureRequest::set_no_barycentric_correction,
       "Never correct to the barycentre");
  flag("--compress", &v1::SubmitExposureRequest::set_compress, "Write frame-*.fits.gz");
}

}  // namespace

void add_submit_exposure(CLI::App& submit, Session& session) {
  CLI::App* command =
      submit.add_subcommand("exposure", "Submit all cameras of one exposure, with a deadline");
  const auto flags = std::make_shared<Flags>();
  v1::SubmitExposureRequest& request = flags->request;
  command
      ->add_option_function<int>(
          "--night", [&request](int night) { request.set_night(night); }, "YYYYMMDD")
      ->required()
      ->type_name("NIGHT")
      ->group("Exposure");
  command
      ->add_option_function<std::int64_t>(
          "--expid", [&request](std::int64_t expid) { request.set_expid(expid); },
          "Exposure number")
      ->required()
      ->type_name("N")
      ->group("Exposure");
  add_files(*command, request);
  add_choice(*command, request);
  add_extraction_options(*command, flags->extraction);
  add_submit_flags(*command, flags->submit, WithLabels::kNo);
  add_common_flags(*command, session);
  for (const char* needed : {"--input-dir", "--output-dir"})
    command->get_option(needed)->required();
  command->footer(kExamples);
  set_action(*command, session, [&session, flags] { return run(session, *flags); });
}

}  // namespace unfold::cli
