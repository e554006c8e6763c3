// ordered_json keeps the order of fields.
#include "record/document.h"

#include <nlohmann/json.hpp>

namespace moe::record {
namespace {

using Json = nlohmann::ordered_json;

void add(Json& object, const Fields& fields) {
  for (const auto& [name, value] : fields) {
    std::visit([&, &key = name](const auto& held) { object[key] = held; }, value);
  }
}

}  // namespace

std::string to_json(const Document& document) {
  Json root = Json::object();
  add(root, document.head);
  for (const auto& [name, rows] : document.lists) {
    Json list = Json::array();
    for (const Fields& fields : rows) {
      Json object = Json::object();
      add(object, fields);
      list.push_back(std::move(object));
    }
    root[name] = std::move(list);
  }
  return root.dump(2) + "\n";
}

}  // namespace moe::record
