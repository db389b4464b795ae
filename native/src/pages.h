// Memory that is written once from end to end, as a tape is.
#pragma once

#include <cstddef>

namespace longshort {

// Asks the system for large pages, if it has any: memory that comes fresh from the system
// is handed out page by page, which takes as long for a tape as computing it. The content
// is undefined before and after.
void prefer_large_pages(void* memory, std::size_t bytes);

}  // namespace longshort
