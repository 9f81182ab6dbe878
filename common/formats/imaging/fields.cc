#include "common/formats/imaging/fields.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace unfold::imaging_data {
namespace {

absl::Status check_shape(const hdf5::Dataset& dataset, const Field& field) {
  const std::vector<std::int64_t>& shape = dataset.info().shape;
  bool fits = shape.size() == field.shape.size();
  std::string wanted;
  for (std::size_t i = 0; i < field.shape.size(); ++i) {
    fits = fits && (field.shape[i] < 0 || field.shape[i] == shape[i]);
    absl::StrAppend(&wanted, i == 0 ? "" : ", ",
                    field.shape[i] < 0 ? "any" : absl::StrCat(field.shape[i]));
  }
  if (fits) return absl::OkStatus();
  return dataset.problem("WRONG_SHAPE", absl::StrCat("its shape is ", dataset.info().shape_text(),
                                                     ", not ", field.axes, " = [", wanted, "]"));
}

}  // namespace

absl::Status check_unit(const hdf5::File& file, const std::string& path, Unit unit) {
  for (const char* name : {"unit", "units"}) {
    UNFOLD_ASSIGN_OR_RETURN(const auto value, file.attribute(path, name));
    if (!value) continue;
    const std::string* text = std::get_if<std::string>(&*value);
    if (text != nullptr && is_unit(*text, unit)) continue;
    return hdf5::bad_object(file.shown(), path, "WRONG_UNIT",
                            absl::StrCat("its attribute ", name, " is ",
                                         text == nullptr ? "no text" : "\"" + *text + "\""),
                            absl::StrCat("give it in ", std::string(unit_text(unit))));
  }
  return absl::OkStatus();
}

absl::Status bad_value(const hdf5::Dataset& dataset, std::int64_t index, double value,
                       const std::string& wanted) {
  std::string place;  // [2, 7] of the flat index
  const std::vector<std::int64_t>& shape = dataset.info().shape;
  for (std::size_t axis = shape.size(); axis-- > 0 && shape[axis] > 0;) {
    place = absl::StrCat(index % shape[axis], place.empty() ? "" : ", ", place);
    index /= shape[axis];
  }
  return dataset.problem("BAD_VALUE", absl::StrCat("element [", place, "] is ", value),
                         absl::StrCat("it must be ", wanted));
}

std::string Fields::path(const std::string& name) const {
  return group_.empty() ? name : absl::StrCat(group_, "/", name);
}

absl::StatusOr<bool> Fields::has(const std::string& name) const {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file_.kind_of(path(name)));
  return kind != hdf5::ObjectKind::kNone;
}

absl::StatusOr<hdf5::Dataset> Fields::dataset(const Field& field) const {
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Dataset out, file_.dataset(path(field.name)));
  UNFOLD_RETURN_IF_ERROR(check_shape(out, field));
  UNFOLD_RETURN_IF_ERROR(check_unit(file_, path(field.name), field.unit));
  return out;
}

absl::StatusOr<std::optional<hdf5::Dataset>> Fields::optional_dataset(const Field& field) const {
  UNFOLD_ASSIGN_OR_RETURN(const bool there, has(field.name));
  if (!there) return std::optional<hdf5::Dataset>();
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Dataset out, dataset(field));
  return std::optional<hdf5::Dataset>(std::move(out));
}

absl::StatusOr<std::vector<double>> Fields::numbers(const Field& field, double least,
                                                    double most) const {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset from, dataset(field));
  UNFOLD_ASSIGN_OR_RETURN(std::vector<double> out, from.read_all<double>(kMostSmall));
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] >= least && out[i] <= most && std::isfinite(out[i])) continue;
    return bad_value(from, static_cast<std::int64_t>(i), out[i],
                     absl::StrCat("finite, from ", least, " to ", most));
  }
  return out;
}

absl::StatusOr<std::vector<std::int64_t>> Fields::integers(const Field& field, std::int64_t least,
                                                           std::int64_t most) const {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset from, dataset(field));
  if (from.info().kind != hdf5::Kind::kInteger) {
    return from.problem("WRONG_TYPE", "it holds no integers");
  }
  UNFOLD_ASSIGN_OR_RETURN(std::vector<std::int64_t> out, from.read_all<std::int64_t>(kMostSmall));
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] >= least && out[i] <= most) continue;
    return bad_value(from, static_cast<std::int64_t>(i), static_cast<double>(out[i]),
                     absl::StrCat("from ", least, " to ", most));
  }
  return out;
}

absl::StatusOr<std::optional<double>> Fields::number_attribute(const std::string& name) const {
  UNFOLD_ASSIGN_OR_RETURN(const auto value, file_.attribute(group_, name));
  if (!value) return std::optional<double>();
  if (const double* real = std::get_if<double>(&*value)) return std::optional<double>(*real);
  if (const std::int64_t* whole = std::get_if<std::int64_t>(&*value)) {
    return std::optional<double>(static_cast<double>(*whole));
  }
  return hdf5::bad_object(file_.shown(), group_, "WRONG_TYPE",
                          absl::StrCat("its attribute ", name, " is no number"));
}

absl::StatusOr<std::optional<std::string>> Fields::text_attribute(const std::string& name) const {
  UNFOLD_ASSIGN_OR_RETURN(const auto value, file_.attribute(group_, name));
  if (!value) return std::optional<std::string>();
  if (const std::string* text = std::get_if<std::string>(&*value)) {
    return std::optional<std::string>(*text);
  }
  return hdf5::bad_object(file_.shown(), group_, "WRONG_TYPE",
                          absl::StrCat("its attribute ", name, " is no text"));
}

}  // namespace unfold::imaging_data
