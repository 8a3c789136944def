# `cmake --install`: the program; one static library of everything it is linked from, for programs that bring a
# strategy of their own; the kernels' shared libraries; the headers which the author of a strategy needs; and the
# package `muster`. Nothing installed names a folder of the machine that built it, but debug information where the
# build has some, and the whole may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(muster_reached)
muster_collect_links(muster muster_reached)
set(muster_objects)
set(muster_shared)
foreach(library IN LISTS muster_reached)
  if(TARGET "${library}")
    get_target_property(kind "${library}" TYPE)
    get_target_property(imported "${library}" IMPORTED)
    if(kind STREQUAL "STATIC_LIBRARY" AND NOT imported)
      list(APPEND muster_objects $<TARGET_OBJECTS:${library}>)
    elseif(kind STREQUAL "SHARED_LIBRARY" AND NOT imported)
      list(APPEND muster_shared ${library})
    endif()
  endif()
endforeach()

# What the objects need besides: stated here alone, as packages of headers only need not be there any more. The
# program that tests/install builds would not link if one were missing.
add_library(muster_archive STATIC ${muster_objects})
set_target_properties(muster_archive PROPERTIES LINKER_LANGUAGE CXX OUTPUT_NAME muster EXPORT_NAME muster)
target_include_directories(muster_archive INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_compile_features(muster_archive INTERFACE cxx_std_20)
# A strategy's arithmetic is part of the version format: the same bits under every compiler.
target_compile_options(muster_archive INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>
  $<$<COMPILE_LANGUAGE:CXX>:-fno-fast-math>)
target_link_libraries(muster_archive INTERFACE ${muster_shared} tl::expected fmt::fmt spdlog::spdlog
  RocksDB::rocksdb-shared PkgConfig::TOMLPP PkgConfig::ZMQ PkgConfig::XXHASH OpenSSL::Crypto ZLIB::ZLIB Threads::Threads)
if(MUSTER_SANITIZE)
  target_link_options(muster_archive INTERFACE -fsanitize=${MUSTER_SANITIZE})
endif()

file(RELATIVE_PATH muster_libraries_from_program
  "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
set_target_properties(muster PROPERTIES INSTALL_RPATH "$ORIGIN/${muster_libraries_from_program}")

install(TARGETS muster RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(TARGETS muster_archive ${muster_shared} EXPORT muster-targets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")

# The headers are found at each install, as they include each other then.
set(muster_public_headers "${CMAKE_CURRENT_BINARY_DIR}/public-headers")
install(CODE "
  set(MUSTER_HEADERS_FROM \"${CMAKE_SOURCE_DIR}\")
  set(MUSTER_HEADERS_TO \"${muster_public_headers}/muster\")
  include(\"${CMAKE_SOURCE_DIR}/cmake/PublicHeaders.cmake\")")
install(DIRECTORY "${muster_public_headers}/muster" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

set(muster_package "${CMAKE_INSTALL_LIBDIR}/cmake/muster")
install(EXPORT muster-targets NAMESPACE muster:: DESTINATION "${muster_package}")
configure_package_config_file(cmake/muster-config.cmake.in
  "${CMAKE_CURRENT_BINARY_DIR}/muster-config.cmake" INSTALL_DESTINATION "${muster_package}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/muster-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/muster-config.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/muster-config-version.cmake"
  DESTINATION "${muster_package}")
