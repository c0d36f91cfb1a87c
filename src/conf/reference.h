// The documents that are made from the table of directives and kept in the repository. A test holds
// them up to date; `sallyport generate DIR` writes them anew.
#pragma once

#include <string>

namespace sallyport::conf {

// sallyport.conf.default: every key, commented out, with its default and its description.
std::string default_file();

// docs/configuration.md.
std::string reference_page();

}  // namespace sallyport::conf
