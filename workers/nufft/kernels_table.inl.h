// Included inside the namespace of one instruction set, last.
template <class Real>
constexpr Kernels<Real> kernels_in() {
  return {{{nullptr, nullptr, spread<Real, 1, 2>, spread<Real, 1, 3>, spread<Real, 1, 4>,
            spread<Real, 1, 5>, spread<Real, 1, 6>, spread<Real, 1, 7>, spread<Real, 1, 8>,
            spread<Real, 1, 9>, spread<Real, 1, 10>, spread<Real, 1, 11>, spread<Real, 1, 12>,
            spread<Real, 1, 13>, spread<Real, 1, 14>, spread<Real, 1, 15>, spread<Real, 1, 16>},
           {nullptr, nullptr, spread<Real, 2, 2>, spread<Real, 2, 3>, spread<Real, 2, 4>,
            spread<Real, 2, 5>, spread<Real, 2, 6>, spread<Real, 2, 7>, spread<Real, 2, 8>,
            spread<Real, 2, 9>, spread<Real, 2, 10>, spread<Real, 2, 11>, spread<Real, 2, 12>,
            spread<Real, 2, 13>, spread<Real, 2, 14>, spread<Real, 2, 15>, spread<Real, 2, 16>}},
          {{nullptr, nullptr, gather<Real, 1, 2>, gather<Real, 1, 3>, gather<Real, 1, 4>,
            gather<Real, 1, 5>, gather<Real, 1, 6>, gather<Real, 1, 7>, gather<Real, 1, 8>,
            gather<Real, 1, 9>, gather<Real, 1, 10>, gather<Real, 1, 11>, gather<Real, 1, 12>,
            gather<Real, 1, 13>, gather<Real, 1, 14>, gather<Real, 1, 15>, gather<Real, 1, 16>},
           {nullptr, nullptr, gather<Real, 2, 2>, gather<Real, 2, 3>, gather<Real, 2, 4>,
            gather<Real, 2, 5>, gather<Real, 2, 6>, gather<Real, 2, 7>, gather<Real, 2, 8>,
            gather<Real, 2, 9>, gather<Real, 2, 10>, gather<Real, 2, 11>, gather<Real, 2, 12>,
            gather<Real, 2, 13>, gather<Real, 2, 14>, gather<Real, 2, 15>, gather<Real, 2, 16>}},
          turn<Real>,
          place<Real>};
}
