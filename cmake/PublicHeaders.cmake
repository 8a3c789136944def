# Copies the headers that the author of a strategy includes, and what those include, from MUSTER_HEADERS_FROM to
# MUSTER_HEADERS_TO. There they include each other as "muster/...": a project may have a common/error.h of its own.
cmake_policy(VERSION 3.25)
set(headers
  aggregation/mean_delta.h
  aggregation/ring.h
  aggregation/strategy_registry.h
  cli/command_line.h)

file(REMOVE_RECURSE "${MUSTER_HEADERS_TO}")
set(copied)
while(headers)
  list(POP_FRONT headers header)
  if(header IN_LIST copied)
    continue()
  endif()
  list(APPEND copied "${header}")
  file(READ "${MUSTER_HEADERS_FROM}/${header}" text)
  file(STRINGS "${MUSTER_HEADERS_FROM}/${header}" lines REGEX "^#include \"")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^#include \"([^\"]*)\".*$" "\\1" included "${line}")
    list(APPEND headers "${included}")
  endforeach()
  string(REGEX REPLACE "(\n#include \")" "\\1muster/" text "${text}")
  file(WRITE "${MUSTER_HEADERS_TO}/${header}" "${text}")
endwhile()
