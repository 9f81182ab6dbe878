#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace unfold::server {

/// Jobs whose engine hung on a GPU since one succeeded there. One job that hangs wherever it runs
/// says nothing of the GPU, so each counts once. Not thread safe.
class Hangs {
 public:
  using Gpu = std::pair<std::string, std::string>;  ///< host, device

  /// `limit` such jobs cordon a GPU; 0: none do.
  explicit Hangs(int limit) : limit_(limit) {}

  void hung(const Gpu& gpu, const std::string& job_id);
  /// A job succeeded there, or an operator vouches for it.
  void forget(const Gpu& gpu) { jobs_.erase(gpu); }
  /// Why the GPU is cordoned; empty where it is not.
  std::string verdict(const Gpu& gpu) const;
  /// Of each GPU, ever.
  const std::map<Gpu, std::int64_t>& totals() const { return totals_; }

 private:
  int limit_;
  std::map<Gpu, std::vector<std::string>> jobs_;
  std::map<Gpu, std::int64_t> totals_;
};

}  // namespace unfold::server
