# How every target of the house is made: one library per floor, one test program per floor.

add_library(holt_options INTERFACE)
target_compile_features(holt_options INTERFACE cxx_std_20)
target_compile_options(holt_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
                                              -fvisibility=hidden -fno-plt)
# At -O2 GCC 12 sees uninitialised strings in moved std::variants and endless or overlapping ones that are
# not there. The other presets and clang keep these warnings.
target_compile_options(
  holt_options INTERFACE "$<$<AND:$<CONFIG:Release>,$<CXX_COMPILER_ID:GNU>>:-Wno-maybe-uninitialized;-Wno-stringop-overread;-Wno-stringop-overflow;-Wno-restrict>")
target_include_directories(holt_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_definitions(
  holt_options INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_USE_STD_STRING_VIEW
                         HOLT_VERSION="${PROJECT_VERSION}")

if(HOLT_SANITIZER STREQUAL "asan")
  # null: CAF 0.17 binds a null reference in init_fun_factory.hpp.
  set(_sanitize -fsanitize=address,undefined -fno-sanitize=null -fno-sanitize-recover=undefined
                -fno-omit-frame-pointer)
  target_compile_definitions(holt_options INTERFACE HOLT_SANITIZED)
elseif(HOLT_SANITIZER STREQUAL "tsan")
  set(_sanitize -fsanitize=thread)
  target_compile_definitions(holt_options INTERFACE HOLT_SANITIZED)
endif()
target_compile_options(holt_options INTERFACE ${_sanitize})
target_link_options(holt_options INTERFACE ${_sanitize})

# holt_library(floor [DEPENDS target...] [PCH header...] [PCH_OF floor]): the static library of one
# folder, with precompiled headers of its own or those of another floor.
# All .cpp files of the folder except main.cpp belong to it.
function(holt_library floor)
  cmake_parse_arguments(arg "" "PCH_OF" "DEPENDS;PCH" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/${floor}/*.cpp")
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(NOT sources)
    add_library(holt_${floor} INTERFACE)
    target_link_libraries(holt_${floor} INTERFACE holt_options ${arg_DEPENDS})
    return()
  endif()
  add_library(holt_${floor} STATIC ${sources})
  target_link_libraries(holt_${floor} PUBLIC holt_options ${arg_DEPENDS})
  if(arg_PCH)
    target_precompile_headers(holt_${floor} PRIVATE ${arg_PCH})
  elseif(arg_PCH_OF)
    target_precompile_headers(holt_${floor} REUSE_FROM holt_${arg_PCH_OF})
  endif()
endfunction()

# The tests' own code is not optimised, what it tests is: CAF's checks are large, and a seventh of the
# time that they take to compile (a fifth with the sanitizers) went into that.
set(holt_test_options $<$<CONFIG:Debug>:-O0>)

# holt_tests(floor [DEPENDS target...]): tests/<floor>/*_test.cpp as one program; CTest runs every
# test of it in a process of its own.
function(holt_tests floor)
  cmake_parse_arguments(arg "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/${floor}/*.cpp")
  list(FILTER sources EXCLUDE REGEX "_fuzz\\.cpp$")
  if(NOT sources)
    return()
  endif()
  set(program ${floor}_tests)
  add_executable(${program} ${sources})
  target_link_libraries(${program} PRIVATE holt_options holt_test_main ${arg_DEPENDS})
  target_precompile_headers(${program} REUSE_FROM holt_test_main)
  target_compile_options(${program} PRIVATE ${holt_test_options})
  set(listing "${CMAKE_CURRENT_BINARY_DIR}/${program}.ctest.cmake")
  add_custom_command(
    TARGET ${program}
    POST_BUILD
    COMMAND "${CMAKE_COMMAND}" -D "EXE=$<TARGET_FILE:${program}>" -D "OUT=${listing}" -D
            "FLOOR=${floor}" -P "${CMAKE_SOURCE_DIR}/cmake/discover_tests.cmake"
    BYPRODUCTS "${listing}"
    VERBATIM)
  file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/${program}.include.cmake"
       "if(EXISTS \"${listing}\")\n  include(\"${listing}\")\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES
                                         "${CMAKE_CURRENT_BINARY_DIR}/${program}.include.cmake")
endfunction()
