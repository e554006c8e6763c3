// A .npy file is refused with an error or read; its values come out as integers or as floats.
#include "record/npy_reader.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return moe::fuzz::run(data, size, [](const std::string& bytes) {
    const moe::record::NpyArray array = moe::record::parse_npy(bytes, "fuzz.npy");
    if (array.data.size() > bytes.size()) moe::fuzz::finding("more data than the file has");
    try {
      array.integers();
    } catch (const moe::Error&) {
      array.floats();
    }
  });
}
