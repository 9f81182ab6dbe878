#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define UNFOLD_RETURN_IF_ERROR(expr)                   \
  do {                                                 \
    if (absl::Status s_ = (expr); !s_.ok()) return s_; \
  } while (false)

#define UNFOLD_CONCAT_(a, b) a##b
#define UNFOLD_CONCAT(a, b) UNFOLD_CONCAT_(a, b)
#define UNFOLD_ASSIGN_OR_RETURN(lhs, expr) \
  UNFOLD_ASSIGN_OR_RETURN_(UNFOLD_CONCAT(statusor_, __LINE__), lhs, expr)
#define UNFOLD_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = *std::move(tmp)
