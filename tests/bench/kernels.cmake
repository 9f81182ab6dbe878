add_executable(kernels_bench kernels_bench.cc)
set_target_properties(kernels_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
target_link_libraries(kernels_bench PRIVATE unfold_extraction unfold_formats PkgConfig::cfitsio
  nlohmann_json::nlohmann_json unfold_warnings)
target_include_directories(kernels_bench PRIVATE ${PROJECT_SOURCE_DIR})
add_executable(imaging_bench imaging_bench.cc)
set_target_properties(imaging_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
target_link_libraries(imaging_bench PRIVATE unfold_imaging_operators unfold_compute unfold_sky
  nlohmann_json::nlohmann_json unfold_warnings)
target_include_directories(imaging_bench PRIVATE ${PROJECT_SOURCE_DIR})
add_executable(nufft_bench nufft_bench.cc)
set_target_properties(nufft_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
target_link_libraries(nufft_bench PRIVATE unfold_nufft nlohmann_json::nlohmann_json ${CMAKE_DL_LIBS} unfold_warnings)
target_include_directories(nufft_bench PRIVATE ${PROJECT_SOURCE_DIR})
