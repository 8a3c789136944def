# The headers that nearly every source reads, compiled once: the standard library's for the libraries,
# and with them GoogleTest's for the tests. They hold nothing of ours and no heavy package, so no
# edit of ours compiles them again, and the layers stay what the sources' own includes say.
#
# With precompiled headers a source that lacks an include compiles all the same. The preset `clang`
# has MUSTER_PCH off: there it does not.
option(MUSTER_PCH "Precompile the standard library's and GoogleTest's headers" ON)

set(MUSTER_STD_HEADERS
  <algorithm> <array> <atomic> <bit> <charconv> <chrono> <cmath> <condition_variable> <cstddef>
  <cstdint> <cstdio> <cstdlib> <cstring> <deque> <functional> <limits> <map> <memory> <mutex>
  <optional> <set> <span> <stop_token> <string> <string_view> <thread> <utility> <variant> <vector>)

if(MUSTER_PCH)
  # Objects are compiled as libraries are and programs as programs are (-fPIC, -fPIE): a precompiled
  # header serves one of the two, hence one each.
  add_library(muster_std_pch OBJECT "${CMAKE_SOURCE_DIR}/cmake/precompiled.cpp")
  target_link_libraries(muster_std_pch PRIVATE muster_options)
  target_compile_options(muster_std_pch PRIVATE ${MUSTER_LIBRARY_OPTIONS})
  target_precompile_headers(muster_std_pch PRIVATE ${MUSTER_STD_HEADERS})

  add_executable(muster_test_pch EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/cmake/precompiled.cpp")
  target_link_libraries(muster_test_pch PRIVATE muster_options GTest::gtest GTest::gmock
    GTest::gtest_main)
  target_precompile_headers(muster_test_pch PRIVATE ${MUSTER_STD_HEADERS}
    <filesystem> <fstream> <gmock/gmock.h> <gtest/gtest.h>)
  target_compile_options(muster_test_pch PRIVATE ${MUSTER_TEST_OPTIONS})
endif()

# muster_precompile(TARGET std|test): the target's sources read the precompiled headers first.
# GCC 12 gives false warnings on std::string where its header is precompiled (GCC bugs 105329 and
# 105651); the builds without show the true ones.
function(muster_precompile target headers)
  if(MUSTER_PCH)
    target_precompile_headers(${target} REUSE_FROM muster_${headers}_pch)
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>
      $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>
      $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread>)
  endif()
endfunction()
