#include "model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "common/limits.h"
#include "common/random.h"
#include "model/safetensors_header.h"
#include "tests/support/temp_dir.h"

namespace muster {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

ParameterSet Model(std::vector<TensorSpec> specs) {
  auto layout = ParameterLayout::Create(std::move(specs));
  EXPECT_TRUE(layout.has_value());
  return ParameterSet(std::move(*layout));
}

// Two tensors with a gap of 40 bytes between them, and a scalar.
ParameterSet SmallModel() {
  ParameterSet model =
      Model({{"kernel", DType::f32, {2, 3}}, {"bias", DType::f32, {3}}, {"s", DType::f32, {}}});
  for (std::size_t t = 0; t < 3; ++t) {
    float next = static_cast<float>(t) + 0.5F;
    for (float& value : model.F32(t)) value = next++;
  }
  return model;
}

// A file of this header and so many bytes of data.
Bytes FileOf(std::string_view header, std::size_t data_bytes = 0) {
  Bytes bytes(8 + header.size() + data_bytes);
  StoreLittle(bytes, 0, static_cast<std::uint64_t>(header.size()));
  std::ranges::copy(AsBytes(header), bytes.begin() + 8);
  return bytes;
}

std::string OutcomeOf(const Bytes& bytes) {
  const auto file = ParseSafetensors(bytes);
  return file ? "accepted" : file.error().Text();
}

class SafetensorsFileTest : public testing::Test {
 protected:
  Status Write(const ParameterSet& model, const SafetensorsMetadata& metadata = {}) {
    return WriteSafetensors(path_, model, metadata);
  }
  Bytes FileBytes() { return ReadFile(path_, 1 << 20).value_or(Bytes{}); }

