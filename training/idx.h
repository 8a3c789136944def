// IDX files, the format of MNIST (yann.lecun.com/exdb/mnist): big-endian header, then bytes. Plain
// or gzip. Nothing is allocated ahead of the bytes that a header promises.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"
#include "training/examples.h"

namespace muster {

/// "train-images-idx3-ubyte" or "t10k-images-idx3-ubyte" in `dir`, or with ".gz" behind, which is
/// taken if only it exists: kImageBytes for each image.
/// Errors: not_found (neither file), file_unreadable, file_malformed (another magic number, images
/// other than 28 x 28, no or too many examples, fewer or more bytes than announced).
Result<std::vector<std::uint8_t>> ReadIdxImages(const std::string& dir, Split split);

/// "train-labels-idx1-ubyte" or "t10k-labels-idx1-ubyte", likewise: a class below kClassCount for
/// each example. Errors: as ReadIdxImages; file_malformed also for other classes.
Result<std::vector<std::uint8_t>> ReadIdxLabels(const std::string& dir, Split split);

/// Reads both headers alone: how many examples they announce. Errors: as ReadIdxImages;
/// file_malformed also if the two differ.
Result<std::uint64_t> CountIdxExamples(const std::string& dir, Split split);

}  // namespace muster
