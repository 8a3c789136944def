# Layering by link, checked at every configure: what a core reaches through its libraries. The
# include side is checked by tests/lint/lint.
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
  protocol_messages tl::expected OpenSSL::Crypto PkgConfig::XXHASH nlohmann_json::nlohmann_json
  Threads::Threads)
foreach(core coordinator_core participant_core)
  muster_check_links(${core} ${MUSTER_CORE_MAY_LINK})
endforeach()
