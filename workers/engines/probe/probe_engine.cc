#include "workers/engines/probe/probe_engine.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "google/protobuf/util/time_util.h"
#include "workers/compute/device.h"

namespace unfold::engine {
namespace {

using google::protobuf::util::TimeUtil;

constexpr Duration kStep = std::chrono::milliseconds(50);
constexpr std::size_t kPage = 4096;
constexpr std::int64_t kBlock = 1 << 16;

Duration duration_of(const google::protobuf::Duration& duration) {
  return Duration(TimeUtil::DurationToNanoseconds(duration));
}

struct ProbeInput final : Input {
  v1::ProbeSpec spec;
  v1::Plan plan;
};

struct ProbeProduct final : Product {
  std::int64_t bytes = 0;
};

/// Takes room on the ledger, and none in memory.
class PretendedResponse final : public residency::Response {
 public:
  explicit PretendedResponse(std::int64_t bytes) : bytes_(bytes) {}
  std::int64_t bytes() const override { return bytes_; }

 private:
  std::int64_t bytes_;
};

char pattern(std::int64_t at) { return static_cast<char>('a' + at % 26); }

[[noreturn]] void hang() {
  const CancelToken never;
  for (;;) never.wait_for(std::chrono::hours(1));
}

absl::Status suffer(v1::ProbeSpec::Fault fault) {
  switch (fault) {
    case v1::ProbeSpec::FAULT_ENGINE_ERROR:
      return error({.code = absl::StatusCode::kInternal,
                    .reason = "ENGINE_FAILED",
                    .field = "",
                    .what = "the probe engine failed",
                    .why = "as it was asked to",
                    .remedy = ""});
    case v1::ProbeSpec::FAULT_INPUT_ERROR:
      return error({.code = absl::StatusCode::kInvalidArgument,
                    .reason = "BAD_INPUT",
                    .field = "probe.fault",
                    .what = "the probe's input is bad",
                    .why = "as it was asked to be",
                    .remedy = ""});
    case v1::ProbeSpec::FAULT_CRASH:
      std::abort();
    case v1::ProbeSpec::FAULT_HANG:
      hang();
    case v1::ProbeSpec::FAULT_OUT_OF_MEMORY:
      throw std::bad_alloc();
    case v1::ProbeSpec::FAULT_DEVICE_ERROR:
      throw compute::DeviceError("as the probe was asked to");
    case v1::ProbeSpec::FAULT_DEVICE_OUT_OF_MEMORY:
      throw compute::OutOfMemory("as the probe was asked to");
    default:
      return absl::OkStatus();
  }
}

class ProbeEngine final : public Engine {
 public:
  ProbeEngine(std::shared_ptr<const Clock> clock, std::string device)
      : clock_(std::move(clock)), device_(std::move(device)) {}

  std::string name() const override { return "probe"; }
  std::string device() const override { return device_; }

  absl::StatusOr<std::unique_ptr<Input>> read(const v1::JobSpec& spec,
                                              const v1::Plan& plan) override {
    auto input = std::make_unique<ProbeInput>();
    input->spec = spec.probe();
    input->plan = plan;
    return input;
  }

  absl::StatusOr<std::unique_ptr<Product>> compute(std::unique_ptr<Input> input,
                                                   RunContext& context) override {
    const auto& probe = static_cast<const ProbeInput&>(*input);
    UNFOLD_ASSIGN_OR_RETURN(const auto held, acquire(probe, context));
    std::vector<char> memory(static_cast<std::size_t>(probe.spec.allocate_bytes()));
    for (std::size_t at = 0; at < memory.size(); at += kPage) memory[at] = 1;

    const bool faulty =
        probe.spec.fault_attempts() == 0 || context.attempt <= probe.spec.fault_attempts();
    const Duration run = duration_of(probe.spec.run());
    UNFOLD_RETURN_IF_ERROR(work("compute", run / 2, 0.0, 0.5, context));
    if (faulty) UNFOLD_RETURN_IF_ERROR(suffer(probe.spec.fault()));
    UNFOLD_RETURN_IF_ERROR(work("compute", run - run / 2, 0.5, 1.0, context));

    auto product = std::make_unique<ProbeProduct>();
    product->bytes = probe.spec.output_bytes();
    product->summary["output_bytes"] = static_cast<double>(product->bytes);
    return product;
  }

  absl::Status write(const Product& product, const std::vector<OutputTarget>& targets) override {
    const std::int64_t bytes = static_cast<const ProbeProduct&>(product).bytes;
    for (const OutputTarget& target : targets) {
      UNFOLD_RETURN_IF_ERROR(write_file(target.part_path, bytes));
    }
    return absl::OkStatus();
  }

