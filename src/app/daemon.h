// Running something in the background, with an exit code of the parent that tells the truth: it
// stays until the child says that it is up, or why not.
#pragma once

#include <functional>
#include <string>

namespace sallyport::app {

// Told once by the work: "" when it is up, otherwise what went wrong.
using Report = std::function<void(const std::string&)>;
// Returns the exit code.
using Work = std::function<int(const Report&)>;

// Forks; call before any thread is started. Prints `started` and returns 0 when the child is up.
int run_daemon(const Work& work, const std::string& started);

// The same in this process; a failure is printed on standard error.
int run_foreground(const Work& work);

}  // namespace sallyport::app
