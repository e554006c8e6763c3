// The order of rounds and each rule that ends them, with passes that only pretend.
#include "measure/run/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <thread>

namespace moe::measure {
namespace {

constexpr double kForever = 1e9;

/// Notes who was sampled; a pass of variant i takes the pretended time of `seconds(i, sample
/// number)`. A turn has `turn_samples` of them.
struct Recorder {
  std::string order;  // "ABC..."
  std::map<std::size_t, std::vector<PassSeconds>> finished, cut;
  std::string finish_order;
  std::vector<int> rounds;
  int stop_after = 1 << 30;  // samples, then an interrupt
  int num_samples = 0;
  int turn_samples = 1;

  std::vector<Turn> turns(int count, std::function<PassSeconds(int variant, int sample)> seconds) {
    std::vector<Turn> all;
    for (int i = 0; i < count; ++i) {
      all.push_back([this, i, seconds, sample = 0](int most) mutable {
        std::vector<PassSeconds> samples;
        for (int k = 0; k < std::min(most, turn_samples); ++k) {
          order += static_cast<char>('A' + i);
          ++num_samples;
          samples.push_back(seconds(i, sample++));
        }
        return samples;
      });
    }
    return all;
  }

  SamplerEvents events() {
    return {
        .after_round = [this](int round, double) { rounds.push_back(round); },
        .finished =
            [this](std::size_t i, const std::vector<PassSeconds>& samples) {
              finish_order += static_cast<char>('A' + i);
              EXPECT_TRUE(finished.emplace(i, samples).second) << "finished twice";
            },
        .cut = [this](std::size_t i, const std::vector<PassSeconds>& samples) { cut[i] = samples; },
        .interrupted = [this] { return num_samples >= stop_after; }};
  }
};

PassSeconds quiet(int, int) {
  return {1, 2};
}

PassSeconds noisy(int, int sample) {
  return {sample % 2 == 0 ? 1.0 : 3.0, 1};
}

SamplerOptions options(int min_samples, int max_samples, double time_cap_s = kForever) {
  return {.min_samples = min_samples,
          .max_samples = max_samples,
          .noise_target = 0.01,
          .time_cap_s = time_cap_s};
}

TEST(Sampler, TakesRoundsForwardsAndBackwards) {
  Recorder recorder;
  EXPECT_TRUE(sample_in_turn(recorder.turns(3, quiet), options(4, 9), recorder.events()));
  EXPECT_EQ(recorder.order, "ABCCBAABCCBA");
  EXPECT_EQ(recorder.rounds, (std::vector<int>{1, 2, 3, 4}));
}

TEST(Sampler, QuietVariantsStopAtTheFewestSamples) {
  Recorder recorder;
  EXPECT_TRUE(sample_in_turn(recorder.turns(2, quiet), options(10, 200), recorder.events()));
  EXPECT_EQ(recorder.finished[0].size(), 10u);
  EXPECT_EQ(recorder.finished[1].size(), 10u);
  EXPECT_EQ(recorder.finished[1][9].total(), 3);
}

TEST(Sampler, NoisyVariantsStopAtTheMostSamples) {
  Recorder recorder;
  EXPECT_TRUE(sample_in_turn(recorder.turns(1, noisy), options(3, 17), recorder.events()));
  EXPECT_EQ(recorder.finished[0].size(), 17u);
}

TEST(Sampler, MostSamplesCountBeforeTheFewest) {
  Recorder recorder;
  EXPECT_TRUE(sample_in_turn(recorder.turns(2, quiet), options(10, 3), recorder.events()));
  EXPECT_EQ(recorder.finished[0].size(), 3u);
}

TEST(Sampler, NoiseIsThatOfForwardAndBackwardTogether) {
  Recorder recorder;
  const auto opposed = [](int, int sample) {
    return sample % 2 == 0 ? PassSeconds{1, 2} : PassSeconds{2, 1};
  };
  EXPECT_TRUE(sample_in_turn(recorder.turns(1, opposed), options(4, 20), recorder.events()));
  EXPECT_EQ(recorder.finished[0].size(), 4u);
}

TEST(Sampler, AFinishedVariantLeavesTheOthersToThemselves) {
  Recorder recorder;
  const auto seconds = [](int variant, int sample) {
    return variant == 1 ? noisy(variant, sample) : quiet(variant, sample);
  };
  EXPECT_TRUE(sample_in_turn(recorder.turns(3, seconds), options(2, 4), recorder.events()));
  EXPECT_EQ(recorder.order, "ABCCBABB");
  EXPECT_EQ(recorder.finish_order, "ACB");
}

TEST(Sampler, FinishedVariantsAreReportedAtOnce) {
  Recorder recorder;
  SamplerEvents events = recorder.events();
  std::size_t finished_after_two_rounds = 0;
  events.after_round = [&](int round, double) {
    if (round == 2) finished_after_two_rounds = recorder.finished.size();
  };
  const auto seconds = [](int variant, int sample) {
    return variant == 1 ? noisy(variant, sample) : quiet(variant, sample);
  };
  EXPECT_TRUE(sample_in_turn(recorder.turns(2, seconds), options(2, 9), events));
  EXPECT_EQ(finished_after_two_rounds, 1u);
}

PassSeconds sleeps_20_ms(int, int) {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return {0.02, 0};
}

TEST(Sampler, TheFirstRoundAlwaysRuns) {
  Recorder recorder;
  EXPECT_TRUE(
      sample_in_turn(recorder.turns(3, sleeps_20_ms), options(10, 20, 0), recorder.events()));
  EXPECT_EQ(recorder.order, "ABC");
  EXPECT_EQ(recorder.finished.size(), 3u);
}

TEST(Sampler, BeginsNoRoundThatWouldEndLate) {
  Recorder recorder;
  double left = 0;
  SamplerEvents events = recorder.events();
  events.after_round = [&](int round, double seconds_left) {
    recorder.rounds.push_back(round);
    left = seconds_left;
  };
  // Rounds of at least 40 ms: a third would end after 120 ms. A busy machine only makes them
  // longer.
  EXPECT_TRUE(sample_in_turn(recorder.turns(2, sleeps_20_ms), options(10, 20, 0.1), events));
  EXPECT_GE(recorder.rounds.size(), 1u);
  EXPECT_LE(recorder.rounds.size(), 2u);
  EXPECT_LT(left, 0.1 - 0.039 * static_cast<double>(recorder.rounds.size()));
}

TEST(Sampler, AnInterruptKeepsWhatWasSampled) {
  Recorder recorder;
  recorder.stop_after = 4;
  EXPECT_FALSE(sample_in_turn(recorder.turns(3, quiet), options(10, 20), recorder.events()));
  EXPECT_EQ(recorder.order, "ABCC");
  EXPECT_EQ(recorder.cut[0].size(), 1u);
  EXPECT_EQ(recorder.cut[1].size(), 1u);
  EXPECT_EQ(recorder.cut[2].size(), 2u);
  EXPECT_TRUE(recorder.finished.empty()) << "they would have got more samples";
}

TEST(Sampler, AnInterruptLeavesFinishedVariantsFinished) {
  Recorder recorder;
  recorder.stop_after = 8;
  const auto seconds = [](int variant, int sample) {
    return variant == 0 ? quiet(0, 0) : noisy(1, sample);
  };
  EXPECT_FALSE(sample_in_turn(recorder.turns(2, seconds), options(2, 20), recorder.events()));
  EXPECT_EQ(recorder.finish_order, "A");
  ASSERT_EQ(recorder.cut.size(), 1u);
  EXPECT_EQ(recorder.cut[1].size(), 6u);
}

TEST(Sampler, AnInterruptInTheFirstRoundCutsOnlyWhatRan) {
  Recorder recorder;
  recorder.stop_after = 2;
  EXPECT_FALSE(sample_in_turn(recorder.turns(3, quiet), options(10, 20), recorder.events()));
  EXPECT_EQ(recorder.cut.size(), 2u);
  EXPECT_EQ(recorder.finish_order, "");
}

TEST(Sampler, AnInterruptBeforeTheFirstSampleTakesNone) {
  Recorder recorder;
  recorder.stop_after = 0;
  EXPECT_FALSE(sample_in_turn(recorder.turns(3, quiet), options(10, 20), recorder.events()));
  EXPECT_EQ(recorder.order, "");
  EXPECT_TRUE(recorder.finished.empty());
}

TEST(Sampler, ATurnMayHaveSeveralSamplesAndNeverMoreThanAreWanted) {
  Recorder recorder;
  recorder.turn_samples = 5;
  EXPECT_TRUE(sample_in_turn(recorder.turns(2, noisy), options(3, 7), recorder.events()));
  EXPECT_EQ(recorder.order, "AAAAABBBBBBBAA");
  EXPECT_EQ(recorder.finished[0].size(), 7u);
}

}  // namespace
}  // namespace moe::measure
