# Sets `obstacle`: what keeps the native part from being built here; empty if nothing does.

include(CheckCXXSourceCompiles)
include(CheckLanguage)

set(obstacle "")
if(NOT LONGSHORT_NATIVE)
  set(obstacle "LONGSHORT_NATIVE=OFF was given when longshort was installed")
  return()
endif()

check_language(CXX)
if(NOT CMAKE_CXX_COMPILER)
  set(obstacle "no working C++ compiler was found when longshort was installed")
  return()
endif()
enable_language(CXX)

# By trial, because compilers accept the flag long before they have the language. It is given by
# hand: with CMAKE_CXX_STANDARD, CMake would stop at a compiler that it knows to be too old.
set(CMAKE_REQUIRED_FLAGS -std=c++20)
check_cxx_source_compiles(
  "#include <bit>
   #include <concepts>
   #include <span>
   static_assert(__cplusplus >= 202002L);
   int main() {}"
  LONGSHORT_HAS_CXX20)
unset(CMAKE_REQUIRED_FLAGS)
if(NOT LONGSHORT_HAS_CXX20)
  string(CONCAT obstacle
    "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}, the C++ compiler found when longshort "
    "was installed, does not know C++20; GCC 11 and Clang 12 do")
  return()
endif()

if(SKBUILD)
  find_package(Python 3.11 COMPONENTS Interpreter Development.Module ${SKBUILD_SABI_COMPONENT})
  if(NOT Python_Development.Module_FOUND)
    set(obstacle "the headers of Python were not found when longshort was installed")
  endif()
endif()
