# How every target of the project is declared: warnings are errors, includes start at the root,
# and a target links only what it includes itself (a hygiene test checks the layers).

if(UNFOLD_SANITIZE OR CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  set(UNFOLD_INSTRUMENTED ON)
else()
  set(UNFOLD_INSTRUMENTED OFF)
endif()

set(as_errors $<$<BOOL:${UNFOLD_WARNINGS_ARE_ERRORS}>:-Werror>)
set(cuda_as_errors $<$<BOOL:${UNFOLD_WARNINGS_ARE_ERRORS}>:-Werror=all-warnings>)
add_library(unfold_warnings INTERFACE)
target_compile_options(unfold_warnings INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wconversion;-Wshadow;${as_errors};-pthread>"
  # Flow warnings of g++ 12 that are wrong inside libstdc++ once its headers are precompiled; the
  # sanitizer build looks for what they look for.
  "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>"
  "$<$<COMPILE_LANGUAGE:CUDA>:${cuda_as_errors};-Xcompiler=-Wall,-Wextra>")

# For code that need not be fast and takes long to compile: the tests' own, and the command line.
set(UNFOLD_LIGHT_OPTIMISATION -O1)
if(UNFOLD_INSTRUMENTED)
  set(UNFOLD_LIGHT_OPTIMISATION -O0)
endif()

# Half of a compile is reading headers. Libraries of small sources compile several of them TOGETHER;
# the others, and the tests, take over headers precompiled once. No source may lean on either
# (hygiene.headers_compile_alone). Code for libraries (PIC) and programs (PIE) can't share one.
set(UNFOLD_COMMON_HEADERS
  <algorithm> <array> <atomic> <chrono> <cmath> <complex> <cstdint> <cstring> <deque> <filesystem> <fstream> <functional>
  <limits> <map> <memory> <mutex> <numeric> <optional> <random> <set> <span> <sstream> <stdexcept> <string> <string_view>
  <thread> <unordered_map> <utility> <variant> <vector>)
if(UNFOLD_SERVICE)
  list(APPEND UNFOLD_COMMON_HEADERS
    <absl/status/status.h> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/strings/str_format.h> <absl/strings/str_join.h>)
endif()

# unfold_precompiled_headers(): the targets that precompile; after find_package. g++ can't take over
# what was precompiled at another level of optimisation.
function(unfold_precompiled_headers)
  set(empty ${PROJECT_BINARY_DIR}/generated/precompiled.cc)
  file(CONFIGURE OUTPUT ${empty} CONTENT "int main() { return 0; }\n")
  set(statusor $<$<BOOL:${UNFOLD_SERVICE}>:absl::statusor>)
  add_library(unfold_library_headers OBJECT ${empty})
  target_precompile_headers(unfold_library_headers PRIVATE ${UNFOLD_COMMON_HEADERS})
  target_link_libraries(unfold_library_headers PRIVATE unfold_warnings ${statusor})
  if(UNFOLD_TESTS)
    foreach(headers unfold_test_headers unfold_fast_test_headers)
      add_executable(${headers} ${empty})
      target_precompile_headers(${headers} PRIVATE ${UNFOLD_COMMON_HEADERS} <gmock/gmock.h> <gtest/gtest.h>)
      target_link_libraries(${headers} PRIVATE unfold_warnings GTest::gmock GTest::gtest ${statusor})
    endforeach()
    target_compile_options(unfold_test_headers PRIVATE ${UNFOLD_LIGHT_OPTIMISATION})
  endif()
endfunction()

# unfold_library(NAME SOURCES a.cc ... [DEPS public ...] [PRIVATE_DEPS ...] [TOGETHER] [PRECOMPILE <h> ...])
# Without SOURCES the library is header only. TOGETHER: its sources have no two file-local names alike.
# PRECOMPILE: more headers that most of its sources include.
function(unfold_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TOGETHER" "" "SOURCES;DEPS;PRIVATE_DEPS;PRECOMPILE")
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE ${arg_PRIVATE_DEPS} unfold_warnings)
    if(arg_TOGETHER)
      set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    elseif(arg_PRECOMPILE)
      target_precompile_headers(${name} PRIVATE ${UNFOLD_COMMON_HEADERS} ${arg_PRECOMPILE})
    else()
      target_precompile_headers(${name} REUSE_FROM unfold_library_headers)
    endif()
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${arg_DEPS})
  endif()
endfunction()

# unfold_program(NAME SOURCES ... DEPS ...): an executable in build/bin, installed; its package has its
# name (deploy/CMakeLists.txt).
function(unfold_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} unfold_warnings)
  install(TARGETS ${name} RUNTIME DESTINATION bin COMPONENT ${name})
endfunction()

# What the sanitizer builds build: every test program labelled `unit`, and not `cli`; and those labelled
# `kernels`, by area (the folder's name).
add_custom_target(unit_tests)
foreach(area extraction imaging spi nufft compute)
  add_custom_target(kernels_tests.${area})
endforeach()

