#pragma once

#include "client/cli/session.h"

namespace unfold::cli {

// Each adds one command with its flags, help and action to the tree.
void add_up(CLI::App& root, Session& session);
void add_submit(CLI::App& root, Session& session);
void add_submit_extraction(CLI::App& submit, Session& session);
void add_submit_exposure(CLI::App& submit, Session& session);
void add_submit_imaging(CLI::App& submit, Session& session);
void add_submit_spi(CLI::App& submit, Session& session);
void add_submit_probe(CLI::App& submit, Session& session);
void add_jobs(CLI::App& root, Session& session);
void add_wait(CLI::App& root, Session& session);
void add_watch(CLI::App& root, Session& session);
void add_cancel(CLI::App& root, Session& session);
void add_retry(CLI::App& root, Session& session);
void add_explain(CLI::App& root, Session& session);
void add_logs(CLI::App& root, Session& session);
void add_workers(CLI::App& root, Session& session);
void add_responses(CLI::App& root, Session& session);
void add_simulate(CLI::App& root, Session& session);
void add_simulate_extraction(CLI::App& simulate, Session& session);
void add_simulate_imaging(CLI::App& simulate, Session& session);
void add_simulate_spi(CLI::App& simulate, Session& session);
void add_import(CLI::App& root, Session& session);
void add_view(CLI::App& root, Session& session);
void add_diff(CLI::App& root, Session& session);
void add_doctor(CLI::App& root, Session& session);
void add_bench(CLI::App& root, Session& session);
void add_version(CLI::App& root, Session& session);
void add_completion(CLI::App& root, Session& session);

/// The whole tree.
void add_all(CLI::App& root, Session& session);

}  // namespace unfold::cli
