// Versions back in memory, models out to safetensors and in again.
#include "checkpoint/export.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "aggregation/version.h"
#include "checkpoint/load.h"
#include "common/limits.h"
#include "common/random.h"
#include "model/safetensors.h"
#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster {
namespace {

using testing::HasSubstr;

class ExportTest : public StoreFixture {
 protected:
  /// A model larger than a chunk, and server state behind it.
  static ParameterLayout ModelLayout() {
    return *ParameterLayout::Create({{.name = "w", .dtype = DType::f32, .shape = {700, 400}},
                                     {.name = "b", .dtype = DType::f32, .shape = {400}}});
  }
  static ParameterLayout StateLayout() {
    return *ParameterLayout::Create({{.name = "m", .dtype = DType::f32, .shape = {300'000}}});
  }
  static ParameterSet Contents(Version version) {
    ParameterSet set(*ParameterLayout::Concatenate(ModelLayout(), StateLayout()));
    KeyedStream stream(version, "weights", {});
    for (std::size_t i = 0; i < set.layout().entries().size(); ++i) {
      for (float& value : set.F32(i)) value = stream.Uniform(-1, 1);
    }
    return set;
  }
  static VersionManifest ManifestOf(Version version) {
    auto manifest = DescribeVersion(Contents(version), 2, version);
    EXPECT_TRUE(manifest) << manifest.error().Text();
    return *manifest;
  }
  void CommitContents(Version version) {
    const ParameterSet contents = Contents(version);
    auto writer = store_->BeginVersion(version);
    ASSERT_TRUE(writer);
    ByteSpan rest = contents.bytes();
    while (!rest.empty()) {
      const std::size_t size = std::min<std::size_t>(rest.size(), limits::kVersionChunkBytes);
      ASSERT_TRUE((*writer)->Append(rest.first(size)));
      rest = rest.subspan(size);
    }
    ASSERT_TRUE((*writer)->Finish());
    std::vector<Mutation> mutations = {PutVersion{ManifestOf(version)}};
    if (version > 0) mutations.push_back(PutRoundRecord{SampleRoundRecord(version)});
    Write(std::move(mutations));
  }
  std::string path() const { return temporary_ / "model.safetensors"; }
};

bool SameBytes(ByteSpan a, ByteSpan b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

TEST_F(ExportTest, AVersionLoadsAsItWasWritten) {
  Open();
  CommitContents(1);
  Reopen();
  auto whole = LoadVersion(*store_, *recovered().head);
  ASSERT_TRUE(whole) << whole.error().Text();
  EXPECT_TRUE(whole->layout() == Contents(1).layout());
  EXPECT_TRUE(SameBytes(whole->bytes(), Contents(1).bytes()));
  auto model = LoadModel(*store_, *recovered().head);
  ASSERT_TRUE(model) << model.error().Text();
  EXPECT_TRUE(model->layout() == ModelLayout());
  EXPECT_EQ(model->F32(1)[399], whole->F32(1)[399]);
}

TEST_F(ExportTest, AnInconsistentManifestIsDamage) {
  Open();
  CommitContents(1);
  const VersionManifest good = ManifestOf(1);
  const auto expect_damage = [&](const VersionManifest& manifest, const char* what) {
    const auto loaded = LoadVersion(*store_, manifest);
    ASSERT_FALSE(loaded) << what;
    EXPECT_EQ(loaded.error().reason, Reason::damage) << what;
    EXPECT_THAT(loaded.error().message, HasSubstr("version 1")) << what;
  };
  VersionManifest bad = good;
  bad.digest[0] ^= std::byte{1};
  expect_damage(bad, "digest");
  bad = good;
  bad.chunk_digests.pop_back();
  expect_damage(bad, "a chunk too few");
  bad = good;
  bad.total_bytes += 64;
  expect_damage(bad, "total bytes");
  bad = good;
  bad.tensors[0].name = "v";
  expect_damage(bad, "a tensor's name");
  bad = good;
  bad.chunk_digests[1][0] ^= std::byte{1};
  bad.digest = VersionDigest(Contents(1).layout(), bad.chunk_digests);
  expect_damage(bad, "a chunk's digest");
  bad = good;
  bad.model_bytes -= 64;
  const auto model = LoadModel(*store_, bad);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().reason, Reason::damage);
}

TEST_F(ExportTest, TheModelIsExportedWithoutTheServerState) {
  Open();
  Write({PutJob{SampleJob()}});
  CommitContents(0);
  CommitContents(1);
  Reopen();
  const auto version = ExportVersion(*store_, std::nullopt, path());
  ASSERT_TRUE(version) << version.error().Text();
  EXPECT_EQ(*version, 1U);
  auto file = ReadSafetensors(path());
  ASSERT_TRUE(file) << file.error().Text();
  EXPECT_EQ(file->parameters.layout().entries().size(), 2U);
  EXPECT_EQ(file->parameters.layout().Find("m"), nullptr);
  EXPECT_EQ(file->metadata["muster.job"], "sample");
  EXPECT_EQ(file->metadata["muster.version"], "1");
  EXPECT_EQ(file->metadata["muster.round"], "1");
  EXPECT_EQ(file->metadata["muster.digest"], Hex(ManifestOf(1).digest));
}

TEST_F(ExportTest, HeadIsThatOfTheMomentOfTheExport) {
  Open();
  CommitContents(0);
  CommitContents(1);
  EXPECT_EQ(*ExportVersion(*store_, std::nullopt, path()), 1U);
  EXPECT_EQ(*ExportVersion(*store_, 0, path()), 0U);
}

TEST_F(ExportTest, AMissingVersionCannotBeExported) {
  Open();
  EXPECT_EQ(ExportVersion(*store_, std::nullopt, path()).error().reason, Reason::not_found);
  CommitContents(0);
  EXPECT_EQ(ExportVersion(*store_, 4, path()).error().reason, Reason::not_found);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ExportTest, OfAnUnstoredHeadTheVersionBeforeIsTheNewest) {
  Open();
  CommitContents(0);
  AcceptEach(1, 2);
  Write({PutVersion{ManifestOf(1)}, PutRoundRecord{SampleRoundRecord(1)}});
  const auto reader = OpenReader();
  EXPECT_EQ(*ExportVersion(*reader, std::nullopt, path()), 0U);
  std::filesystem::remove(path());
  const auto refused = ExportVersion(*reader, 1, path());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::not_found);
  EXPECT_THAT(refused.error().message, HasSubstr("version 1 is committed but not stored yet"));
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ExportTest, AnExportedModelIsImportedBitForBit) {
  Open();
  CommitContents(3);
  ASSERT_TRUE(ExportVersion(*store_, 3, path()));
  auto model = ImportModel(path(), ModelLayout());
  ASSERT_TRUE(model) << model.error().Text();
  auto stored = LoadModel(*store_, ManifestOf(3));
  EXPECT_TRUE(SameBytes(model->bytes(), stored->bytes()));
}

TEST_F(ExportTest, ModelsOfAnotherLayoutAreRefusedByTensor) {
  Open();
  CommitContents(1);
  ASSERT_TRUE(ExportVersion(*store_, 1, path()));
  const auto expect_refused = [&](std::vector<TensorSpec> specs, const char* what) {
    const auto model = ImportModel(path(), *ParameterLayout::Create(std::move(specs)));
    ASSERT_FALSE(model) << what;
    EXPECT_EQ(model.error().reason, Reason::config_invalid);
    EXPECT_THAT(model.error().message, HasSubstr(what));
  };
  const TensorSpec w{.name = "w", .dtype = DType::f32, .shape = {700, 400}};
  const TensorSpec b{.name = "b", .dtype = DType::f32, .shape = {400}};
  expect_refused({w}, "tensor b is not part of it");
  expect_refused({w, b, {.name = "c", .dtype = DType::f32, .shape = {1}}}, "tensor c is missing");
  expect_refused({w, {.name = "b", .dtype = DType::f32, .shape = {20, 20}}},
                 "tensor b has another");
  EXPECT_TRUE(ImportModel(path(), *ParameterLayout::Create({b, w}))) << "the order is free";
}

}  // namespace
}  // namespace muster
