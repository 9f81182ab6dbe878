#pragma once

#include <memory>
#include <span>
#include <vector>

#include "workers/kernels/imaging/events.h"

namespace unfold::imaging {

/// Sizes of R[t, p, d], expected counts per unit intensity (cm-2 s-1 sr-1; pixel areas are inside).
/// A model with E energies has P = pixels x E, in the response's own order.
struct Shape {
  Index times = 0;
  Index pixels = 0;
  Index bins = 0;
  bool operator==(const Shape&) const = default;
};

/// Time bins first, first + step, ...: all of them, or one ordered subset of `step`.
struct Subset {
  Index first = 0;
  Index step = 1;
};

/// What one fused pass over the response is asked. Replicates share events and background; their
/// counts, images and amplitudes differ, and one read of the response serves them all.
struct Pass {
  Subset subset{};
  Index replicates = 1;
  std::span<const double> counts;     ///< [R, N] >= 0
  std::span<const double> image;      ///< [R, P] cm-2 s-1 sr-1, >= 0
  std::span<const double> amplitude;  ///< [R, A], >= 0
  double floor = 0;                   ///< counts added to the model of every bin
  /// 0, or: passes of one EventOperator with the same number have the same counts.
  Index counts_version = 0;
};

/// With m = sum_p x_p R[t,p,d] + sum_c A B_c + floor at each event of the subset. Where m <= 0 the
/// ratio y/m is 0 and the event is left out of log_model.
struct PassResult {
  std::vector<double> back;            ///< [R, P] sum over events of y/m R[t,p,d]
  std::vector<double> amplitude_back;  ///< [R, A] sum over the amplitude's events of y/m B_c
  std::vector<double> log_model;       ///< [R] sum over events of y ln m
  Index impossible = 0;                ///< events with y > 0 and m <= 0, over all replicates
};

/// An Operator at one list of events with its background, as a fit passes over them again and
/// again: on a GPU they lie ready there. One thread at a time; what it was made of outlives it.
class EventOperator {
 public:
  virtual ~EventOperator() = default;
  /// As Operator::forward_events, back_events and pass.
  virtual void forward(Subset subset, std::span<const double> image,
                       std::span<double> expectation) const = 0;
  virtual void back(Subset subset, std::span<const double> data, std::span<double> image) const = 0;
  virtual PassResult pass(const Pass& pass) const = 0;
};

/// The instrument as a linear map. Immutable and thread safe; results do not depend on the number
/// of threads (sums are taken in a fixed order), and are the same bits for the same build,
/// instruction set and storage. Errors are tested: tests/workers/kernels/imaging.
class Operator {
 public:
  virtual ~Operator() = default;
  virtual Shape shape() const = 0;

  /// expectation[t, d] = sum_p R[t, p, d] image[p]. [T, D], overwritten.
  virtual void forward(std::span<const double> image, std::span<double> expectation) const = 0;
  /// image[p] = sum over t, d of R[t, p, d] data[t, d]. [P], overwritten.
  virtual void back(std::span<const double> data, std::span<double> image) const = 0;
  /// image[p] = sum over the subset's t and all d of R[t, p, d]. [P], overwritten.
  virtual void sensitivity(Subset subset, std::span<double> image) const = 0;

  /// forward() at the subset's events only. [N], others untouched. The image may be negative.
  virtual void forward_events(const Events& events, Subset subset, std::span<const double> image,
                              std::span<double> expectation) const = 0;
  /// back() of data that is zero outside the subset's events. `data` [N], `image` [P] overwritten.
  virtual void back_events(const Events& events, Subset subset, std::span<const double> data,
                           std::span<double> image) const = 0;
  /// The fused pass: E-step, M-step's numerator, background step and log-likelihood in one read of
  /// the response.
  virtual PassResult pass(const Events& events, const Background& background,
                          const Pass& pass) const = 0;

  virtual std::unique_ptr<const EventOperator> at(const Events& events,
                                                  const Background& background) const;
};

/// For operators that keep nothing for a list.
class PlainEventOperator final : public EventOperator {
 public:
  PlainEventOperator(const Operator& response, const Events& events, const Background& background)
      : response_(response), events_(events), background_(background) {}
  void forward(Subset subset, std::span<const double> image,
               std::span<double> expectation) const override {
    response_.forward_events(events_, subset, image, expectation);
  }
  void back(Subset subset, std::span<const double> data, std::span<double> image) const override {
    response_.back_events(events_, subset, data, image);
  }
  PassResult pass(const Pass& pass) const override {
    return response_.pass(events_, background_, pass);
  }

 private:
  const Operator& response_;
  const Events& events_;
  const Background& background_;
};

inline std::unique_ptr<const EventOperator> Operator::at(const Events& events,
                                                         const Background& background) const {
  return std::make_unique<PlainEventOperator>(*this, events, background);
}

}  // namespace unfold::imaging
