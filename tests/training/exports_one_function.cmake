# cmake -DNM=nm -DLIBRARY=lib.so -P: fails unless the library defines one dynamic symbol, its entry.
execute_process(COMMAND ${NM} -D --defined-only ${LIBRARY}
  OUTPUT_VARIABLE listing RESULT_VARIABLE code OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${NM} cannot read ${LIBRARY}")
endif()
string(REGEX MATCHALL "[^\n]+" symbols "${listing}")
list(LENGTH symbols count)
if(NOT count EQUAL 1 OR NOT listing MATCHES " T MusterKernels[A-Za-z0-9]+$")
  message(FATAL_ERROR "${LIBRARY} exports ${count} symbols:\n${listing}")
endif()
