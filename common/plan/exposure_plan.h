#pragma once

#include "absl/status/statusor.h"
#include "common/roots/roots.h"
#include "unfold/v1/exposure_service.pb.h"

namespace unfold::plan {

/// Finds the files of an exposure's cameras and applies desi_proc's presets (presets.h), then the
/// request's overrides. Each camera of the answer, sorted b0 .. z9, has either a specification,
/// still to be checked by plan(), or a problem that names what is missing: its preproc file
/// (preproc-{cam}-{expid:08d}.fits or .fits.gz), its PSF, or a header whose CAMERA, NIGHT or EXPID
/// contradicts the file's name. Of the files only the first header is read. The PSF's name follows
/// psf_pattern, where {cam}, {expid}, {expid:08d} and {night} are replaced.
///
/// Errors, which concern the request as a whole, name its field: night, expid, input_dir, psf_dir,
/// output_dir, cameras, psf_pattern, extraction.
absl::StatusOr<v1::Exposure> plan_exposure(const v1::SubmitExposureRequest& request,
                                           const Roots& roots);

}  // namespace unfold::plan