  absl::Status verify(const OutputTarget& target) override {
    const File file(std::fopen(target.part_path.c_str(), "rb"), &std::fclose);
    if (file == nullptr) return absl::NotFoundError(target.rooted_path);
    std::int64_t at = 0;
    for (int byte = std::fgetc(file.get()); byte != EOF; byte = std::fgetc(file.get()), ++at) {
      if (byte == pattern(at)) continue;
      return error({.code = absl::StatusCode::kDataLoss,
                    .reason = "BAD_PRODUCT",
                    .field = "",
                    .what = absl::StrCat("the product ", target.rooted_path, " is damaged"),
                    .why = absl::StrCat("byte ", at, " differs from what was written"),
                    .remedy = ""});
    }
    return absl::OkStatus();
  }

  absl::Status preload(const v1::JobSpec& spec, const v1::Plan& plan,
                       residency::ResponseCache& responses) override {
    ProbeInput probe;
    probe.spec = spec.probe();
    probe.plan = plan;
    const CancelToken never;
    RunContext context{.responses = responses,
                       .progress = [](const v1::Progress&) {},
                       .cancel = never,
                       .job_id = "",
                       .attempt = 1,
                       .response_ready = [](bool, double) {}};
    return acquire(probe, context).status();
  }

 private:
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  using Held = std::shared_ptr<const residency::Response>;

  absl::StatusOr<Held> acquire(const ProbeInput& probe, RunContext& context) {
    if (probe.plan.response_key().empty()) {
      context.response_ready(false, 0);
      return Held();
    }
    const auto load = [&]() -> absl::StatusOr<Held> {
      UNFOLD_RETURN_IF_ERROR(work("load", duration_of(probe.spec.load()), 0.0, 0.0, context));
      return std::make_shared<PretendedResponse>(probe.spec.response_bytes());
    };
    UNFOLD_ASSIGN_OR_RETURN(
        auto acquired,
        context.responses.acquire({probe.plan.response_key(), "probe", probe.spec.response_bytes()},
                                  load));
    context.response_ready(acquired.hit, acquired.load_seconds);
    return acquired.response;
  }

  /// Passes time in steps, reporting a fraction that goes from one value to the other.
  absl::Status work(const std::string& stage, Duration length, double from, double to,
                    RunContext& context) const {
    const Duration begin = clock_->now().monotonic;
    for (;;) {
      const Duration passed = clock_->now().monotonic - begin;
      const double share = length.count() > 0
                               ? std::min(1.0, static_cast<double>(passed.count()) /
                                                   static_cast<double>(length.count()))
                               : 1.0;
      v1::Progress progress;
      progress.set_stage(stage);
      progress.set_fraction(from + (to - from) * share);
      context.progress(progress);
      if (passed >= length) return absl::OkStatus();
      if (context.cancel.wait_for(std::min(kStep, length - passed))) {
        return absl::CancelledError("the probe was cancelled");
      }
    }
  }

  static absl::Status write_file(const std::string& path, std::int64_t bytes) {
    const File file(std::fopen(path.c_str(), "wb"), &std::fclose);
    if (file == nullptr) return write_failed(errno);
    std::string block;
    for (std::int64_t at = 0; at < bytes; at += static_cast<std::int64_t>(block.size())) {
      block.clear();
      const std::int64_t end = std::min(bytes, at + kBlock);
      for (std::int64_t i = at; i < end; ++i) block.push_back(pattern(i));
      if (std::fwrite(block.data(), 1, block.size(), file.get()) != block.size()) {
        return write_failed(errno);
      }
    }
    return std::fflush(file.get()) == 0 ? absl::OkStatus() : write_failed(errno);
  }

  static absl::Status write_failed(int number) {
    const bool full = number == ENOSPC || number == EDQUOT;
    return error(
        {.code = full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnavailable,
         .reason = full ? "DISK_FULL" : "OUTPUT_IO",
         .field = "",
         .what = "cannot write the probe's output",
         .why = std::strerror(number),
         .remedy = full ? "free space, then retry the job" : ""});
  }

  std::shared_ptr<const Clock> clock_;
  std::string device_;
};

}  // namespace

std::unique_ptr<Engine> make_probe_engine(std::shared_ptr<const Clock> clock, std::string device) {
  return std::make_unique<ProbeEngine>(std::move(clock), std::move(device));
}

}  // namespace unfold::engine