  TempDir dir_;
  std::string path_ = dir_ / "model.safetensors";
};

// --- What is refused -----------------------------------------------------------------------------

struct Hostile {
  const char* what;
  std::string header;
  std::size_t data_bytes;
  const char* outcome;  // how the refusal begins
};

std::string Tensor(const std::string& rest) { return "{\"a\":{" + rest + "}}"; }

const Hostile kHostile[] = {
    {"empty header", "", 0, "file_malformed: the header does not begin with '{'"},
    {"blank first", " {}", 0, "file_malformed: the header does not begin with '{'"},
    {"byte order mark", "\xEF\xBB\xBF{}", 0, "file_malformed: the header does not begin with '{'"},
    {"list", "[]", 0, "file_malformed: the header does not begin with '{'"},
    {"cut JSON", "{\"a\":", 0, "file_malformed: the header is not JSON at its byte 6"},
    {"two values", "{}{}", 0, "file_malformed: the header is not JSON"},
    {"comment", "{/**/}", 0, "file_malformed: the header is not JSON"},
    {"NUL padding", std::string("{}\0\0\0\0\0\0", 8), 0, "file_malformed: the header is not JSON"},
    {"hidden behind NUL", std::string("{}\0{\"a\":", 8), 0,
     "file_malformed: the header is not JSON"},
    {"bad UTF-8", "{\"\xFF\":{}}", 0, "file_malformed: the header is not JSON"},
    {"number for a tensor", "{\"a\":1}", 0, "file_malformed: the header has a number where"},
    {"null for a tensor", "{\"a\":null}", 0, "file_malformed: the header has null where"},
    {"list for a tensor", "{\"a\":[]}", 0, "file_malformed: the header has a list where"},
    {"text for metadata", "{\"__metadata__\":\"x\"}", 0,
     "file_malformed: the header has a text where"},
    {"number in metadata", "{\"__metadata__\":{\"x\":1}}", 0,
     "file_malformed: the header has a number where"},
    {"object in metadata", "{\"__metadata__\":{\"x\":{}}}", 0,
     "file_malformed: the header has an object where"},
    {"metadata key twice", "{\"__metadata__\":{\"x\":\"1\",\"x\":\"2\"}}", 0,
     "file_malformed: the key \"x\" comes twice"},
    {"metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0,
     "file_malformed: the key \"__metadata__\" comes twice"},
    {"tensor twice",
     "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
     8, "file_malformed: the key \"a\" comes twice"},
    {"tensor twice, escaped",
     "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"\\u0061\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
     8, "file_malformed: the key \"a\" comes twice"},
    {"dtype twice", Tensor(R"("dtype":"F32","dtype":"F64","shape":[1],"data_offsets":[0,4])"), 4,
     "file_malformed: the key \"dtype\" comes twice"},
    {"unknown key", Tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1)"), 4,
     "file_malformed: tensor \"a\" has the unknown key \"x\""},
    {"no dtype", Tensor(R"("shape":[1],"data_offsets":[0,4])"), 4,
     "file_malformed: tensor \"a\" lacks"},
    {"no shape", Tensor(R"("dtype":"F32","data_offsets":[0,4])"), 4,
     "file_malformed: tensor \"a\" lacks"},
    {"no offsets", Tensor(R"("dtype":"F32","shape":[1])"), 4, "file_malformed: tensor \"a\" lacks"},
    {"number for dtype", Tensor(R"("dtype":7,"shape":[1],"data_offsets":[0,4])"), 4,
     "file_malformed: the header has a number where"},
    {"text for shape", Tensor(R"("dtype":"F32","shape":"1","data_offsets":[0,4])"), 4,
     "file_malformed: the header has a text where"},
    {"list for dtype", Tensor(R"("dtype":["F32"],"shape":[1],"data_offsets":[0,4])"), 4,
     "file_malformed: the header has a list where"},
    {"half precision", Tensor(R"("dtype":"BF16","shape":[1],"data_offsets":[0,2])"), 2,
     "unsupported: tensor \"a\" has dtype \"BF16\"; this build reads F32, F64 and I64"},
    {"unknown dtype", Tensor(R"("dtype":"F\u001b[31m","shape":[1],"data_offsets":[0,2])"), 2,
     "unsupported: tensor \"a\" has dtype \"F?[31m\""},
    {"negative dimension", Tensor(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), 4,
     "file_malformed: the header has a negative number where it cannot be, at or behind tensor"},
    {"fraction", Tensor(R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])"), 4,
     "file_malformed: the header has a fraction"},
    {"beyond 64 bits",
     Tensor(R"("dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4])"), 4,
     "file_malformed: the header has a fraction or a number beyond 64 bits"},
    {"number out of all range", Tensor(R"("dtype":"F32","shape":[1e999],"data_offsets":[0,4])"), 4,
     "file_malformed: the header is not JSON"},
    {"nested shape", Tensor(R"("dtype":"F32","shape":[[1]],"data_offsets":[0,4])"), 4,
     "file_malformed: the header has a list where"},
    {"empty tensor", Tensor(R"("dtype":"F32","shape":[0],"data_offsets":[0,0])"), 0,
     "unsupported: tensor \"a\" is empty"},
    {"nine dimensions", Tensor(R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4])"),
     4, "too_large: tensor \"a\" has more than 8 dimensions"},
    {"shape that wraps to 4 bytes",
     Tensor(R"("dtype":"F32","shape":[4294967296,4294967296,1],"data_offsets":[0,4])"), 4,
     "too_large: tensor a is larger than a model may be"},
    {"shape whose bytes wrap",
     Tensor(R"("dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4])"), 4,
     "too_large: tensor a is larger than a model may be"},
    {"one offset", Tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0])"), 4,
     "file_malformed: tensor \"a\" has fewer than two data_offsets"},
    {"three offsets", Tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,8])"), 4,
     "file_malformed: tensor \"a\" has more than two data_offsets"},
    {"offsets backwards",
     Tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615])"), 4,
     "file_malformed: tensor \"a\" has data_offsets [0,18446744073709551615], but its shape"},
    {"end before begin",
     "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]}}",
     12, "file_malformed: tensor \"b\" has data_offsets [8,4], but its shape needs 4 bytes"},
    {"too few bytes for the shape", Tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), 4,
     "file_malformed: tensor \"a\" has data_offsets [0,4], but its shape needs 8 bytes"},
    {"gap before the first", Tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"), 8,
     "file_malformed: tensor \"a\" leaves a gap"},
    {"gap",
     "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
     12,
     "file_malformed: tensor \"b\" leaves a gap behind what comes before it: it begins at 8, "
     "expected 4"},
    {"overlap",
     "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
     8, "file_malformed: tensor \"b\" overlaps"},
    {"the same bytes twice",
     "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
     4, "file_malformed: tensor \"b\" overlaps"},
    {"another order",
     "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
     8, "unsupported: the header lists the tensors in another order"},
    {"trailing byte", Tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"), 5,
     "file_malformed: the tensors have 4 bytes by the header, but 5 follow it"},
    {"missing byte", Tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"), 3,
     "file_malformed: the tensors have 4 bytes by the header, but 3 follow it"},
    {"claimed gigabytes",
     Tensor(R"("dtype":"F32","shape":[4294967296],"data_offsets":[0,17179869184])"), 0,
     "file_malformed: the tensors have 17179869184 bytes by the header, but 0 follow it"},
    {"data of nobody", "{}", 1, "file_malformed: the tensors have 0 bytes by the header"},
    {"nameless", "{\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "file_malformed: a tensor has no name"},
    {"long name", "{\"" + std::string(257, 'n') + "\":{}}", 0, "too_large: the name \"nnn"},
    {"name that moves the cursor", "{\"a\\u001b[2J\":{}}", 0,
     "unsupported: the name \"a?[2J\" holds control characters"},
    {"bomb of lists", "{\"a\":" + std::string(1'000'000, '['), 0,
     "file_malformed: the header has a list where"},
    {"bomb of objects",
     [] {
       std::string text;
       for (int i = 0; i < 200'000; ++i) text += "{\"a\":";
       return text;
     }(),
     0, "file_malformed: "},
    {"bomb of a shape",
     "{\"a\":{\"shape\":[1" +
         [] {
           std::string text;
           for (int i = 0; i < 500'000; ++i) text += ",1";
           return text;
         }(),
     0, "too_large: tensor \"a\" has more than 8 dimensions"},
};

TEST(SafetensorsTest, HostileHeadersAreRefusedByReason) {
  for (const Hostile& hostile : kHostile) {
    EXPECT_THAT(OutcomeOf(FileOf(hostile.header, hostile.data_bytes)), StartsWith(hostile.outcome))
        << hostile.what;
  }
}

TEST(SafetensorsTest, FalseHeaderLengthsAreRefused) {
  EXPECT_THAT(OutcomeOf(Bytes(7)), StartsWith("file_malformed: a safetensors file begins with 8"));
  Bytes bytes = FileOf("{}");
  StoreLittle(bytes, 0, std::uint64_t{3});
  EXPECT_EQ(OutcomeOf(bytes), "file_malformed: the file ends inside its header");
  for (const std::uint64_t length : {std::uint64_t{limits::kSafetensorsHeaderBytesMax} + 1,
                                     ~std::uint64_t{0}, ~std::uint64_t{0} - 7}) {
    StoreLittle(bytes, 0, length);
    EXPECT_THAT(OutcomeOf(bytes), StartsWith("too_large: the header has ")) << length;
  }
}

TEST(SafetensorsTest, OneTensorTooManyIsRefused) {
  std::string header = "{";
  for (std::size_t i = 0; i <= limits::kTensorsMax; ++i) {
    header += (i > 0 ? ",\"t" : "\"t") + std::to_string(i) +
              R"(":{"dtype":"F32","shape":[1],"data_offsets":[)" + std::to_string(4 * i) + "," +
              std::to_string(4 * i + 4) + "]}";
  }
  header += "}";
  EXPECT_EQ(OutcomeOf(FileOf(header, 4 * (limits::kTensorsMax + 1))),
            "too_large: more than 4096 tensors");
}

TEST(SafetensorsTest, EveryTruncationIsMalformed) {
  const Bytes whole = FileOf(Tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])"), 8);
  ASSERT_EQ(OutcomeOf(whole), "accepted");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(OutcomeOf(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
                StartsWith("file_malformed: "))
        << size;
  }
}

TEST(SafetensorsTest, FlippedBitsGiveAnErrorOrALayoutOfTheSameSize) {
  constexpr std::uint64_t kSeed = 1;
  RecordProperty("seed", static_cast<int>(kSeed));
  const Bytes whole = FileOf(
      "{\"__metadata__\":{\"round\":\"3\"},\"a\":{\"dtype\":\"F64\",\"shape\":[2,1],"
      "\"data_offsets\":[0,16]},\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[16,20]}}",
      20);
  ASSERT_EQ(OutcomeOf(whole), "accepted");
  std::uint64_t accepted = 0;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    KeyedStream stream(kSeed, "safetensors-bit-flips", {i});
    Bytes bytes = whole;
    for (std::uint64_t flips = 1 + stream.Below(3); flips > 0; --flips) {
      const std::uint64_t bit = stream.Below((whole.size() - 20) * 8);
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
    const auto file = ParseSafetensors(bytes);
    if (!file) continue;
    ++accepted;
    std::uint64_t tensor_bytes = 0;
    for (const auto& entry : file->parameters.layout().entries()) tensor_bytes += entry.size_bytes;
    EXPECT_EQ(tensor_bytes, 20U) << "seed " << kSeed << " case " << i;
  }
  EXPECT_GT(accepted, 0U);
  EXPECT_LT(accepted, 9'000U);
}

// --- What is read --------------------------------------------------------------------------------

TEST(SafetensorsTest, OrderOfKeysAndBlanksAreFree) {
  const auto file = ParseSafetensors(
      FileOf("{ \"b\" : {\"data_offsets\":[0,8],\"shape\":[ 1 ],\"dtype\":\"I64\"} ,\n"
             "  \"__metadata__\" : { \"k\" : \"v\" } }    ",
             8));
  ASSERT_TRUE(file.has_value()) << file.error().Text();
  ASSERT_EQ(file->parameters.layout().entries().size(), 1U);
  EXPECT_EQ(file->parameters.layout().entries()[0].spec, (TensorSpec{"b", DType::i64, {1}}));
  EXPECT_EQ(file->metadata, (SafetensorsMetadata{{"k", "v"}}));
}

TEST(SafetensorsTest, EmptyFileOfNoTensorsIsAModelOfNone) {
  const auto file = ParseSafetensors(FileOf("{}"));
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->parameters.layout().total_bytes(), 0U);
}

// --- What is written -----------------------------------------------------------------------------

TEST_F(SafetensorsFileTest, BytesOfAKnownModelNeverChange) {
  ParameterSet model = Model({{"w", DType::f32, {1, 2}}, {"b", DType::f32, {}}});
  model.F32(0)[0] = 1.0F;
  model.F32(0)[1] = -2.0F;
  model.F32(1)[0] = 0.5F;
  ASSERT_TRUE(Write(model, {{"round", "3"}, {"job", "demo"}}).has_value());
  const std::string header = R"({"__metadata__":{"job":"demo","round":"3"},)"
                             R"("w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
                             R"("b":{"dtype":"F32","shape":[],"data_offsets":[8,12]}} )";
  const std::string data("\x00\x00\x80\x3f\x00\x00\x00\xc0\x00\x00\x00\x3f", 12);
  EXPECT_EQ(header.size(), 152U);
  EXPECT_EQ(AsText(FileBytes()), std::string("\x98\0\0\0\0\0\0\0", 8) + header + data);
}

TEST_F(SafetensorsFileTest, ModelComesBackWithItsMetadata) {
  ParameterSet model = SmallModel();
  model.F32(0)[0] = std::numeric_limits<float>::quiet_NaN();
  const SafetensorsMetadata metadata = {{"digest", "00ff"}, {"m\xC3\xBCster", "\"\n\x01"}};
  ASSERT_TRUE(Write(model, metadata).has_value());
  const auto file = ReadSafetensors(path_);
  ASSERT_TRUE(file.has_value()) << file.error().Text();
  EXPECT_EQ(file->parameters.layout(), model.layout());
  EXPECT_EQ(Hex(file->parameters.bytes()), Hex(model.bytes()));
  EXPECT_EQ(file->metadata, metadata);
}

TEST_F(SafetensorsFileTest, EveryDTypeAndAwkwardNameComesBack) {
  ParameterSet model = Model({{"\"\\/\xE2\x82\xAC", DType::f64, {1, 1, 1, 1, 1, 1, 1, 3}},
                              {std::string(256, 'n'), DType::i64, {2}},
                              {"dtype", DType::f32, {17}}});
  for (std::size_t i = 0; i < 24; ++i) model.bytes()[i] = static_cast<std::byte>(i);
  ASSERT_TRUE(Write(model).has_value());
  const auto file = ReadSafetensors(path_);
  ASSERT_TRUE(file.has_value()) << file.error().Text();
  EXPECT_EQ(file->parameters.layout(), model.layout());
  EXPECT_EQ(Hex(file->parameters.bytes()), Hex(model.bytes()));
}

TEST_F(SafetensorsFileTest, MostTensorsAllowedComeBack) {
  std::vector<TensorSpec> specs;
  for (std::size_t i = 0; i < limits::kTensorsMax; ++i) {
    specs.push_back({"t" + std::to_string(i), DType::f32, {1}});
  }
  const ParameterSet model = Model(std::move(specs));
  ASSERT_TRUE(Write(model).has_value());
  const auto file = ReadSafetensors(path_);
  ASSERT_TRUE(file.has_value()) << file.error().Text();
  EXPECT_EQ(file->parameters.layout(), model.layout());
}

TEST_F(SafetensorsFileTest, SizesOfThePiecesChangeNoByte) {
  const ParameterSet model = SmallModel();
  ASSERT_TRUE(Write(model).has_value());
  const Bytes expected = FileBytes();
  for (std::size_t piece : {1U, 3U, 24U, 63U, 64U, 65U, 128U}) {
    auto writer = SafetensorsWriter::Create(path_, model.layout(), {});
    ASSERT_TRUE(writer.has_value());
    ByteSpan rest = model.bytes();
    while (!rest.empty()) {
      const std::size_t size = std::min(piece, rest.size());
      ASSERT_TRUE(writer->Append(rest.first(size)).has_value());
      rest = rest.subspan(size);
    }
    ASSERT_TRUE(writer->Commit().has_value());
    EXPECT_EQ(Hex(FileBytes()), Hex(expected)) << piece;
  }
}

TEST_F(SafetensorsFileTest, DataBeginsAtAMultipleOfEight) {
  for (std::size_t length = 1; length <= 9; ++length) {
    auto layout = ParameterLayout::Create({{std::string(length, 'n'), DType::f64, {1}}});
    ASSERT_TRUE(layout.has_value());
    const auto header = EncodeSafetensorsHeader(*layout, {});
    ASSERT_TRUE(header.has_value());
    EXPECT_EQ((8 + header->size()) % 8, 0U) << length;
  }
}

TEST_F(SafetensorsFileTest, WriterDroppedHalfwayLeavesTheOldFile) {
  ASSERT_TRUE(Write(SmallModel()).has_value());
  const Bytes before = FileBytes();
  {
    auto writer = SafetensorsWriter::Create(path_, SmallModel().layout(), {});
    ASSERT_TRUE(writer.has_value());
    ASSERT_TRUE(writer->Append(Bytes(10)).has_value());
  }
  EXPECT_EQ(FileBytes(), before);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".tmp"));
}

