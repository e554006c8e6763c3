// Radix selection by a Team: the n-th greatest of keys in no order. Every pass asks for all of
// them, counts those that agree with the digits found so far by their next 8 bits, and picks the
// digit where the count from above reaches n.
//
//   histogram   | 0 | 3 | . . . | 41 | 7 | 2 | 0 |    n = 10: the digit of the 41, the first
//               digit 0                   digit 255   of its keys
#pragma once

#include <cstdint>

#include "cuda/kernels/round/rank.h"
#include "cuda/tile/team.h"

namespace moe::cuda {

inline constexpr int kDigits = 256, kDigitGroups = 16;

/// Shared memory of a selection.
struct SelectShared {
  int histogram[kDigits], groups[kDigitGroups];
  int digit;              // the one that was picked
  int above, with_digit;  // keys of greater digits, and of this one
};

/// Picks the digit with the `wanted`-th greatest key of the histogram.
template <class Team>
MOE_TEAM void pick_digit(const Team& team, SelectShared& shared, int wanted) {
  constexpr int kSize = kDigits / kDigitGroups;
  team.each(kDigitGroups, [&](int group) {
    int sum = 0;
    for (int i = 0; i < kSize; ++i) sum += shared.histogram[group * kSize + (i + group) % kSize];
    shared.groups[group] = sum;
  });
  team.each(kDigits, [&](int digit) {
    const int count = shared.histogram[digit], group = digit / kSize;
    int above = 0;
    for (int i = group + 1; i < kDigitGroups; ++i) above += shared.groups[i];
    for (int i = digit + 1; i < (group + 1) * kSize; ++i) above += shared.histogram[i];
    if (above >= wanted || above + count < wanted) return;
    shared.digit = digit;  // by exactly one thread
    shared.above = above;
    shared.with_digit = count;
  });
}

/// A key that exactly the `wanted` greatest keys reach, or, where bits below `lowest_shift` would
/// tell them apart, these and a few more. `keys_of(item, use)` calls use(key) for each key of an
/// item; there are at least `wanted` > 0 keys in all, no two alike.
template <class Team, class KeysOf>
MOE_TEAM RankKey select_key(const Team& team, SelectShared& shared, int wanted, int items,
                            KeysOf keys_of, int lowest_shift = 0) {
  RankKey found = 0;
  for (int shift = 56; shift >= lowest_shift; shift -= 8) {
    team.each(kDigits, [&](int digit) { shared.histogram[digit] = 0; });
    team.each(items, [&](int item) {
      keys_of(item, [&](RankKey key) {
        if ((key ^ found) >> shift >> 8 != 0) return;
        team.count_up(shared.histogram[key >> shift & (kDigits - 1)]);
      });
    });
    pick_digit(team, shared, wanted);
    found |= static_cast<RankKey>(shared.digit) << shift;
    wanted -= shared.above;
    if (shared.with_digit == wanted) break;  // all of them: nothing to tell apart
  }
  return found;
}

}  // namespace moe::cuda
