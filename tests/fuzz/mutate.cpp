// One function that picks a place and a change, repeated a few times.
#include "fuzz/mutate.h"

#include <algorithm>
#include <iterator>

namespace moe::fuzz {
namespace {

const std::string kStumblingBlocks[] = {"0",
                                        "-1",
                                        "1e999",
                                        "-0.0",
                                        "2.5",
                                        "2147483647",
                                        "2147483648",
                                        "9223372036854775807",
                                        "18446744073709551615",
                                        "1e-320",
                                        "nan",
                                        "inf",
                                        "true",
                                        "null",
                                        "\"\"",
                                        "[]",
                                        "{}",
                                        "[[[[[[[[",
                                        "\"\\u0000\"",
                                        "\"\\ud800\"",
                                        "\xff\xfe",
                                        "\xf0\x9f\x92\xa9",
                                        std::string(1, '\0'),
                                        "\n",
                                        "#",
                                        "=",
                                        ",",
                                        "\"",
                                        "}",
                                        "]",
                                        "1979-05-27",
                                        "0x7fffffffffffffff",
                                        "'''",
                                        "inf\n",
                                        "mixtral"};

std::size_t below(std::size_t end, std::mt19937_64& random) {
  return end == 0 ? 0 : random() % end;
}

void change_once(std::string& text, const std::string& other, std::mt19937_64& random) {
  const std::size_t at = below(text.size() + 1, random);
  const std::size_t length = below(std::min<std::size_t>(text.size() - at, 32) + 1, random);
  switch (random() % 7) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << (random() % 8)));
      break;
    case 1:
      if (at < text.size()) text[at] = static_cast<char>(random());
      break;
    case 2: text.insert(at, 1 + random() % 4, static_cast<char>(random())); break;
    case 3: text.erase(at, length); break;
    case 4: text.insert(at, std::string(text, at, length)); break;
    case 5: text.replace(at, length, other, below(other.size() + 1, random), length + 8); break;
    case 6:
      text.replace(at, random() % 2 == 0 ? 0 : length,
                   kStumblingBlocks[below(std::size(kStumblingBlocks), random)]);
      break;
  }
}

}  // namespace

std::string mutated(const std::vector<std::string>& corpus, std::size_t which, std::size_t max_size,
                    std::mt19937_64& random) {
  std::string text = corpus[which];
  for (std::size_t changes = 1 + random() % 8; changes > 0; --changes) {
    change_once(text, corpus[below(corpus.size(), random)], random);
  }
  if (text.size() > max_size) text.resize(max_size);
  return text;
}

}  // namespace moe::fuzz
