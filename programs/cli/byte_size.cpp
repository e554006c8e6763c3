// A number, then one of ten units.
#include "cli/byte_size.h"

#include <map>

#include "moe/error.h"

namespace moe::programs {

std::int64_t parse_bytes(const std::string& text) {
  static const std::map<std::string, double> kUnits = {{"", 1},
                                                       {"B", 1},
                                                       {"KB", 1e3},
                                                       {"MB", 1e6},
                                                       {"GB", 1e9},
                                                       {"TB", 1e12},
                                                       {"KiB", 1024.0},
                                                       {"MiB", 1048576.0},
                                                       {"GiB", 1073741824.0},
                                                       {"TiB", 1099511627776.0}};
  std::size_t used = 0;
  double number = -1;
  try {
    number = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  std::string unit = text.substr(used);
  unit.erase(0, unit.find_first_not_of(' ') == std::string::npos ? unit.size()
                                                                 : unit.find_first_not_of(' '));
  const auto factor = kUnits.find(unit);
  if (used == 0 || !(number >= 0) || number > 9e18 || factor == kUnits.end() ||
      number * factor->second > 9e18) {
    throw Error(ErrorKind::usage, "'" + text + "' is not a size", "",
                "write it as 8GiB, 500MB or 1024");
  }
  return static_cast<std::int64_t>(number * factor->second);
}

}  // namespace moe::programs
