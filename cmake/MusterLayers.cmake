# Layering by link, checked at every configure: what the targets of each folder, and more strictly
# the cores, reach through their libraries. The include side is checked by tests/lint/lint.
function(muster_collect_links target result)
  set(seen ${${result}})
  if(target IN_LIST seen)
    return()
  endif()
  list(APPEND seen ${target})
  if(TARGET ${target})
    get_target_property(imported ${target} IMPORTED)
    foreach(property LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
      get_target_property(links ${target} ${property})
      foreach(link IN LISTS links)
        string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" link "${link}")
        # The files and flags that an allowed package consists of are its own affair; those that a
        # target of ours names are not.
        if(link AND NOT link MATCHES "^::@" AND (TARGET "${link}" OR NOT imported))
          muster_collect_links("${link}" seen)
        endif()
      endforeach()
    endforeach()
  endif()
  set(${result} ${seen} PARENT_SCOPE)
endfunction()

# Fails the configure step if `target` reaches anything that is not named.
function(muster_check_links target)
  set(reached)
  muster_collect_links(${target} reached)
  foreach(library IN LISTS reached)
    if(NOT library STREQUAL target AND NOT library IN_LIST ARGN)
      message(FATAL_ERROR "${target} must not link ${library}: the cores do no I/O")
    endif()
  endforeach()
endfunction()

set(MUSTER_CORE_MAY_LINK muster_options muster_common muster_model muster_aggregation
  protocol_messages checkpoint_retention tl::expected OpenSSL::Crypto PkgConfig::XXHASH nlohmann_json::nlohmann_json
  Threads::Threads)
foreach(core coordinator_core participant_core)
  muster_check_links(${core} ${MUSTER_CORE_MAY_LINK})
endforeach()

# What the targets of a folder may reach besides their own: folders, or single targets of one, as
# tests/lint/lint has it for includes. Packages are not judged here.
set(MUSTER_LAYERS common model protocol aggregation training checkpoint transport coordinator
  participant simulator cli)
set(MUSTER_LAYER_common)
set(MUSTER_LAYER_model common)
set(MUSTER_LAYER_protocol common model)
set(MUSTER_LAYER_aggregation common model protocol_messages)
set(MUSTER_LAYER_training common model)
set(MUSTER_LAYER_checkpoint common model protocol aggregation)
set(MUSTER_LAYER_transport common)
set(MUSTER_LAYER_coordinator
  common model protocol aggregation training checkpoint transport)
set(MUSTER_LAYER_participant ${MUSTER_LAYER_coordinator})
set(MUSTER_LAYER_simulator ${MUSTER_LAYER_coordinator} coordinator participant)
set(MUSTER_LAYER_cli ${MUSTER_LAYER_simulator} simulator)

# The folder of the root that a target of ours lies in; empty for a package.
function(muster_folder_of target result)
  set(folder)
  if(TARGET "${target}")
    get_target_property(imported "${target}" IMPORTED)
    get_target_property(directory "${target}" SOURCE_DIR)
    if(NOT imported)
      file(RELATIVE_PATH path "${MUSTER_LAYERS_ROOT}" "${directory}")
      string(REGEX REPLACE "/.*" "" folder "${path}")
    endif()
  endif()
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()

# All targets of a directory and of those below it.
function(muster_targets_below directory result)
  get_property(targets DIRECTORY "${directory}" PROPERTY BUILDSYSTEM_TARGETS)
  get_property(below DIRECTORY "${directory}" PROPERTY SUBDIRECTORIES)
  foreach(subdirectory IN LISTS below)
    muster_targets_below("${subdirectory}" more)
    list(APPEND targets ${more})
  endforeach()
  set(${result} "${targets}" PARENT_SCOPE)
endfunction()

# Fails the configure step if a target of `folder` reaches one of a folder that it may not.
function(muster_check_layer folder)
  muster_targets_below("${MUSTER_LAYERS_ROOT}/${folder}" targets)
  if(NOT targets)
    message(FATAL_ERROR "${folder}/ has no targets: its links were not checked")
  endif()
  foreach(target IN LISTS targets)
    set(reached)
    muster_collect_links(${target} reached)
    foreach(library IN LISTS reached)
      muster_folder_of("${library}" other)
      if(other AND NOT other STREQUAL folder AND NOT other IN_LIST MUSTER_LAYER_${folder}
         AND NOT library IN_LIST MUSTER_LAYER_${folder})
        message(FATAL_ERROR "${target} of ${folder}/ must not link ${library} of ${other}/: "
          "dependencies point one way")
      endif()
    endforeach()
  endforeach()
endfunction()

if(NOT MUSTER_LAYERS_ROOT)
  set(MUSTER_LAYERS_ROOT "${CMAKE_SOURCE_DIR}")
endif()
foreach(folder IN LISTS MUSTER_LAYERS)
  muster_check_layer(${folder})
endforeach()
