#pragma once

#include <cstddef>
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
/// Each step() performs one of these (kRename: of one output), so that a caller (and a test) may
/// stop between any two.
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
  /// Performs next(). Aborted when fenced or out of lease. After an error the publication is dead;
  /// discard() then removes its .part files, and secondary outputs renamed before the commit point
  /// while the lease lives (call it unless the process is to be taken for dead).
  absl::Status step();
  absl::Status run();
  void discard() noexcept;
  const std::vector<Published>& published() const { return published_; }

 private:
  absl::Status sync();
  absl::Status verify();
  absl::Status rename();  // one output
  absl::Status sync_folders();

  std::vector<Output> outputs_;
  std::int64_t fence_;
  bool overwrite_;
  Hooks hooks_;
  Step next_ = Step::kSync;
  std::size_t renamed_ = 0;  // from the last output to the first
  std::vector<Published> published_;
};

/// Removes the .part files of the given dead fences (and only those) of one output.
absl::Status sweep_parts(PublishFiles& files, const std::string& final_name,
                         const std::vector<std::int64_t>& dead_fences);

/// What an earlier assignment had on record when it ended without success.
struct RecordedPublication {
  std::int64_t fence = 0;
  std::vector<Publication::Published> outputs;  ///< in the order of the job's outputs
};

/// Ends what a dead assignment began. True when every output is in place with its recorded content:
/// found so, or its .part matched and was renamed here (then the job is done, whatever died).
/// False otherwise; secondary outputs that had reached their final names are then removed again
/// (their commit point had not), so that the next attempt finds the place as it was.
absl::StatusOr<bool> recover_publication(const std::vector<Publication::Output>& outputs,
                                         const RecordedPublication& recorded, bool overwrite);

/// Group and mode of products: configured, never the daemon's umask.
struct ProductOwnership {
  std::uint32_t mode = 0644;
  std::int64_t group = -1;  ///< -1: as the folder gives it
};

/// The system calls below make_posix_publish_files(), so that tests can fail each one. Each returns
/// as the call of its name does, with errno.
class FileCalls {
 public:
  virtual ~FileCalls() = default;
  virtual int rename_no_replace(int folder, const char* from, const char* to);
  virtual int rename(int folder, const char* from, const char* to);
  virtual int link(int folder, const char* from, const char* to);
  virtual int unlink(int folder, const char* name);
  virtual int open(int folder, const char* name, int flags, unsigned mode);
  virtual int fsync(int fd);
};

/// The real thing: files in the folder behind an open descriptor (not owned; must outlive it).
/// Errors carry the reasons DISK_FULL, OUTPUT_EXISTS, CROSS_DEVICE or OUTPUT_IO.
std::shared_ptr<PublishFiles> make_posix_publish_files(
    int folder_fd, ProductOwnership ownership = {},
    std::shared_ptr<FileCalls> calls = std::make_shared<FileCalls>());

/// Asked before any work: can `final_name` be published in this folder? Makes and removes a file of
/// the .part's name. FailedPrecondition/CROSS_DEVICE where that file or the existing product is on
/// another file system than the folder (a rename could not be atomic); AlreadyExists/OUTPUT_EXISTS
/// without `overwrite`; DISK_FULL, OUTPUT_IO.
absl::Status check_publication_place(int folder_fd, const std::string& final_name,
                                     std::int64_t fence, bool overwrite);

}  // namespace unfold
