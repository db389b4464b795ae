// Programs as Python has them, read by the names of their fields.
#pragma once

#include <nanobind/nanobind.h>

#include <map>
#include <string>
#include <vector>

#include "checked.h"

namespace longshort {

// Raises ValueError, which names record and field, where one is missing or of another type.
OwnedProgram read_program(nanobind::handle program);

// The fields that are read of each record, and of the program.
std::map<std::string, std::vector<std::string>> record_fields();

}  // namespace longshort
