// A run.json is refused with an error or read; what is read comes back the same when it is written
// and read again.
#include "fuzz/fuzz.h"
#include "record/json.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return moe::fuzz::run(data, size, [](const std::string& text) {
    using namespace moe::record;
    const std::string written = to_json(run_from_json(text, "run.json"));
    if (to_json(run_from_json(written, "run.json")) != written) {
      moe::fuzz::finding("writing and reading changed the run");
    }
  });
}
