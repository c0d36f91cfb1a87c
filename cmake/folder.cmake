# folder(NAME libs...): one library and one test executable per folder of src/. Every .cpp below the
# folder belongs to it; files named *_test.cpp are its unit tests.
function(folder name)
  set(root ${CMAKE_CURRENT_SOURCE_DIR}/src/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${root}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")

  if(sources)
    add_library(sallyport_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(sallyport_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(sallyport_${name} ${scope} ${CMAKE_CURRENT_SOURCE_DIR}/src)
  target_link_libraries(sallyport_${name} ${scope} ${ARGN})

  if(tests AND SALLYPORT_TESTS)
    find_package(GTest REQUIRED)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE sallyport_${name} GTest::gmock GTest::gtest_main)
    set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY
      ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
endfunction()
