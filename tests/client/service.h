#pragma once

#include <sys/types.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/scratch_folder.h"

namespace unfold::test {

/// What a program wrote and how it ended (a signal as its negative number).
struct Ran {
  int code = 0;
  std::string out;
  std::string err;
  nlohmann::ordered_json json() const { return nlohmann::ordered_json::parse(out); }
};

/// A program in the background, in its own process group, killed on destruction.
class Background {
 public:
  Background(const std::vector<std::string>& command, const ScratchFolder& scratch,
             const std::string& name);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  bool running();
  /// Waits for its end.
  Ran finish();
  /// Of its stderr, so far.
  std::string messages() const;

 private:
  pid_t pid_ = 0;
  int status_ = 0;
  std::filesystem::path out_;
  std::filesystem::path err_;
};

/// `unfold up` of the programs just built, in a scratch folder, at a tenth of the usual time scale
/// and with the probe engine. Its one root is data().
class Service {
 public:
  explicit Service(int workers, const std::vector<std::string>& more_flags = {});

  /// Runs `unfold ARGUMENTS` against it, in data().
  Ran unfold(const std::vector<std::string>& arguments) const;
  /// The same in the background.
  std::unique_ptr<Background> start(const std::vector<std::string>& arguments) const;

  /// `unfold submit probe ARGUMENTS`; the job's id. Fails the test if it is refused.
  std::string submit_probe(const std::vector<std::string>& arguments) const;
  nlohmann::ordered_json job(const std::string& id) const;
  bool reaches(const std::string& id, const std::string& state) const;
  nlohmann::ordered_json workers() const;
  bool workers_ready(std::size_t count) const;

  std::filesystem::path data() const { return scratch_ / "data"; }
  std::string server() const { return "unix:" + (scratch_ / "s").string(); }
  Background& up() { return *up_; }

 private:
  ScratchFolder scratch_;
  std::unique_ptr<Background> up_;
  mutable int runs_ = 0;
};

/// Whether scheduler and worker were built beside the CLI.
bool have_programs();

}  // namespace unfold::test
