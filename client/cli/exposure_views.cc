#include "client/cli/exposure_views.h"

#include "absl/strings/str_cat.h"
#include "client/cli/proto_json.h"
#include "client/cli/words.h"

namespace unfold::cli {
namespace {

std::string grid(const v1::ExtractionSpec& spec) {
  if (!spec.has_wavelength()) return "";
  const v1::WavelengthGrid& range = spec.wavelength();
  return absl::StrCat(people_number(range.min(), 8), ",", people_number(range.max(), 8), ",",
                      people_number(range.step(), 8));
}

}  // namespace

Table camera_table(const v1::Exposure& exposure) {
  Table table;
  table.columns = {{"camera"},
                   {"job"},
                   {"state"},
                   {"wavelength"},
                   {"psferr", Column::Align::kRight},
                   {"barycentric"},
                   {"output", Column::Align::kLeft, true},
                   {"problem", Column::Align::kLeft, true}};
  for (const v1::CameraState& camera : exposure.cameras()) {
    const v1::ExtractionSpec& spec = camera.spec();
    table.rows.push_back({camera.camera(), camera.job_id(),
                          short_name(v1::JobState_descriptor(), camera.state()), grid(spec),
                          spec.has_psferr() ? people_number(spec.psferr()) : "",
                          camera.has_spec() ? (spec.barycentric_correction() ? "yes" : "no") : "",
                          spec.output(), camera.problem()});
  }
  return table;
}

}  // namespace unfold::cli