TEST_F(SafetensorsFileTest, NamesThatJsonCannotHoldAreRefused) {
  EXPECT_EQ(Write(Model({{"\xFF", DType::f32, {1}}})).error().reason, Reason::config_invalid);
  EXPECT_EQ(Write(Model({{"__metadata__", DType::f32, {1}}})).error().reason,
            Reason::config_invalid);
  EXPECT_EQ(Write(SmallModel(), {{"k", "\xC3"}}).error().reason, Reason::config_invalid);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SafetensorsFileTest, MetadataBeyondTheHeaderLimitIsRefused) {
  const std::string large(limits::kSafetensorsHeaderBytesMax, 'x');
  EXPECT_EQ(Write(SmallModel(), {{"k", large}}).error().reason, Reason::too_large);
}

TEST_F(SafetensorsFileTest, ReadErrorsNameThePathOnce) {
  const auto absent = ReadSafetensors(path_);
  EXPECT_EQ(absent.error().reason, Reason::not_found);
  EXPECT_THAT(absent.error().message, HasSubstr(path_));
  ASSERT_TRUE(WriteFileAtomically(path_, FileOf("[]"), 0644).has_value());
  EXPECT_EQ(ReadSafetensors(path_).error().Text(),
            "file_malformed: " + path_ + ": the header does not begin with '{'");
}

TEST_F(SafetensorsFileTest, AppendBeyondTheModelIsABugOfTheCaller) {
  EXPECT_DEATH(
      {
        auto writer = SafetensorsWriter::Create(path_, SmallModel().layout(), {});
        (void)writer->Append(Bytes(1000)).has_value();
      },
      "more than the model");
}

}  // namespace
}  // namespace muster
