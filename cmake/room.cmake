# moe_room(NAME SOURCES a.cpp ... [PUBLIC targets] [PRIVATE targets]): a static library target moe_NAME
# (alias moe::NAME) with the project's warnings. moe_test(NAME SOURCES ... LINK ...): a GoogleTest program;
# PREFIX p: its tests are called p... where another program has tests of the same names.
find_package(OpenMP REQUIRED)

function(moe_compile_options target)
  # -Wrestrict: false alarms on std::string in GCC 12 (GCC bug 105651).
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wno-missing-field-initializers
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
    $<$<BOOL:${MOE_WERROR}>:-Werror>)
endfunction()

function(moe_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(moe_${name} STATIC ${ARG_SOURCES})
  add_library(moe::${name} ALIAS moe_${name})
  target_include_directories(moe_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(moe_${name} PUBLIC moe_api ${ARG_PUBLIC} PRIVATE OpenMP::OpenMP_CXX ${ARG_PRIVATE})
  moe_compile_options(moe_${name})
endfunction()

function(moe_test name)
  cmake_parse_arguments(ARG "" "PREFIX" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES})
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE ${ARG_LINK} OpenMP::OpenMP_CXX GTest::gmock GTest::gtest_main)
  target_compile_definitions(test_${name} PRIVATE MOE_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}")
  moe_compile_options(test_${name})
  if(NOT ARG_LABELS)
    set(ARG_LABELS cpu)
  endif()
  gtest_discover_tests(test_${name} TEST_PREFIX "${ARG_PREFIX}" NO_PRETTY_VALUES
                       PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 300 DISCOVERY_TIMEOUT 60)
endfunction()
