// The arena finds the plan's buffers in the caller's two regions, and nothing else.
#include "core/arena.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "moe/error.h"

namespace moe {
namespace {

using testing::HasSubstr;

Plan two_buffers() {
  Plan plan;
  plan.buffers = {
      {.name = "h", .region = Region::saved, .dtype = DType::bf16, .shape = {3, 8}, .offset = 64},
      {.name = "a", .region = Region::workspace, .shape = {2, 3, 4}, .offset = 128}};
  plan.saved_bytes = 128;
  plan.workspace_bytes = 256;
  return plan;
}

struct Regions {
  alignas(64) std::array<std::byte, 128> saved;
  alignas(64) std::array<std::byte, 256> workspace;
  Memory saved_memory() { return {saved.data(), saved.size()}; }
  Memory workspace_memory() { return {workspace.data(), workspace.size()}; }
};

/// The message of the Error that `work` throws.
template <class Work>
std::string message_of(const Work& work, ErrorKind kind) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(Arena, GivesEachBufferItsPlaceTypeAndShape) {
  const Plan plan = two_buffers();
  Regions regions;
  const Arena arena(plan, regions.saved_memory(), regions.workspace_memory());
  const TensorView h = arena["h"], a = arena["a"];
  EXPECT_EQ(h.data, regions.saved.data() + 64);
  EXPECT_EQ(h.dtype, DType::bf16);
  EXPECT_EQ(h.rank, 2);
  EXPECT_EQ(h.shape[0], 3);
  EXPECT_EQ(h.shape[1], 8);
  EXPECT_EQ(a.data, regions.workspace.data() + 128);
  EXPECT_EQ(a.size(), 24);
  EXPECT_EQ(static_cast<void*>(arena.get<float>("a")), a.data);
}

TEST(Arena, RefusesNamesThatThePlanLacks) {
  const Plan plan = two_buffers();
  Regions regions;
  const Arena arena(plan, regions.saved_memory(), regions.workspace_memory());
  EXPECT_TRUE(arena.has("h"));
  EXPECT_FALSE(arena.has("H"));
  const std::string message = message_of([&] { arena["y"]; }, ErrorKind::internal);
  EXPECT_THAT(message, HasSubstr("no buffer 'y'"));
}

TEST(Arena, RefusesRegionsThatAreTooSmall) {
  const Plan plan = two_buffers();
  Regions regions;
  Memory saved = regions.saved_memory(), workspace = regions.workspace_memory();
  saved.bytes -= 1;
  EXPECT_THAT(message_of([&] { Arena(plan, saved, workspace); }, ErrorKind::usage),
              HasSubstr("saved region is too small: 127 bytes given, 128 needed"));
  saved.bytes += 1;
  workspace.bytes -= 1;
  EXPECT_THAT(message_of([&] { Arena(plan, saved, workspace); }, ErrorKind::usage),
              HasSubstr("workspace region is too small: 255 bytes given, 256 needed"));
}

}  // namespace
}  // namespace moe
