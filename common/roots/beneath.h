#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace unfold {

/// open(2) of `relative` below the folder `folder_fd`, never leaving it. Returns the descriptor, or
/// -1 with errno: EXDEV where the path would leave the folder, ELOOP where it meets a magic link.
/// Symbolic links that stay inside are followed where the kernel has openat2 (Linux 5.6); without
/// it every symbolic link is refused (EXDEV), since following one safely needs the kernel's help.
int open_beneath(int folder_fd, const std::string& relative, int flags);

/// The second half of that rule by itself, for tests.
int open_beneath_by_steps(int folder_fd, const std::string& relative, int flags);

}  // namespace unfold
