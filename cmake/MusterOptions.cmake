# Compiler options that every target of ours shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(MUSTER_BUILD_BENCH "Build the benchmarks" OFF)
option(MUSTER_BUILD_FUZZ "Build the fuzz targets (clang only)" OFF)
set(MUSTER_SANITIZE "" CACHE STRING "Value for -fsanitize=, empty for none")

# The sloppiness is what ccache asks for where headers are precompiled. With the base directory a fresh clone
# finds what another one compiled; where debug information is made ccache counts the folder in by itself.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}"
    CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()

# -ffp-contract=off: what the server computes has the same bits under every compiler and -march.
# -fmacro-prefix-map: what is installed names no folder of the machine that built it.
add_library(muster_options INTERFACE)
target_compile_options(muster_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -Werror
  -Wno-missing-field-initializers  # Designated initialisers leave the rest to the defaults.
  -ffp-contract=off -fno-fast-math "-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=")
target_include_directories(muster_options INTERFACE "${CMAKE_SOURCE_DIR}")
if(MUSTER_SANITIZE)
  target_compile_options(muster_options INTERFACE -fsanitize=${MUSTER_SANITIZE}
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(muster_options INTERFACE -fsanitize=${MUSTER_SANITIZE})
endif()
# Nobody replaces a function of ours while a program is loaded: the compiler may inline what it knows, though the
# objects of a library are position independent.
set(MUSTER_LIBRARY_OPTIONS -fno-semantic-interposition)
# A test's own lines are not worth the optimiser's time, a quarter of what a test takes to compile.
set(MUSTER_TEST_OPTIONS $<$<CONFIG:Release>:-O1>)

# GCC collects garbage while it compiles; no source of ours is large enough to need it.
add_compile_options("$<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=1000000>")