# unfold_discover(NAME LABELS ... [PROPERTIES name value ...] [HOW ...]): a program's TESTs as CTest tests; HOW is
# passed on. CMake's own function loses all that follows a list of labels, so these are set once its tests are known.
function(unfold_discover name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LABELS;PROPERTIES;HOW")
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST ${arg_HOW}
    PROPERTIES ${arg_PROPERTIES} SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
  set(tests ${name}_TESTS)
  if("TEST_LIST" IN_LIST arg_HOW)
    list(FIND arg_HOW TEST_LIST at)
    math(EXPR at "${at} + 1")
    list(GET arg_HOW ${at} tests)
  endif()
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${tests}_labels.cmake)
  file(CONFIGURE OUTPUT ${file} @ONLY
    CONTENT "if(@tests@)\n  set_tests_properties(\${@tests@} PROPERTIES LABELS \"@arg_LABELS@\")\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${file})
endfunction()

# unfold_test(NAME SOURCES ... DEPS ... [LABELS ...] [TIMEOUT seconds] [COST seconds])
# A GoogleTest program; each TEST becomes a CTest test, and a skipped one shows as skipped. COST: where
# it is minutes, so that it starts first.
function(unfold_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT;COST" "SOURCES;DEPS;LABELS")
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(NOT arg_COST)
    set(arg_COST 0)
  endif()
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE
    UNFOLD_SOURCE_DIR="${PROJECT_SOURCE_DIR}" UNFOLD_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  target_link_libraries(${name} PRIVATE ${arg_DEPS} GTest::gmock GTest::gtest_main unfold_warnings)
  if("physics" IN_LIST arg_LABELS OR "kernels" IN_LIST arg_LABELS)
    target_precompile_headers(${name} REUSE_FROM unfold_fast_test_headers)
  else()
    target_precompile_headers(${name} REUSE_FROM unfold_test_headers)
    target_compile_options(${name} PRIVATE ${UNFOLD_LIGHT_OPTIMISATION})
  endif()
  if("unit" IN_LIST arg_LABELS AND NOT "cli" IN_LIST arg_LABELS)
    add_dependencies(unit_tests ${name})
  elseif("kernels" IN_LIST arg_LABELS)
    get_filename_component(area ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    string(REPLACE kernels extraction area ${area})  # tests/workers/kernels itself
    add_dependencies(kernels_tests.${area} ${name})
  endif()
  unfold_discover(${name} LABELS ${arg_LABELS} PROPERTIES TIMEOUT ${arg_TIMEOUT} COST ${arg_COST})
endfunction()

# unfold_isa_kernels(NAME NAMESPACE unfold::x HEADER dispatch.h [MANY])
# An object library of kernels_{v2,v3,v4}.cc (x86-64) or kernels_baseline.cc (elsewhere) of this
# folder. Each defines NAMESPACE::LEVEL::kTable, a KernelTable; generates the source of
# NAMESPACE::kernels(Isa), which HEADER declares. Sets NAME_SOURCES: what a library adds to its own.
# Contraction (fused multiply-add) is allowed and nothing else that changes a result; errno and
# traps are never read. MANY: so many instances that a sanitizer build takes minutes; it looks at
# addresses only, lightly optimised.
function(unfold_isa_kernels name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "MANY" "NAMESPACE;HEADER" "")
  set(optimise -O3)
  if(arg_MANY AND UNFOLD_INSTRUMENTED)
    set(optimise -O1)
    if(UNFOLD_SANITIZE)
      list(APPEND optimise -fno-sanitize=undefined)
    endif()
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    set(levels v2 v3 v4)
  else()
    set(levels baseline)
  endif()
  set(UNFOLD_ISA_NAMESPACE ${arg_NAMESPACE})
  set(UNFOLD_ISA_HEADER ${arg_HEADER})
  set(UNFOLD_ISA_TABLES "")
  set(UNFOLD_ISA_CASES "")
  set(sources "")
  foreach(level ${levels})
    set(march "")
    if(NOT level STREQUAL "baseline")
      set(march "-march=x86-64-${level}")
    endif()
    string(SUBSTRING ${level} 0 1 first)
    string(TOUPPER ${first} first)
    string(SUBSTRING ${level} 1 -1 rest)
    string(APPEND UNFOLD_ISA_TABLES "namespace ${level} {\nextern const KernelTable kTable;\n}\n")
    string(APPEND UNFOLD_ISA_CASES "    case compute::Isa::k${first}${rest}:\n      return ${level}::kTable;\n")
    list(APPEND sources kernels_${level}.cc)
    set_source_files_properties(kernels_${level}.cc PROPERTIES
      COMPILE_OPTIONS "${optimise};-ffp-contract=fast;-fno-math-errno;-fno-trapping-math;${march}")
  endforeach()
  configure_file(${PROJECT_SOURCE_DIR}/common/cmake/isa_dispatch.cc.in ${CMAKE_CURRENT_BINARY_DIR}/isa_dispatch.cc @ONLY)
  add_library(${name} OBJECT ${sources})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE unfold_warnings)
  set(${name}_SOURCES ${CMAKE_CURRENT_BINARY_DIR}/isa_dispatch.cc $<TARGET_OBJECTS:${name}> PARENT_SCOPE)
endfunction()
