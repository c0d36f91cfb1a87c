#include "proxy/client_connection.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <sys/socket.h>

namespace sallyport::proxy {

std::optional<Peer> Peer::of_socket(int fd, const RealIp& real_ip) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  return of_address(net::SocketAddress::from(reinterpret_cast<sockaddr*>(&storage), size), real_ip);
}

Peer Peer::of_address(const net::SocketAddress& address, const RealIp& real_ip) {
  Peer peer;
  const auto ip = address.ip();
  const std::string text = ip ? ip->text() : "unix:";
  peer.size = static_cast<uint8_t>(std::min(text.size(), peer.text.size()));
  std::memcpy(peer.text.data(), text.data(), peer.size);
  peer.trusted = !real_ip.empty() && real_ip.trusts(ip);
  return peer;
}

void ConnectionList::add(ClientConnection& connection) {
  connection.next_ = first_;
  (first_ != nullptr ? first_->prev_ : last_) = &connection;
  first_ = &connection;
  ++size_;
}

void ConnectionList::remove(ClientConnection& connection) {
  --size_;
  (connection.prev_ != nullptr ? connection.prev_->next_ : first_) = connection.next_;
  (connection.next_ != nullptr ? connection.next_->prev_ : last_) = connection.prev_;
  if (hand_ == &connection) hand_ = connection.prev_;
}

}  // namespace sallyport::proxy
