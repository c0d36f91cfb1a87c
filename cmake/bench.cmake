# tests/bench/X_bench.cpp -> Google Benchmark executable X_bench, built by `make bench` only. Its
# first line names the folder libraries it needs:  // bench: router model
file(GLOB benches CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/tests/bench/*_bench.cpp)
if(benches)
  find_package(benchmark QUIET)
endif()
if(benchmark_FOUND)
  foreach(source ${benches})
    get_filename_component(target ${source} NAME_WE)
    file(STRINGS ${source} uses LIMIT_COUNT 1 REGEX "^// bench: ")
    string(REGEX REPLACE "^// bench: " "" uses "${uses}")
    separate_arguments(uses)
    list(TRANSFORM uses PREPEND sallyport_)
    add_executable(${target} EXCLUDE_FROM_ALL ${source})
    target_link_libraries(${target} PRIVATE ${uses} benchmark::benchmark_main)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  endforeach()
endif()

# Both ends of `make bench` (tests/bench/run).
add_executable(wire EXCLUDE_FROM_ALL tests/bench/peers/wire.cpp)
target_link_libraries(wire PRIVATE PkgConfig::LIBURING)
set_target_properties(wire PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
