# src/model/plugin_schemas/*.json -> one generated source that holds their texts, in the library of
# model/. The texts are raw literals: they must not contain the closing mark below.
file(GLOB schemas CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/model/plugin_schemas/*.json)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${schemas})
set(entries "")
foreach(schema ${schemas})
  file(READ ${schema} text)
  string(APPEND entries "    R\"schema(${text})schema\",\n")
endforeach()
set(source ${CMAKE_CURRENT_BINARY_DIR}/generated/plugin_schema_texts.cpp)
file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
#include "model/plugin_schema_texts.h"

namespace sallyport::model {

namespace {

constexpr std::string_view kTexts[] = {
@entries@};

}  // namespace

std::span<const std::string_view> plugin_schema_texts() {
  return kTexts;
}

}  // namespace sallyport::model
]])
target_sources(sallyport_model PRIVATE ${source})
