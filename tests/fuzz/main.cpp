// Runs a fuzz target without libFuzzer:
//
//   fuzz_NAME [--seconds N] [--seed N] FILE|FOLDER...
//
// Every file first, then N seconds of mutations of them. The input of the moment lies in
// ./fuzz_NAME.input before it is tried, so that it is there after any kind of death.
#include <sys/time.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "fuzz/fuzz.h"
#include "fuzz/mutate.h"

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxSize = 1 << 16;
constexpr int kHangSeconds = 10;  // of the processor, whatever else the machine does

struct Options {
  double seconds = 0;
  std::uint64_t seed = 1;
  std::vector<fs::path> places;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--seconds" && i + 1 < argc) {
      options.seconds = std::stod(argv[++i]);
    } else if (word == "--seed" && i + 1 < argc) {
      options.seed = std::stoull(argv[++i]);
    } else {
      options.places.emplace_back(word);
    }
  }
  return options;
}

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<fs::path> files_in(const std::vector<fs::path>& places) {
  std::vector<fs::path> files;
  for (const fs::path& place : places) {
    if (!fs::is_directory(place)) {
      files.push_back(place);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(place)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());  // the same seed tries the same inputs everywhere
  return files;
}

/// SIGPROF ends the process after so much work; 0 stops the clock.
void set_clock(int seconds) {
  const itimerval value = {{0, 0}, {seconds, 0}};
  setitimer(ITIMER_PROF, &value, nullptr);
}

void try_input(const std::string& input, const fs::path& kept) {
  std::ofstream(kept, std::ios::binary) << input;
  set_clock(kHangSeconds);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  set_clock(0);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  std::vector<std::string> corpus;
  for (const fs::path& file : files_in(options.places)) corpus.push_back(content_of(file));
  if (corpus.empty()) {
    std::cerr << "no corpus: name files or folders\n";
    return 2;
  }
  const fs::path kept = fs::path(argv[0]).filename().string() + ".input";
  for (const std::string& input : corpus) try_input(input, kept);

  std::mt19937_64 random(options.seed);
  const auto start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  std::size_t tries = 0;
  for (; seconds() < options.seconds; ++tries) {
    try_input(moe::fuzz::mutated(corpus, tries % corpus.size(), kMaxSize, random), kept);
  }
  fs::remove(kept);
  std::cout << corpus.size() << " inputs of the corpus, " << tries << " mutations, no finding\n";
  return 0;
}
