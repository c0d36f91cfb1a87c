# Language level, warnings, linker and sanitizers for every target.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Sallyport is built with Clang 19 (apt-get install clang-19 lld-19); found "
    "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}. docs/adr/0001-clang-19.md says why.")
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

option(SALLYPORT_ASAN "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(SALLYPORT_TSAN "ThreadSanitizer" OFF)
option(SALLYPORT_FUZZ "Build the libFuzzer targets (implies SALLYPORT_ASAN's checks)" OFF)
option(SALLYPORT_TESTS "Build the unit tests" ON)

add_compile_options(-Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough
  -fno-omit-frame-pointer)
add_link_options(-fuse-ld=lld)
add_compile_definitions(SALLYPORT_VERSION="${PROJECT_VERSION}")

if(SALLYPORT_ASAN OR SALLYPORT_FUZZ)
  # vptr: fmt's buffers get their virtual table from the shared libfmt, which the check takes for
  # no object at all.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr
    -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()
if(SALLYPORT_TSAN)
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
endif()
if(SALLYPORT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-D_FORTIFY_SOURCE=2 -fstack-protector-strong)
  add_link_options(-Wl,-z,relro,-z,now)
  # A request passes through half a dozen of the folders' libraries, and through many small
  # functions of each. An archiver that does not know this compiler's bitcode cannot keep it.
  find_program(SALLYPORT_AR NAMES llvm-ar-19)
  find_program(SALLYPORT_RANLIB NAMES llvm-ranlib-19)
  if(SALLYPORT_AR AND SALLYPORT_RANLIB)
    set(CMAKE_AR ${SALLYPORT_AR})
    set(CMAKE_RANLIB ${SALLYPORT_RANLIB})
    add_compile_options(-flto=thin)
    add_link_options(-flto=thin -Wl,--thinlto-cache-dir=${CMAKE_BINARY_DIR}/lto)
  else()
    message(WARNING "Built without link-time optimisation, some 5 % slower: apt-get install llvm-19")
  endif()
endif()
