#pragma once

#include <memory>

#include "workers/cuda/module_table.h"
#include "workers/cuda/outcome.h"
#include "workers/kernels/extraction/device/extractor.h"
#include "workers/kernels/extraction/stamp_functor.h"

namespace unfold::cuda {

template <class D>
compute::Buffer<double, D> uploaded(D& device, const double* host, compute::Index n) {
  compute::Buffer<double, D> buffer(device, n);
  buffer.upload({host, static_cast<std::size_t>(n)});
  return buffer;
}

template <class D>
Outcome make_stamps(int ordinal, const StampProblem* problem) {
  return guarded<D>(ordinal, [&] {
    const StampProblem& p = *problem;
    D device(ordinal);
    const compute::Index n_bin = static_cast<compute::Index>(p.n_fibre) * p.n_wave;
    auto coef =
        uploaded(device, p.coef, static_cast<compute::Index>(p.n_row) * p.n_fibre * p.n_coef);
    auto basis = uploaded(device, p.basis, static_cast<compute::Index>(p.n_coef) * p.n_wave);
    auto offset_x = uploaded(device, p.offset_x, n_bin);
    auto offset_y = uploaded(device, p.offset_y, n_bin);
    compute::Buffer<double, D> stamps(device, n_bin * p.height * p.width);
    extraction::MakeStamp op;
    op.degree_x = p.degree_x;
    op.degree_y = p.degree_y;
    op.coef = coef.view(p.n_row, p.n_fibre, p.n_coef);
    op.basis = basis.view(p.n_coef, p.n_wave);
    op.offset_x = offset_x.view(p.n_fibre, p.n_wave);
    op.offset_y = offset_y.view(p.n_fibre, p.n_wave);
    op.stamps = stamps.view(p.n_fibre, p.n_wave, p.height, p.width);
    parallel_for(device, op.size(), op);
    stamps.download({p.stamps, static_cast<std::size_t>(stamps.size())});
  });
}

template <class D>
Outcome load_psf(int ordinal, const extraction::PsfTable* host, void** psf, std::size_t* bytes) {
  return guarded<D>(ordinal, [&] {
    auto made = std::make_unique<extraction::device::ResidentPsf<D>>(ordinal, *host);
    *bytes = made->bytes();
    *psf = made.release();
  });
}
template <class D>
Outcome release_psf(int ordinal, void* psf) {
  return guarded<D>(ordinal, [&] { delete static_cast<extraction::device::ResidentPsf<D>*>(psf); });
}
template <class D>
Outcome open_extractor(int ordinal, void** extractor) {
  return guarded<D>(ordinal, [&] { *extractor = new extraction::device::Extractor<D>(ordinal); });
}
template <class D>
Outcome release_extractor(int ordinal, void* extractor) {
  return guarded<D>(ordinal,
                    [&] { delete static_cast<extraction::device::Extractor<D>*>(extractor); });
}
template <class D>
Outcome extract_frame(int ordinal, void* extractor, const void* psf,
                      const extraction::FrameJob* job, extraction::FrameSpectra* out) {
  return guarded<D>(ordinal, [&] {
    const auto& resident = *static_cast<const extraction::device::ResidentPsf<D>*>(psf);
    static_cast<extraction::device::Extractor<D>*>(extractor)->run(resident.table(), *job, *out);
  });
}

template <class D>
ExtractionTable extraction_table() {
  return {.make_stamps = make_stamps<D>,
          .load_psf = load_psf<D>,
          .release_psf = release_psf<D>,
          .open_extractor = open_extractor<D>,
          .release_extractor = release_extractor<D>,
          .extract = extract_frame<D>};
}

}  // namespace unfold::cuda
