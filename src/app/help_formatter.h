// How --help looks: long descriptions wrap, and an option's line tells its name and value only.
// Set once on the program; sub-commands inherit it. Command line only.
#pragma once

#include <memory>

namespace CLI {
class FormatterBase;
}

namespace sallyport::app {

std::shared_ptr<CLI::FormatterBase> help_formatter();

}  // namespace sallyport::app
