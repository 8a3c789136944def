#include "model/safetensors_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/limits.h"

namespace muster {
namespace {

constexpr std::string_view kMetadataKey = "__metadata__";
constexpr std::size_t kDataAlignmentBytes = 8;

struct NamedDType {
  std::string_view name;
  DType dtype;
};
constexpr NamedDType kDTypes[] = {{"F32", DType::f32}, {"F64", DType::f64}, {"I64", DType::i64}};

std::string_view FormatName(DType dtype) {
  for (const NamedDType& named : kDTypes) {
    if (named.dtype == dtype) return named.name;
  }
  CheckFailed(__FILE__, __LINE__, "dtype", "unknown dtype");
}

Error Malformed(std::string text) { return Error{Reason::file_malformed, std::move(text)}; }
Error Unsupported(std::string text) { return Error{Reason::unsupported, std::move(text)}; }

// A stranger's text for an error message.
std::string Quoted(std::string_view text) {
  constexpr std::size_t kShownBytesMax = 32;
  std::string shown(text.substr(0, kShownBytesMax));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return "\"" + shown + (text.size() > kShownBytesMax ? "...\"" : "\"");
}

// A tensor as the header tells it.
struct Listed {
  TensorSpec spec;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// Takes the header token by token, so that no nesting, count or length can claim memory before it
// is refused, and a second value under one key is seen.
class HeaderSax : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<Listed>& tensors() { return tensors_; }
  SafetensorsMetadata& metadata() { return metadata_; }
  const Error& error() const { return error_; }

