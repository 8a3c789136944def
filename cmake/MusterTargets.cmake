# Sources of one target share nearly all they read: several compiled as one take a third of the time.
# Whoever edits one at a time has it off (preset `dev`); `clang` too, so that each is compiled alone somewhere.
option(MUSTER_UNITY "Compile several sources of a test program or a large library together" ON)
set(MUSTER_TOGETHER 8)
function(muster_together name)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${MUSTER_UNITY} UNITY_BUILD_BATCH_SIZE ${MUSTER_TOGETHER})
endfunction()

# muster_library(NAME [TOGETHER] SOURCES a.cpp ... DEPS public... PRIVATE_DEPS heavy...)
# One static library of ours. Heavy packages (Eigen, RocksDB, cereal, ZeroMQ) belong in PRIVATE_DEPS.
# TOGETHER: no name that is local to one source is in another.
function(muster_library name)
  cmake_parse_arguments(ARG "TOGETHER" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC muster_options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  target_compile_options(${name} PRIVATE ${MUSTER_LIBRARY_OPTIONS})
  muster_precompile(${name} std)
  if(ARG_TOGETHER)
    muster_together(${name})
  endif()
endfunction()

# muster_hot_source(FILE) of this folder: compiled with -O1 under a sanitizer too, whose builds have -O0. For the few
# that most of the tests' time there goes through.
function(muster_hot_source file)
  if(MUSTER_SANITIZE)
    set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS -O1 SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()

# muster_test(NAME SOURCES a_test.cpp ... DEPS ... [LABELS unit|simulator|process])
# One GoogleTest program; every TEST in it is one ctest case. Label `unit` (default) runs under sanitizers in CI,
# which builds the target `unit_tests` alone there.
include(GoogleTest)
add_custom_target(unit_tests)
function(muster_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE muster_options ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE MUSTER_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_compile_options(${name} PRIVATE ${MUSTER_TEST_OPTIONS})
  muster_precompile(${name} test)
  if("unit" IN_LIST ARG_LABELS)
    add_dependencies(unit_tests ${name})
  endif()
  if(NOT "process" IN_LIST ARG_LABELS)
    muster_together(${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()
