// A job that validation refuses.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "model/job.h"

namespace muster {

/// With config_invalid, at the key, and for what its text has in it.
inline void ExpectJobRefused(const JobSpec& job, const std::string& key,
                             const std::string& why = "") {
  const Status status = ValidateJob(job);
  ASSERT_FALSE(status.has_value()) << key;
  EXPECT_EQ(status.error().reason, Reason::config_invalid);
  EXPECT_TRUE(status.error().message.starts_with(key + " ")) << status.error().message;
  EXPECT_NE(status.error().message.find(why), std::string::npos) << status.error().message;
}

}  // namespace muster
