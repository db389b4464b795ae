# A weak function whose name does not belong to the instruction set may be the copy that the linker
# keeps for all of them.
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND ${NM} --demangle --defined-only ${object}
    OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[0-9a-f]+ W [^\n]+" shared "${symbols}")
  list(FILTER shared EXCLUDE REGEX "longshort::${ISA}::")
  if(shared)
    list(JOIN shared "\n" shared)
    message(FATAL_ERROR "${object} shares\n${shared}")
  endif()
endforeach()
