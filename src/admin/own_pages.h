// Which web pages may use the Admin API from a browser: those of admin_gui_url, of this machine,
// and of the host that the API itself is called by. Plain values; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::admin {

struct OwnPages {
  std::vector<std::string> gui_origins;  // of admin_gui_url: "https://host:port"
  std::string hostname;                  // of this machine
  // Nobody has said who may use the API (no tokens, not admin_allow_insecure): being on this
  // machine is all that lets a caller in.
  bool only_local = false;

  // True for a Host ("gw.test:8001", "[::1]:8001") that cannot have been made to lead here by
  // somebody else (DNS rebinding): an address, or a name of ours.
  bool may_be_called(std::string_view host) const;
  // The same, and true for names that no public name server can give out: "admin",
  // "admin.internal".
  bool may_be_called_locally(std::string_view host) const;
  // True for the Origin of a page of ours, asked of an API that was called by `host`.
  bool include(std::string_view origin, std::string_view host) const;

 private:
  bool has_name(const std::string& host) const;
};

// What a browser sends as Origin for each URL: "https://gui.example.com:8445" of
// "https://GUI.example.com:8445/manager", without path and default port, in lower case.
std::vector<std::string> origins_of(std::span<const std::string> urls);

}  // namespace sallyport::admin
