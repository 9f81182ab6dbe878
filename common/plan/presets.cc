#include "common/plan/presets.h"

namespace unfold::plan {

v1::ExtractionSpec camera_presets(std::string_view camera) {
  v1::ExtractionSpec out;
  v1::WavelengthGrid& grid = *out.mutable_wavelength();
  grid.set_step(0.8);
  const char band = camera.empty() ? ' ' : camera.front();
  grid.set_min(band == 'b' ? 3600 : band == 'r' ? 5760 : 7520);
  grid.set_max(band == 'b' ? 5800 : band == 'r' ? 7620 : 9824);
  out.set_psferr(band == 'b' ? 0.04 : 0.01);
  out.set_camera(std::string(camera));
  return out;
}

bool corrects_to_barycentre(std::string_view obstype) {
  return obstype == "SCIENCE" || obstype == "SKY";
}

bool is_camera(std::string_view name) {
  return name.size() == 2 && (name[0] == 'b' || name[0] == 'r' || name[0] == 'z') &&
         name[1] >= '0' && name[1] <= '9';
}

}  // namespace unfold::plan
