// A .npy file is refused with an error or read as integers or as floats, as many as its shape says.
#include "fuzz/fuzz.h"
#include "record/npy_reader.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return moe::fuzz::run(data, size, [](const std::string& text) {
    const moe::record::NpyArray array = moe::record::parse_npy(text, "array.npy");
    const bool is_float = array.type[1] == 'f';
    const std::size_t values = is_float ? array.floats().size() : array.integers().size();
    std::size_t wanted = 1;
    for (const std::int64_t dim : array.shape) wanted *= static_cast<std::size_t>(dim);
    if (values != wanted) moe::fuzz::finding("another number of values than the shape says");
  });
}
