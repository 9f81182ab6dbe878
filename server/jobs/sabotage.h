#pragma once

/// What the simulation breaks on purpose, to show that it would notice: each test executable of
/// tests/simulation that breaks something is built with one of these set to 1. Everywhere else all
/// of them are 0 and the compiler removes what they guard.
#ifndef UNFOLD_SABOTAGE_FENCE
#define UNFOLD_SABOTAGE_FENCE 0
#endif
#ifndef UNFOLD_SABOTAGE_RENAME_ORDER
#define UNFOLD_SABOTAGE_RENAME_ORDER 0
#endif
#ifndef UNFOLD_SABOTAGE_ADOPTION
#define UNFOLD_SABOTAGE_ADOPTION 0
#endif
#ifndef UNFOLD_SABOTAGE_REQUEST_ID
#define UNFOLD_SABOTAGE_REQUEST_ID 0
#endif

namespace unfold::server::sabotage {

/// Publication is granted whatever fence the worker shows.
inline constexpr bool kSkipFenceCheck = UNFOLD_SABOTAGE_FENCE != 0;
/// A (simulated) worker renames before the intent is on record.
inline constexpr bool kRenameBeforeIntent = UNFOLD_SABOTAGE_RENAME_ORDER != 0;
/// A restarted scheduler forgets the leases that the store holds.
inline constexpr bool kForgetLeases = UNFOLD_SABOTAGE_ADOPTION != 0;
/// A request_id is not remembered.
inline constexpr bool kForgetRequests = UNFOLD_SABOTAGE_REQUEST_ID != 0;

}  // namespace unfold::server::sabotage
