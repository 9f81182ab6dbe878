#pragma once

#include <string>

#include "server/jobs/job_store.h"

namespace unfold::server {

/// The page at /: what runs, how many jobs are in which state, and where to look further. HTML
/// without scripts; nothing in it comes from users.
std::string home_page(const JobStore& store);

}  // namespace unfold::server
