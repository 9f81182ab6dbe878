#include "common/formats/hdf5/types.h"

#include <algorithm>

namespace unfold::hdf5 {
namespace {

constexpr std::size_t kLongestFixed = std::size_t{64} << 10;
constexpr std::size_t kMostFixed = std::size_t{16} << 20;  // bytes in all

bool plain_integer(hid_t type, std::size_t bytes) {
  return (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8) &&
         H5Tget_precision(type) == 8 * bytes && H5Tget_offset(type) == 0;
}

// IEEE half, single or double, of either byte order.
bool plain_float(hid_t type, std::size_t bytes) {
  if (bytes != 2 && bytes != 4 && bytes != 8) return false;
  const std::size_t exponent = bytes == 2 ? 5 : bytes == 4 ? 8 : 11;
  const std::size_t mantissa = 8 * bytes - 1 - exponent;
  std::size_t sign_at = 0;
  std::size_t exponent_at = 0;
  std::size_t exponent_bits = 0;
  std::size_t mantissa_at = 0;
  std::size_t mantissa_bits = 0;
  if (H5Tget_fields(type, &sign_at, &exponent_at, &exponent_bits, &mantissa_at, &mantissa_bits) <
      0) {
    return false;
  }
  const H5T_order_t order = H5Tget_order(type);
  return (order == H5T_ORDER_LE || order == H5T_ORDER_BE) && H5Tget_precision(type) == 8 * bytes &&
         H5Tget_offset(type) == 0 && sign_at == 8 * bytes - 1 && exponent_at == mantissa &&
         exponent_bits == exponent && mantissa_at == 0 && mantissa_bits == mantissa;
}

}  // namespace

template <>
hid_t native<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
hid_t native<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
hid_t native<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
hid_t native<std::int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
hid_t native<std::uint32_t>() {
  return H5T_NATIVE_UINT32;
}
template <>
hid_t native<std::uint16_t>() {
  return H5T_NATIVE_UINT16;
}
template <>
hid_t native<std::uint8_t>() {
  return H5T_NATIVE_UINT8;
}

StoredType stored_type(hid_t type) {
  const std::size_t bytes = H5Tget_size(type);
  StoredType out;
  out.bytes = static_cast<int>(std::min<std::size_t>(bytes, kLongestFixed));
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      if (plain_integer(type, bytes)) out.kind = Kind::kInteger;
      out.is_signed = H5Tget_sign(type) == H5T_SGN_2;
      break;
    case H5T_FLOAT:
      if (plain_float(type, bytes)) out.kind = Kind::kFloat;
      out.is_signed = true;
      break;
    case H5T_STRING:
      out.kind = Kind::kString;
      out.is_variable = H5Tis_variable_str(type) > 0;
      break;
    case H5T_ENUM:
      out.is_flag = bytes == 1;
      break;
    default:
      break;
  }
  return out;
}

std::optional<std::vector<std::string>> read_fixed(
    hid_t type, std::size_t count, const std::function<herr_t(hid_t, void*)>& read) {
  const std::size_t width = H5Tget_size(type);
  if (width == 0 || width > kLongestFixed || count > kMostFixed / width) return std::nullopt;
  std::string bytes(count * width, '\0');
  if (read(type, bytes.data()) < 0) return std::nullopt;
  const char padding = H5Tget_strpad(type) == H5T_STR_SPACEPAD ? ' ' : '\0';
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    std::string one = bytes.substr(i * width, width);
    one.resize(std::min(one.size(), one.find('\0')));
    while (padding == ' ' && !one.empty() && one.back() == ' ') one.pop_back();
    out.push_back(std::move(one));
  }
  return out;
}

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.id(), H5T_VARIABLE);
  H5Tset_cset(type.id(), H5T_CSET_UTF8);
  return type;
}

}  // namespace unfold::hdf5
