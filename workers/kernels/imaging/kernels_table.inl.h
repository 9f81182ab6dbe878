// Included inside the namespace of one instruction set, last.

constexpr Kernels<double> double_kernels() {
  return {{dot<F64>, nullptr, nullptr, nullptr, nullptr, nullptr},
          {accumulate<F64>, nullptr, nullptr, nullptr, nullptr, nullptr},
          {unpack<F64>, nullptr, nullptr, nullptr, nullptr, nullptr},
          dot_lanes<double>,
          accumulate_lanes<double>,
          spread<double>,
          spread_lanes<double>,
          gather<double>,
          gather_lanes<double>,
          multiply<double>,
          multiply_lanes<double>};
}

constexpr Kernels<float> float_kernels() {
  return {
      {nullptr, dot<F32>, dot<F16>, dot<U8>, dot<U16>, dot<U32>},
      {nullptr, accumulate<F32>, accumulate<F16>, accumulate<U8>, accumulate<U16>, accumulate<U32>},
      {nullptr, unpack<F32>, unpack<F16>, unpack<U8>, unpack<U16>, unpack<U32>},
      dot_lanes<float>,
      accumulate_lanes<float>,
      spread<float>,
      spread_lanes<float>,
      gather<float>,
      gather_lanes<float>,
      multiply<float>,
      multiply_lanes<float>};
}
