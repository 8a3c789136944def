#include "model/parameter_set.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <set>

#include "common/limits.h"

namespace muster {

std::size_t DTypeBytes(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return 4;
    case DType::f64:
    case DType::i64:
      return 8;
  }
  CheckFailed(__FILE__, __LINE__, "dtype", "unknown dtype");
}

std::string_view DTypeName(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::i64:
      return "i64";
  }
  return "unknown";
}

namespace {

Result<ParameterLayout::Entry> Place(TensorSpec spec, std::uint64_t offset_bytes) {
  if (spec.name.empty() || spec.name.size() > limits::kTensorNameBytesMax) {
    return Error{Reason::config_invalid, "a tensor's name is empty or longer than " +
                                             std::to_string(limits::kTensorNameBytesMax)};
  }
  if (spec.shape.size() > limits::kTensorRankMax) {
    return Error{Reason::too_large, "tensor " + spec.name + " has too many dimensions"};
  }
  ParameterLayout::Entry entry;
  entry.offset_bytes = offset_bytes;
  entry.element_count = 1;
  for (std::uint64_t dimension : spec.shape) {
    if (dimension == 0) {
      return Error{Reason::config_invalid, "tensor " + spec.name + " has a dimension of 0"};
    }
    if (dimension > limits::kModelBytesMax / entry.element_count) {
      return Error{Reason::too_large, "tensor " + spec.name + " is larger than a model may be"};
    }
    entry.element_count *= dimension;
  }
  entry.size_bytes = entry.element_count * DTypeBytes(spec.dtype);
  if (entry.size_bytes > limits::kModelBytesMax - offset_bytes) {
    return Error{Reason::too_large, "tensor " + spec.name + " makes the model too large"};
  }
  entry.spec = std::move(spec);
  return entry;
}

std::uint64_t AlignUp(std::uint64_t bytes) {
  constexpr std::uint64_t kAlignment = limits::kTensorAlignmentBytes;
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

Result<ParameterLayout> ParameterLayout::Create(std::vector<TensorSpec> specs) {
  if (specs.size() > limits::kTensorsMax) {
    return Error{Reason::too_large, std::to_string(specs.size()) + " tensors, at most " +
                                        std::to_string(limits::kTensorsMax)};
  }
  ParameterLayout layout;
  std::set<std::string> names;
  for (TensorSpec& spec : specs) {
    if (!names.insert(spec.name).second) {
      return Error{Reason::config_invalid, "two tensors are named " + spec.name};
    }
    auto entry = Place(std::move(spec), layout.total_bytes_);
    MUSTER_TRY(entry);
    layout.total_bytes_ = AlignUp(entry->offset_bytes + entry->size_bytes);
    layout.entries_.push_back(std::move(*entry));
  }
  return layout;
}

Result<ParameterLayout> ParameterLayout::Concatenate(const ParameterLayout& first,
                                                     const ParameterLayout& second) {
  std::vector<TensorSpec> specs = first.Specs();
  for (TensorSpec& spec : second.Specs()) specs.push_back(std::move(spec));
  return Create(std::move(specs));
}

std::uint64_t ParameterLayout::element_count() const {
  std::uint64_t count = 0;
  for (const Entry& entry : entries_) count += entry.element_count;
  return count;
}

std::vector<TensorSpec> ParameterLayout::Specs() const {
  std::vector<TensorSpec> specs;
  for (const Entry& entry : entries_) specs.push_back(entry.spec);
  return specs;
}

const ParameterLayout::Entry* ParameterLayout::Find(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.spec.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

Bytes ParameterLayout::Encode() const {
  Bytes bytes;
  const auto append = [&bytes](std::uint64_t number) {
    bytes.resize(bytes.size() + 8);
    StoreLittle(bytes, bytes.size() - 8, number);
  };
  append(entries_.size());
  for (const Entry& entry : entries_) {
    append(entry.spec.name.size());
    const ByteSpan name = AsBytes(entry.spec.name);
    bytes.insert(bytes.end(), name.begin(), name.end());
    append(static_cast<std::uint64_t>(entry.spec.dtype));
    append(entry.spec.shape.size());
    for (std::uint64_t dimension : entry.spec.shape) append(dimension);
  }
  return bytes;
}

void ParameterSet::Free::operator()(std::byte* data) const {
  ::operator delete[](data, std::align_val_t{limits::kTensorAlignmentBytes});
}

ParameterSet::ParameterSet(ParameterLayout layout) : layout_(std::move(layout)) {
  const auto size = static_cast<std::size_t>(layout_.total_bytes());
  data_.reset(static_cast<std::byte*>(
      ::operator new[](size, std::align_val_t{limits::kTensorAlignmentBytes})));
  std::memset(data_.get(), 0, size);
}

ParameterSet ParameterSet::Clone() const {
  ParameterSet copy(layout_);
  if (!bytes().empty()) std::memcpy(copy.data_.get(), data_.get(), bytes().size());
  return copy;
}

std::span<const float> ParameterSet::F32(std::size_t index) const {
  const ParameterLayout::Entry& entry = layout_.entries()[index];
  MUSTER_CHECK(entry.spec.dtype == DType::f32, "not an f32 tensor");
  return {reinterpret_cast<const float*>(data_.get() + entry.offset_bytes),
          static_cast<std::size_t>(entry.element_count)};
}

std::span<float> ParameterSet::F32(std::size_t index) {
  const std::span<const float> values = std::as_const(*this).F32(index);
  return {const_cast<float*>(values.data()), values.size()};
}

}  // namespace muster
