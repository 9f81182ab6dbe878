#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/flag_types.h"
#include "client/cli/paths.h"
#include "client/cli/submit_flags.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] =
    R"(A probe does nothing useful: it tries the service itself. The scheduler
refuses it unless it runs with --enable-probe-engine.

Examples:
  unfold submit probe --run 5s --wait
  unfold submit probe --run 1s --fault crash --fault-attempts 1 --wait)";

struct Flags {
  v1::ProbeSpec probe;
  SubmitFlags submit;
};

void add_text(CLI::App& command, const std::string& name, const std::string& type,
              const std::string& help, const std::function<void(const std::string&)>& take) {
  command.add_option_function<std::string>(name, take, help)->type_name(type)->group("Probe");
}

void add_response_flags(CLI::App& command, v1::ProbeSpec& probe) {
  add_text(command, "--response", "KEY", "Key of a pretended response",
           [&probe](const std::string& key) { probe.set_response(key); });
  add_text(command, "--response-size", "SIZE", "How large that response is (64MiB)",
           [&probe](const std::string& text) {
             probe.set_response_bytes(size_flag(text, "--response-size"));
           });
  add_text(
      command, "--load", "TIME", "How long loading it takes",
      [&probe](const std::string& text) { *probe.mutable_load() = duration_flag(text, "--load"); });
}

void add_fault_flags(CLI::App& command, v1::ProbeSpec& probe) {
  static const std::map<std::string, v1::ProbeSpec::Fault> kFaults = {
      {"engine-error", v1::ProbeSpec::FAULT_ENGINE_ERROR},
      {"input-error", v1::ProbeSpec::FAULT_INPUT_ERROR},
      {"crash", v1::ProbeSpec::FAULT_CRASH},
      {"hang", v1::ProbeSpec::FAULT_HANG},
      {"out-of-memory", v1::ProbeSpec::FAULT_OUT_OF_MEMORY},
      {"device-error", v1::ProbeSpec::FAULT_DEVICE_ERROR},
      {"device-out-of-memory", v1::ProbeSpec::FAULT_DEVICE_OUT_OF_MEMORY}};
  command
      .add_option_function<std::string>(
          "--fault", [&probe](const std::string& name) { probe.set_fault(kFaults.at(name)); },
          "What goes wrong: engine-error, input-error, crash, hang, out-of-memory, device-error, "
          "device-out-of-memory")
      ->check(CLI::IsMember(kFaults))
      ->type_name("FAULT")
      ->group("Probe");
  command
      .add_option_function<int>(
          "--fault-attempts", [&probe](int count) { probe.set_fault_attempts(count); },
          "Only in the first N attempts [all]")
      ->type_name("N")
      ->group("Probe");
}

}  // namespace

void add_submit_probe(CLI::App& submit, Session& session) {
  CLI::App* command = submit.add_subcommand("probe", "Submit a job that only tries the service");
  const auto flags = std::make_shared<Flags>();
  v1::ProbeSpec& probe = flags->probe;
  add_text(*command, "--run", "TIME", "How long it runs [0s]", [&probe](const std::string& text) {
    *probe.mutable_run() = duration_flag(text, "--run");
  });
  add_text(*command, "--allocate", "SIZE", "Memory it touches", [&probe](const std::string& text) {
    probe.set_allocate_bytes(size_flag(text, "--allocate"));
  });
  add_text(*command, "--device-size", "SIZE", "Memory that its plan wants on a GPU",
           [&probe](const std::string& text) {
             probe.set_device_bytes(size_flag(text, "--device-size"));
           });
  add_text(*command, "-o,--output", "FILE", "File to publish",
           [&probe](const std::string& path) { probe.set_output(server_path(path)); });
  add_text(*command, "--output-size", "SIZE", "How large that file is",
           [&probe](const std::string& text) {
             probe.set_output_bytes(size_flag(text, "--output-size"));
           });
  add_response_flags(*command, probe);
  add_fault_flags(*command, probe);
  add_submit_flags(*command, flags->submit, WithLabels::kYes);
  add_common_flags(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session, flags] {
    v1::JobSpec spec;
    *spec.mutable_probe() = flags->probe;
    return submit_job(session, flags->submit, spec);
  });
}

}  // namespace unfold::cli
