// Makes IDX files, sound and broken ones.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "training/examples.h"

namespace muster {

inline std::string BigEndian(std::uint32_t number) {
  return {static_cast<char>(number >> 24), static_cast<char>(number >> 16),
          static_cast<char>(number >> 8), static_cast<char>(number)};
}

inline std::string IdxImagesHeader(std::uint32_t count, std::uint32_t rows = kImageSide,
                                   std::uint32_t columns = kImageSide) {
  return BigEndian(0x803) + BigEndian(count) + BigEndian(rows) + BigEndian(columns);
}

inline std::string IdxLabelsHeader(std::uint32_t count) {
  return BigEndian(0x801) + BigEndian(count);
}

/// Pixel p of image i is (i + p) mod 256.
inline std::string IdxImages(std::uint32_t count) {
  std::string content = IdxImagesHeader(count);
  for (std::uint32_t image = 0; image < count; ++image) {
    for (std::uint32_t pixel = 0; pixel < kImageBytes; ++pixel) {
      content.push_back(static_cast<char>(image + pixel));
    }
  }
  return content;
}

/// Label i is i mod 10.
inline std::string IdxLabels(std::uint32_t count) {
  std::string content = IdxLabelsHeader(count);
  for (std::uint32_t i = 0; i < count; ++i) content.push_back(static_cast<char>(i % kClassCount));
  return content;
}

inline void WriteText(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  ASSERT_TRUE(file.good()) << path;
}

inline void WriteGzip(const std::string& path, const std::string& content) {
  const gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr) << path;
  EXPECT_EQ(gzwrite(file, content.data(), static_cast<unsigned>(content.size())),
            static_cast<int>(content.size()));
  EXPECT_EQ(gzclose(file), Z_OK);
}

inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace muster
