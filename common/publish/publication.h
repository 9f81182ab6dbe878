#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unfold {

/// The file operations that publication needs, relative to an output's folder. An interface so that
/// tests and the simulation can fail, freeze or kill at each one.
class PublishFiles {
 public:
  virtual ~PublishFiles() = default;
  virtual absl::Status sync_file(const std::string& name) = 0;
  /// Size and SHA-256 of a file; NotFound where absent.
  struct Content {
    std::int64_t size_bytes = 0;
    std::string sha256;
    friend bool operator==(const Content&, const Content&) = default;
  };
  virtual absl::StatusOr<Content> content(const std::string& name) = 0;
  /// Atomic. Without `replace`, AlreadyExists where `to` exists (RENAME_NOREPLACE; link + unlink
  /// where the file system refuses that flag). NotFound where `from` is gone: a newer fence swept
  /// it.
  virtual absl::Status rename(const std::string& from, const std::string& to, bool replace) = 0;
  virtual absl::Status remove(const std::string& name) = 0;  ///< ok where absent
  virtual absl::Status sync_folder() = 0;
  virtual absl::StatusOr<std::vector<std::string>> list() = 0;
};

/// ".NAME.FENCE.part": where the product of one assignment is written, beside its final name.
std::string part_name(const std::string& final_name, std::int64_t fence);

/// The only way a product reaches its final name:
///   written -> fsync -> verify -> intent on record -> rename -> fsync folder -> done.
/// Each step() performs one of these, so that a caller (and a test) may stop between any two.
///
/// The fence rule: the next assignment of the job removes this fence's .part before it publishes,
/// so a zombie's rename fails with NotFound (Aborted from here) whatever its own clock says.
///
/// Several outputs of one job share one intent; the first named is renamed last and is the commit
/// point. Not thread safe.
class Publication {
 public:
  enum class Step { kSync, kVerify, kIntent, kRename, kSyncFolder, kDone };

  struct Output {
    std::shared_ptr<PublishFiles> files;  ///< of the folder
    std::string final_name;
    std::string rooted_path;  ///< as reported
  };
  struct Published {
    std::string rooted_path;
    PublishFiles::Content content;
  };
  struct Hooks {
    /// Re-reads a .part and says what is wrong with it (checksums, NaN policy).
    std::function<absl::Status(const Output&, const std::string& part)> verify;
    /// Puts the intent on record (the scheduler, in its store's transaction); Aborted when fenced.
    std::function<absl::Status(const std::vector<Published>&)> intent;
    /// True while this assignment's own lease runs. Asked right before each rename.
    std::function<bool()> lease_alive;
  };

  Publication(std::vector<Output> outputs, std::int64_t fence, bool overwrite, Hooks hooks);

  Step next() const { return next_; }
  /// Performs next(). After an error the publication is dead; discard() then removes its .part
  /// files (call it unless the process is to be taken for dead).
  absl::Status step();
  absl::Status run();
  void discard() noexcept;
  const std::vector<Published>& published() const { return published_; }

 private:
  absl::Status sync();
  absl::Status verify();
  absl::Status rename();
  absl::Status sync_folders();

  std::vector<Output> outputs_;
  std::int64_t fence_;
  bool overwrite_;
  Hooks hooks_;
  Step next_ = Step::kSync;
  std::vector<Published> published_;
};

/// Removes the .part files of the given dead fences (and only those) of one output.
absl::Status sweep_parts(PublishFiles& files, const std::string& final_name,
                         const std::vector<std::int64_t>& dead_fences);

/// The real thing: files in the folder behind an open descriptor (not owned; must outlive it).
std::shared_ptr<PublishFiles> make_posix_publish_files(int folder_fd);

}  // namespace unfold
