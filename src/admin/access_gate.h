// Lets in whom the token file knows: `Authorization: Bearer TOKEN`, or `Kong-Admin-Token: TOKEN`,
// which Kong's tools can send. Asked by the workers before a request's body is read; any thread.
#pragma once

#include <memory>
#include <optional>

#include "admin/access_tokens.h"
#include "admin/own_pages.h"
#include "http/message.h"

namespace sallyport::admin {

class AccessGate {
 public:
  AccessGate(std::shared_ptr<AccessTokens> tokens, OwnPages pages)
      : tokens_(std::move(tokens)), pages_(std::move(pages)) {}

  // Nothing for somebody who may come in, and for a browser's preflight, which cannot carry a token
  // and learns nothing but methods. Otherwise 401.
  std::optional<http::BufferedResponse> refuse(const http::BufferedRequest& request) const;

 private:
  std::shared_ptr<AccessTokens> tokens_;
  OwnPages pages_;
};

}  // namespace sallyport::admin
