#include "records.h"

#include <nanobind/stl/string.h>

#include <iterator>
#include <optional>

namespace nb = nanobind;

namespace longshort {
namespace {

// Names of a record and of a field, for messages.
struct Owner {
  const char* record;
  const char* field;

  nb::builtin_exception error(const std::string& what) const {
    return nb::value_error((std::string(record) + "." + field + ": " + what).c_str());
  }
};

nb::object field_of(nb::handle record, const Owner& owner) {
  if (!nb::hasattr(record, owner.field)) throw owner.error("the field is missing");
  return nb::getattr(record, owner.field);
}

template <class T>
void read_as(nb::handle from, T& to, const Owner& owner, const char* expected) {
  if (!nb::try_cast(from, to))
    throw owner.error(std::string(expected) + " is expected, got " + nb::repr(from).c_str());
}

void read(nb::handle from, Index& to, const Owner& owner) {
  read_as(from, to, owner, "a whole number of 64 bits");
}

void read(nb::handle from, double& to, const Owner& owner) {
  read_as(from, to, owner, "a number");
}

void read(nb::handle from, bool& to, const Owner& owner) {
  read_as(from, to, owner, "True or False");
}

void read(nb::handle from, Kind& to, const Owner& owner) {
  std::string name;
  read_as(from, name, owner, "a kind's name");
  for (std::size_t i = 0; i < std::size(kind_names); ++i)
    if (name == kind_names[i]) {
      to = Kind(i);
      return;
    }
  throw owner.error("no kind is called " + name);
}

void read(nb::handle from, Op& to, const Owner& owner) {
  std::string name;
  read_as(from, name, owner, "a row instruction's name");
  const std::optional<Op> found = find_op(name);
  if (!found) throw owner.error("no row instruction is called " + name);
  to = *found;
}

#define RECORD(name, ...)                                       \
  void read(nb::handle from, name& to, const Owner&) {          \
    constexpr const char* record = #name;                       \
    __VA_ARGS__                                                 \
  }
#define FIELD(type, name)                                       \
  {                                                             \
    const Owner owner{record, #name};                           \
    read(field_of(from, owner), to.name, owner);                \
  }
template <class T>
void read(nb::handle from, Sources<T>& to, const Owner& owner);
#include "record_table.h"

// Fewer than there may be are followed by places in no buffer.
template <class T>
void read(nb::handle from, Sources<T>& to, const Owner& owner) {
  const std::size_t count = nb::len(from);
  if (count > most_sources)
    throw owner.error("at most " + std::to_string(most_sources) + " are expected");
  for (std::size_t i = 0; i < most_sources; ++i) {
    to.of[i] = {-1, 0};
    if (i < count) read(from[i], to.of[i], owner);
  }
}

void read(nb::handle from, Stage& to, const Owner& owner) {
  to = {};
  to.is_product = nb::hasattr(from, "matrix");
  if (to.is_product)
    read(from, to.product, owner);
  else
    read(from, to.run, owner);
}

template <class T>
void read(nb::handle from, std::vector<T>& to, const Owner& owner) {
  for (nb::handle each : from) {
    T record;
    read(each, record, owner);
    to.push_back(record);
  }
}

}  // namespace

OwnedProgram read_program(nb::handle program) {
  OwnedProgram found;
  const auto owner = [](const char* field) { return Owner{"Program", field}; };
  read(field_of(program, owner("backward")), found.backward, owner("backward"));
  found.externals = Index(nb::len(field_of(program, owner("externals"))));
#define LIST(record, name) read(field_of(program, owner(#name)), found.name, owner(#name));
#include "record_table.h"
  return found;
}

std::map<std::string, std::vector<std::string>> record_fields() {
  return {
#define RECORD(name, ...) {#name, {__VA_ARGS__}},
#define FIELD(type, name) #name,
#include "record_table.h"
      {"Program",
       {
#define LIST(record, name) #name,
#include "record_table.h"
           "backward", "externals"}}};
}

}  // namespace longshort
