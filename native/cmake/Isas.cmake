include(CheckCXXCompilerFlag)
include(CheckCXXSymbolExists)

# The instruction sets that this compiler can compile for, the best first. Each comes as a target
# longshort_isa_NAME that brings the flags and the definition LONGSHORT_ISA.
function(longshort_find_isas result)
  # Asking the preprocessor is right for cross-compiling and universal binaries too.
  check_cxx_symbol_exists(__x86_64__ cstddef LONGSHORT_ON_X86_64)
  check_cxx_symbol_exists(__aarch64__ cstddef LONGSHORT_ON_AARCH64)

  set(isas "")
  if(LONGSHORT_ON_X86_64)
    longshort_add_isa(avx512bf16 -march=x86-64-v4 -mavx512bf16)
    longshort_add_isa(avx512 -march=x86-64-v4)
    longshort_add_isa(avx2 -march=x86-64-v3)
  elseif(LONGSHORT_ON_AARCH64)
    longshort_add_isa(neon)
  endif()
  longshort_add_isa(generic)

  list(JOIN isas " " said)
  message(STATUS "longshort: kernels for ${said}")
  foreach(isa IN LISTS LONGSHORT_REQUIRE_ISAS)
    if(NOT isa IN_LIST isas)
      message(FATAL_ERROR "LONGSHORT_REQUIRE_ISAS names ${isa}; this compiler builds ${said}")
    endif()
  endforeach()
  set(${result} ${isas} PARENT_SCOPE)
endfunction()

macro(longshort_add_isa isa)
  check_cxx_compiler_flag("${ARGN}" LONGSHORT_BUILDS_${isa})
  if(LONGSHORT_BUILDS_${isa})
    list(APPEND isas ${isa})
    add_library(longshort_isa_${isa} INTERFACE)
    target_compile_options(longshort_isa_${isa} INTERFACE ${ARGN})
    target_compile_definitions(longshort_isa_${isa} INTERFACE LONGSHORT_ISA=${isa})
  endif()
endmacro()
