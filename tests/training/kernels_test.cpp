// The kernels against a model in doubles that is written for clarity, and against numeric
// derivatives of it.
#include "training/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "common/random.h"

namespace muster {
namespace {

constexpr std::uint32_t kCount = 6;

// 64-byte-aligned floats; AddressSanitizer sees every step beyond them.
class AlignedFloats {
 public:
  explicit AlignedFloats(std::size_t count)
      : data_(static_cast<float*>(::operator new[](count * sizeof(float), std::align_val_t{64}))) {}
  float* get() const { return data_.get(); }

 private:
  struct Free {
    void operator()(float* data) const { ::operator delete[](data, std::align_val_t{64}); }
  };
  std::unique_ptr<float[], Free> data_;
};

using Tensors = std::vector<std::vector<double>>;

// The mean of nothing: the loss summed over the batch, in doubles.
double ReferenceLoss(const std::vector<std::uint32_t>& units, const Tensors& tensors,
                     const std::vector<std::uint8_t>& pixels,
                     const std::vector<std::uint8_t>& labels) {
  double loss = 0;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    std::vector<double> values;
    for (std::uint32_t i = 0; i < units[0]; ++i)
      values.push_back(pixels[row * units[0] + i] / 255.0);
    for (std::size_t layer = 0; layer + 1 < units.size(); ++layer) {
      std::vector<double> next = tensors[2 * layer + 1];
      for (std::uint32_t i = 0; i < units[layer]; ++i) {
        for (std::uint32_t o = 0; o < units[layer + 1]; ++o) {
          next[o] += values[i] * tensors[2 * layer][i * units[layer + 1] + o];
        }
      }
      if (layer + 2 < units.size()) {
        for (double& value : next) value = std::max(value, 0.0);
      }
      values = next;
    }
    double sum = 0;
    for (const double value : values) sum += std::exp(value);
    loss += std::log(sum) - values[labels[row]];
  }
  return loss;
}

class Kernel : public ::testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    if (!IsSupported(GetParam())) GTEST_SKIP() << "this CPU lacks the instructions";
  }

  // A model of the given layers with random parameters, and a random batch.
  void Make(std::vector<std::uint32_t> units, float parameter_max = 1.0F) {
    units_ = std::move(units);
    shape_ = {static_cast<std::uint32_t>(units_.size() - 1), units_.data()};
    KeyedStream stream(11, "kernels_test", {units_.size()});
    for (std::size_t layer = 0; layer + 1 < units_.size(); ++layer) {
      for (const std::size_t count :
           {std::size_t{units_[layer]} * units_[layer + 1], std::size_t{units_[layer + 1]}}) {
        parameters_.emplace_back(count);
        std::vector<double> values;
        for (std::size_t i = 0; i < count; ++i) {
          parameters_.back().get()[i] = stream.Uniform(-parameter_max, parameter_max);
          values.push_back(parameters_.back().get()[i]);
        }
        reference_.push_back(std::move(values));
      }
    }
    for (std::size_t i = 0; i < std::size_t{kCount} * units_[0]; ++i) {
      pixels_.push_back(static_cast<std::uint8_t>(stream.Below(256)));
    }
    for (std::uint32_t row = 0; row < kCount; ++row) {
      labels_.push_back(static_cast<std::uint8_t>(stream.Below(units_.back())));
    }
  }

  std::vector<float*> Pointers() const {
    std::vector<float*> pointers;
    for (const AlignedFloats& tensor : parameters_) pointers.push_back(tensor.get());
    return pointers;
  }

  // Calls `body` with the batch and a workspace of exactly the announced size.
  template <typename Body>
  auto WithBatch(Body body) {
    std::vector<const std::uint8_t*> images;
    for (std::uint32_t row = 0; row < kCount; ++row) {
      images.push_back(pixels_.data() + std::size_t{row} * units_[0]);
    }
    const std::uint64_t bytes = Kernels(GetParam()).workspace_bytes(shape_, kCount);
    EXPECT_EQ(bytes % 64, 0U);
    const AlignedFloats workspace(bytes / sizeof(float));
    std::memset(workspace.get(), 0xff, bytes);  // NaN: nothing may be read before it is written.
    return body(ExampleBatch{images.data(), labels_.data(), kCount}, workspace.get());
  }

  BatchScore Evaluate() {
    const std::vector<float*> parameters = Pointers();
    return WithBatch([&](const ExampleBatch& batch, void* workspace) {
      return Kernels(GetParam()).evaluate(shape_, parameters.data(), batch, workspace);
    });
  }

  // factor * gradient of each tensor, added to zeros.
  std::vector<std::vector<float>> Gradient(float factor) {
    std::vector<AlignedFloats> sums;
    std::vector<float*> out;
    for (const std::vector<double>& values : reference_) {
      sums.emplace_back(values.size());
      std::fill_n(sums.back().get(), values.size(), 0.0F);
      out.push_back(sums.back().get());
    }
    AddGradient(factor, out);
    std::vector<std::vector<float>> gradient;
    for (std::size_t tensor = 0; tensor < out.size(); ++tensor) {
      gradient.emplace_back(out[tensor], out[tensor] + reference_[tensor].size());
    }
    return gradient;
  }

  void AddGradient(float factor, const std::vector<float*>& out) {
    const std::vector<float*> parameters = Pointers();
    WithBatch([&](const ExampleBatch& batch, void* workspace) {
      Kernels(GetParam())
          .add_gradient(shape_, parameters.data(), batch, factor, out.data(), workspace);
    });
  }

  void ExpectGradientIsNumericDerivative() {
    constexpr double kStep = 1e-6;
    const std::vector<std::vector<float>> gradient = Gradient(1.0F);
    for (std::size_t tensor = 0; tensor < reference_.size(); ++tensor) {
      for (std::size_t i = 0; i < reference_[tensor].size(); ++i) {
        Tensors moved = reference_;
        moved[tensor][i] += kStep;
        const double above = ReferenceLoss(units_, moved, pixels_, labels_);
        moved[tensor][i] -= 2 * kStep;
        const double below = ReferenceLoss(units_, moved, pixels_, labels_);
        ASSERT_NEAR(gradient[tensor][i], (above - below) / (2 * kStep), 2e-5)
            << "tensor " << tensor << " value " << i;
      }
    }
  }

  std::vector<std::uint32_t> units_;
  DenseShape shape_{};
  std::vector<AlignedFloats> parameters_;
  Tensors reference_;
  std::vector<std::uint8_t> pixels_;
  std::vector<std::uint8_t> labels_;
};