  bool null() override { return WrongKind("null"); }
  bool boolean(bool) override { return WrongKind("a truth value"); }
  bool number_integer(number_integer_t) override { return WrongKind("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return WrongKind("a fraction or a number beyond 64 bits");
  }
  bool binary(binary_t&) override { return WrongKind("binary"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (where_ != Where::shape && where_ != Where::offsets) return WrongKind("a number");
    const bool full = numbers_.size() == (where_ == Where::shape ? limits::kTensorRankMax : 2);
    if (full && where_ == Where::shape) {
      return Fail(Error{
          Reason::too_large,
          Tensor() + " has more than " + std::to_string(limits::kTensorRankMax) + " dimensions"});
    }
    if (full) return Fail(Malformed(Tensor() + " has more than two data_offsets"));
    numbers_.push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (where_ == Where::metadata) {
      metadata_[key_] = std::move(value);
      return true;
    }
    if (where_ != Where::tensor || key_ != "dtype") return WrongKind("a text");
    const auto* named = std::find_if(std::begin(kDTypes), std::end(kDTypes),
                                     [&](const NamedDType& d) { return d.name == value; });
    if (named == std::end(kDTypes)) {
      return Fail(Unsupported(Tensor() + " has dtype " + Quoted(value) +
                              "; this build reads F32, F64 and I64"));
    }
    tensors_.back().spec.dtype = named->dtype;
    return true;
  }

  bool start_object(std::size_t) override {
    if (where_ == Where::outside) {
      where_ = Where::top;
    } else if (where_ == Where::top && key_ == kMetadataKey) {
      where_ = Where::metadata;
    } else if (where_ == Where::top) {
      return BeginTensor();
    } else {
      return WrongKind("an object");
    }
    return true;
  }

  bool key(string_t& key) override {
    auto& seen = where_ == Where::top ? top_keys_ : inner_keys_;
    if (!seen.insert(key).second) return Fail(Malformed("the key " + Quoted(key) + " comes twice"));
    if (where_ == Where::tensor && key != "dtype" && key != "shape" && key != "data_offsets") {
      return Fail(Malformed(Tensor() + " has the unknown key " + Quoted(key)));
    }
    key_ = std::move(key);
    return true;
  }

  bool end_object() override {
    if (where_ == Where::tensor && inner_keys_.size() != 3) {
      return Fail(Malformed(Tensor() + " lacks dtype, shape or data_offsets"));
    }
    where_ = where_ == Where::top ? Where::outside : Where::top;
    inner_keys_.clear();
    return true;
  }

  bool start_array(std::size_t) override {
    if (where_ != Where::tensor || key_ == "dtype") return WrongKind("a list");
    where_ = key_ == "shape" ? Where::shape : Where::offsets;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    Listed& listed = tensors_.back();
    if (where_ == Where::shape) {
      listed.spec.shape = numbers_;
    } else if (numbers_.size() == 2) {
      listed.begin = numbers_[0];
      listed.end = numbers_[1];
    } else {
      return Fail(Malformed(Tensor() + " has fewer than two data_offsets"));
    }
    where_ = Where::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Fail(Malformed("the header is not JSON at its byte " + std::to_string(position)));
  }

 private:
  enum class Where { outside, top, metadata, tensor, shape, offsets };

  bool Fail(Error error) {
    error_ = std::move(error);
    return false;
  }
  bool WrongKind(const std::string& found) {
    return Fail(Malformed("the header has " + found + " where it cannot be" +
                          (tensors_.empty() ? "" : ", at or behind " + Tensor())));
  }
  std::string Tensor() const { return "tensor " + Quoted(tensors_.back().spec.name); }

  bool BeginTensor() {
    if (tensors_.size() == limits::kTensorsMax) {
      return Fail(Error{Reason::too_large,
                        "more than " + std::to_string(limits::kTensorsMax) + " tensors"});
    }
    if (key_.empty()) return Fail(Malformed("a tensor has no name"));
    if (key_.size() > limits::kTensorNameBytesMax) {
      return Fail(Error{Reason::too_large, "the name " + Quoted(key_) + " is longer than " +
                                               std::to_string(limits::kTensorNameBytesMax) +
                                               " bytes"});
    }
    const auto is_control = [](char c) {
      return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    };
    if (std::any_of(key_.begin(), key_.end(), is_control)) {
      return Fail(Unsupported("the name " + Quoted(key_) + " holds control characters"));
    }
    tensors_.emplace_back().spec.name = key_;
    where_ = Where::tensor;
    return true;
  }

  Where where_ = Where::outside;
  std::string key_;
  std::set<std::string> top_keys_;
  std::set<std::string> inner_keys_;
  std::vector<std::uint64_t> numbers_;
  std::vector<Listed> tensors_;
  SafetensorsMetadata metadata_;
  Error error_;
};

// The tensors must follow each other without gap, overlap or other order.
Status CheckPlacement(const std::vector<Listed>& tensors, const ParameterLayout& layout) {
  const auto by_begin = [](const Listed& a, const Listed& b) { return a.begin < b.begin; };
  if (!std::is_sorted(tensors.begin(), tensors.end(), by_begin)) {
    return Unsupported("the header lists the tensors in another order than their bytes have");
  }
  std::uint64_t expected = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Listed& listed = tensors[i];
    const std::string name = "tensor " + Quoted(listed.spec.name);
    if (listed.begin != expected) {
      return Malformed(name + (listed.begin < expected ? " overlaps" : " leaves a gap behind") +
                       " what comes before it: it begins at " + std::to_string(listed.begin) +
                       ", expected " + std::to_string(expected));
    }
    const std::uint64_t size = layout.entries()[i].size_bytes;
    if (listed.end < listed.begin || listed.end - listed.begin != size) {
      return Malformed(name + " has data_offsets [" + std::to_string(listed.begin) + "," +
                       std::to_string(listed.end) + "], but its shape needs " +
                       std::to_string(size) + " bytes");
    }
    expected = listed.end;
  }
  return {};
}

}  // namespace

Result<std::string> EncodeSafetensorsHeader(const ParameterLayout& layout,
                                            const SafetensorsMetadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  std::uint64_t offset = 0;
  for (const ParameterLayout::Entry& entry : layout.entries()) {
    if (entry.spec.name == kMetadataKey) {
      return Error{Reason::config_invalid,
                   "a safetensors file cannot hold a tensor named " + entry.spec.name};
    }
    header[entry.spec.name] = {{"dtype", FormatName(entry.spec.dtype)},
                               {"shape", entry.spec.shape},
                               {"data_offsets", {offset, offset + entry.size_bytes}}};
    offset += entry.size_bytes;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    return Error{Reason::config_invalid,
                 "a tensor's name or the metadata of a safetensors file is not UTF-8"};
  }
  const std::size_t unaligned = (sizeof(std::uint64_t) + text.size()) % kDataAlignmentBytes;
  if (unaligned != 0) text.append(kDataAlignmentBytes - unaligned, ' ');
  if (text.size() > limits::kSafetensorsHeaderBytesMax) {
    return Error{Reason::too_large, "the header of a safetensors file would have " +
                                        std::to_string(text.size()) + " bytes, at most " +
                                        std::to_string(limits::kSafetensorsHeaderBytesMax)};
  }
  return text;
}

Result<SafetensorsHeader> DecodeSafetensorsHeader(std::string_view json) {
  // The format demands it; the parser would skip blanks and a byte order mark.
  if (json.empty() || json.front() != '{') return Malformed("the header does not begin with '{'");
  // The parser takes a NUL for the end of its input and would not look at what follows.
  if (const auto nul = json.find('\0'); nul != std::string_view::npos) {
    return Malformed("the header is not JSON at its byte " + std::to_string(nul + 1));
  }
  HeaderSax sax;
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &sax)) return sax.error();

  std::vector<TensorSpec> specs;
  for (const Listed& listed : sax.tensors()) {
    const auto& shape = listed.spec.shape;
    if (std::find(shape.begin(), shape.end(), 0U) != shape.end()) {
      return Unsupported("tensor " + Quoted(listed.spec.name) + " is empty");
    }
    specs.push_back(listed.spec);
  }
  auto layout = ParameterLayout::Create(std::move(specs));
  MUSTER_TRY(layout);
  MUSTER_TRY(CheckPlacement(sax.tensors(), *layout));
  SafetensorsHeader header;
  header.data_bytes = sax.tensors().empty() ? 0 : sax.tensors().back().end;
  header.layout = std::move(*layout);
  header.metadata = std::move(sax.metadata());
  return header;
}

}  // namespace muster
