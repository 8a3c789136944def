// What CMake compiles so that MusterPrecompiled.cmake's headers have a target to belong to.