TEST_P(Kernel, SoftmaxGradientIsNumericDerivative) {
  Make({23, 10});
  ExpectGradientIsNumericDerivative();
}

TEST_P(Kernel, PerceptronGradientIsNumericDerivative) {
  Make({17, 9, 6, 4});
  ExpectGradientIsNumericDerivative();
}

TEST_P(Kernel, DeepPerceptronGradientIsNumericDerivative) {
  Make({5, 7, 3, 8, 6, 3});
  ExpectGradientIsNumericDerivative();
}

TEST_P(Kernel, LossIsThatOfTheReference) {
  Make({17, 9, 6, 4});
  EXPECT_NEAR(Evaluate().loss_sum, ReferenceLoss(units_, reference_, pixels_, labels_), 1e-5);
}

TEST_P(Kernel, GradientScalesWithTheFactor) {
  Make({17, 9, 4});
  const auto once = Gradient(1.0F);
  const auto scaled = Gradient(-0.25F);
  for (std::size_t tensor = 0; tensor < once.size(); ++tensor) {
    for (std::size_t i = 0; i < once[tensor].size(); ++i) {
      ASSERT_NEAR(scaled[tensor][i], -0.25F * once[tensor][i], 1e-6);
    }
  }
}

TEST_P(Kernel, GradientAddedInPlaceIsThatOfTheOldParameters) {
  Make({17, 9, 6, 4});
  const auto step = Gradient(-0.5F);
  AddGradient(-0.5F, Pointers());
  for (std::size_t tensor = 0; tensor < step.size(); ++tensor) {
    for (std::size_t i = 0; i < step[tensor].size(); ++i) {
      ASSERT_NEAR(Pointers()[tensor][i], reference_[tensor][i] + step[tensor][i], 1e-6);
    }
  }
}

TEST_P(Kernel, EqualCallsGiveEqualBits) {
  Make({784, 200, 10}, 0.05F);
  EXPECT_EQ(Gradient(-0.1F), Gradient(-0.1F));
  EXPECT_EQ(Evaluate().loss_sum, Evaluate().loss_sum);
}

TEST_P(Kernel, HugeOutputsStayFinite) {
  Make({17, 4}, 1e6F);
  EXPECT_TRUE(std::isfinite(Evaluate().loss_sum));
  for (const std::vector<float>& tensor : Gradient(1.0F)) {
    for (const float value : tensor) ASSERT_TRUE(std::isfinite(value));
  }
}

TEST_P(Kernel, TheLowestClassWinsATie) {
  Make({17, 4}, 0.0F);
  labels_ = {0, 0, 1, 2, 3, 0};
  EXPECT_EQ(Evaluate().correct, 3U);
  EXPECT_NEAR(Evaluate().loss_sum, kCount * std::log(4.0), 1e-9);
}

INSTANTIATE_TEST_SUITE_P(Sets, Kernel,
                         ::testing::Values(InstructionSet::baseline, InstructionSet::x86_v3),
                         [](const auto& set) {
                           return set.param == InstructionSet::baseline ? "Baseline" : "X86V3";
                         });

TEST(Kernels, TheBestSetIsSupported) { EXPECT_TRUE(IsSupported(BestInstructionSet())); }

}  // namespace
}  // namespace muster
