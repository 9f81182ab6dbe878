#include "common/plan/exposure_plan.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/scan.h"
#include "common/plan/presets.h"
#include "common/plan/refuse.h"

namespace unfold::plan {
namespace {

constexpr char kDefaultPattern[] = "psf-{cam}-{expid:08d}.fits";
constexpr char kNightPattern[] = "psfnight-{cam}-{night}.fits";

struct Folders {
  std::string input;
  std::string psf;
  std::string output;
  std::set<std::string> inputs;  // names in the input folder
};

std::string expanded(std::string_view pattern, const v1::SubmitExposureRequest& request,
                     const std::string& camera) {
  return absl::StrReplaceAll(std::string(pattern),
                             {{"{cam}", camera},
                              {"{expid:08d}", absl::StrFormat("%08d", request.expid())},
                              {"{expid}", absl::StrCat(request.expid())},
                              {"{night}", absl::StrCat(request.night())}});
}

absl::Status check_request(const v1::SubmitExposureRequest& request) {
  const int month = request.night() / 100 % 100;
  const int day = request.night() % 100;
  if (request.night() < 19'000'000 || request.night() > 99'991'231 || month < 1 || month > 12 ||
      day < 1 || day > 31) {
    return refuse("night", "OUT_OF_RANGE", absl::StrCat("night is ", request.night()),
                  "it is no date", "give YYYYMMDD");
  }
  if (request.expid() < 0 || request.expid() > 99'999'999) {
    return refuse("expid", "OUT_OF_RANGE", absl::StrCat("expid is ", request.expid()),
                  "it has 8 digits at most", "give the exposure's number");
  }
  for (const std::string& camera : request.cameras()) {
    if (is_camera(camera)) continue;
    return refuse("cameras", "OUT_OF_RANGE", absl::StrCat("\"", camera, "\" is no camera"),
                  "a camera is b, r or z and a digit", "for example r0");
  }
  const std::string left = expanded(request.psf_pattern(), request, "r0");
  if (left.find_first_of("{}") != std::string::npos) {
    return refuse("psf_pattern", "OUT_OF_RANGE",
                  absl::StrCat("\"", request.psf_pattern(), "\" is no pattern"),
                  "it holds braces other than {cam}, {expid}, {expid:08d} and {night}",
                  "for example psf-{cam}-{expid:08d}.fits");
  }
  const v1::ExtractionSpec& overrides = request.extraction();
  if (!overrides.image().empty() || !overrides.psf().empty() || !overrides.output().empty() ||
      !overrides.model().empty() || !overrides.fibermap().empty()) {
    return refuse("extraction", "OUT_OF_RANGE", "the overrides name a file",
                  "each camera has files of its own", "leave file names out");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> rooted_folder(const Roots& roots, const std::string& folder,
                                          const char* field) {
  if (folder.empty()) {
    return refuse(field, "MISSING_FIELD", absl::StrCat(field, " is missing"),
                  "the exposure needs it", "name a folder");
  }
  const std::string path = folder.back() == ':' ? folder + "." : folder;
  absl::StatusOr<std::string> rooted = roots.to_rooted(path);
  if (!rooted.ok()) return with_field(rooted.status(), field);
  return rooted;
}

absl::StatusOr<Folders> find_folders(const v1::SubmitExposureRequest& request, const Roots& roots) {
  Folders out;
  UNFOLD_ASSIGN_OR_RETURN(out.input, rooted_folder(roots, request.input_dir(), "input_dir"));
  UNFOLD_ASSIGN_OR_RETURN(
      out.psf,
      rooted_folder(roots, request.psf_dir().empty() ? request.input_dir() : request.psf_dir(),
                    "psf_dir"));
  UNFOLD_ASSIGN_OR_RETURN(out.output, rooted_folder(roots, request.output_dir(), "output_dir"));
  const auto names = roots.list_folder(out.input);
  if (!names.ok()) return with_field(names.status(), "input_dir");
  out.inputs = {names->begin(), names->end()};
  return out;
}

// The preproc file's name, or nothing.
std::string preproc_name(const Folders& folders, const v1::SubmitExposureRequest& request,
                         const std::string& camera) {
  const std::string name = expanded("preproc-{cam}-{expid:08d}.fits", request, camera);
  for (const std::string& each : {name, name + ".gz"}) {
    if (folders.inputs.contains(each)) return each;
  }
  return {};
}

std::vector<std::string> cameras_of(const Folders& folders,
                                    const v1::SubmitExposureRequest& request) {
  std::set<std::string> out(request.cameras().begin(), request.cameras().end());
  if (!out.empty()) return {out.begin(), out.end()};
  for (const char band : {'b', 'r', 'z'}) {
    for (char number = '0'; number <= '9'; ++number) {
      const std::string camera = {band, number};
      if (!preproc_name(folders, request, camera).empty()) out.insert(camera);
    }
  }
  return {out.begin(), out.end()};
}

// Compares one card with what the path says; a header without the card agrees.
absl::Status check_card(const fits::Header& header, const char* key, const std::string& expected,
                        const std::string& file) {
  if (!header.has(key)) return absl::OkStatus();
  const std::string value = absl::AsciiStrToLower(header.string(key).value_or(""));
  if (value == expected) return absl::OkStatus();
  return refuse("input_dir", "HEADER_CONTRADICTS_PATH",
                absl::StrCat("\"", file, "\" is not what its name says"),
                absl::StrCat("its ", key, " is ", value, ", its name or request says ", expected),
                "correct the file's name or its header");
}

absl::Status check_header(const fits::Header& header, const v1::SubmitExposureRequest& request,
                          const std::string& camera, const std::string& file) {
  UNFOLD_RETURN_IF_ERROR(check_card(header, "CAMERA", camera, file));
  UNFOLD_RETURN_IF_ERROR(check_card(header, "NIGHT", absl::StrCat(request.night()), file));
  return check_card(header, "EXPID", absl::StrCat(request.expid()), file);
}

absl::Status find_psf(const Folders& folders, const v1::SubmitExposureRequest& request,
                      const Roots& roots, v1::ExtractionSpec& spec) {
  const std::string pattern =
      request.psf_pattern().empty() ? std::string(kDefaultPattern) : request.psf_pattern();
  const std::string wanted =
      absl::StrCat(folders.psf, "/", expanded(pattern, request, spec.camera()));
  UNFOLD_ASSIGN_OR_RETURN(*spec.mutable_psf(), roots.to_rooted(wanted));
  absl::Status found = roots.open_file(spec.psf()).status();
  if (found.ok() || !request.allow_psfnight() || found.code() != absl::StatusCode::kNotFound) {
    return found;
  }
  const std::string night =
      absl::StrCat(folders.psf, "/", expanded(kNightPattern, request, spec.camera()));
  UNFOLD_ASSIGN_OR_RETURN(*spec.mutable_psf(), roots.to_rooted(night));
  spec.set_psf_is_psfnight(true);
  return roots.open_file(spec.psf()).status();
}

std::string obstype_of(const fits::Header& header) {
  const char* key = header.has("OBSTYPE") ? "OBSTYPE" : "FLAVOR";
  return absl::AsciiStrToUpper(header.string(key).value_or(""));
}

absl::Status plan_camera(const Folders& folders, const v1::SubmitExposureRequest& request,
                         const Roots& roots, const std::string& camera, v1::ExtractionSpec& spec) {
  spec = camera_presets(camera);
  std::string name = preproc_name(folders, request, camera);
  if (name.empty()) name = expanded("preproc-{cam}-{expid:08d}.fits", request, camera);
  UNFOLD_ASSIGN_OR_RETURN(*spec.mutable_image(),
                          roots.to_rooted(absl::StrCat(folders.input, "/", name)));
  const char* const extension = request.compress() ? ".fits.gz" : ".fits";
  UNFOLD_ASSIGN_OR_RETURN(
      *spec.mutable_output(),
      roots.to_rooted(absl::StrCat(
          folders.output, "/", expanded("frame-{cam}-{expid:08d}", request, camera), extension)));
  UNFOLD_ASSIGN_OR_RETURN(const FileHandle image, roots.open_file(spec.image()));
  UNFOLD_ASSIGN_OR_RETURN(const fits::Header header,
                          fits::read_first_header(image.proc_path(), spec.image()));
  UNFOLD_RETURN_IF_ERROR(check_header(header, request, camera, spec.image()));
  UNFOLD_RETURN_IF_ERROR(find_psf(folders, request, roots, spec));
  spec.set_barycentric_correction(corrects_to_barycentre(obstype_of(header)));
  spec.MergeFrom(request.extraction());
  spec.set_camera(camera);
  if (request.no_barycentric_correction()) spec.set_barycentric_correction(false);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Exposure> plan_exposure(const v1::SubmitExposureRequest& request,
                                           const Roots& roots) {
  UNFOLD_RETURN_IF_ERROR(check_request(request));
  UNFOLD_ASSIGN_OR_RETURN(const Folders folders, find_folders(request, roots));
  const std::vector<std::string> cameras = cameras_of(folders, request);
  if (cameras.empty()) {
    return error({.code = absl::StatusCode::kFailedPrecondition,
                  .reason = "INPUT_NOT_FOUND",
                  .field = "input_dir",
                  .what = absl::StrCat("\"", folders.input, "\" has no camera of this exposure"),
                  .why = absl::StrCat("no file is named ",
                                      expanded("preproc-{cam}-{expid:08d}.fits", request, "*")),
                  .remedy = "check the folder and the exposure's number"});
  }
  v1::Exposure out;
  out.set_id(absl::StrFormat("%d-%08d", request.night(), request.expid()));
  out.set_night(request.night());
  out.set_expid(request.expid());
  if (request.has_deadline()) *out.mutable_deadline() = request.deadline();
  for (const std::string& camera : cameras) {
    v1::CameraState& state = *out.add_cameras();
    state.set_camera(camera);
    const absl::Status status = plan_camera(folders, request, roots, camera, *state.mutable_spec());
    if (!status.ok()) state.set_problem(std::string(status.message()));
  }
  return out;
}

}  // namespace unfold::plan
