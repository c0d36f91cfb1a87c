#include "postgres/testing/scratch_server.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "postgres/migrations/migrator.h"

namespace sallyport::postgres::testing {
namespace {

constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin";

void shell(const std::string& command) {
  if (std::system(command.c_str()) == 0) return;
  fmt::print(stderr, "failed: {}\n", command);
  std::abort();
}

// PostgreSQL refuses to run as root.
std::string as_owner(const std::string& command) {
  return ::geteuid() == 0 ? "runuser -u postgres -- " + command : command;
}

uint16_t free_port() {
  int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  bool bound = ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
  ::close(fd);
  if (!bound) std::abort();
  return ntohs(address.sin_port);
}

}  // namespace

ScratchServer& ScratchServer::instance() {
  static ScratchServer server;
  return server;
}

ScratchServer::ScratchServer() : port_(free_port()) {
  char name[] = "/tmp/sallyport-test-XXXXXX";
  if (!::mkdtemp(name)) std::abort();
  directory_ = name;
  if (::geteuid() == 0) shell("chown postgres " + directory_);
  shell(
      as_owner(fmt::format("{}/initdb -D {}/data -U postgres -A trust -N -E UTF8 --no-locale "
                           ">{}/initdb.log 2>&1",
                           kPrograms, directory_, directory_)));
  start();
}

ScratchServer::~ScratchServer() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void ScratchServer::control(const std::string& verb) const {
  shell(as_owner(fmt::format("{}/pg_ctl -D {}/data -s -w {}", kPrograms, directory_, verb)));
}

void ScratchServer::start() {
  control(
      fmt::format("-l {0}/server.log -o '-p {1} -h 127.0.0.1 -k {0} -F' start", directory_, port_));
}

void ScratchServer::stop() {
  control("-m immediate stop");
}

LinkSettings ScratchServer::settings(const std::string& database, const std::string& role) const {
  LinkSettings settings;
  settings.hosts = {"127.0.0.1"};
  settings.port = port_;
  settings.user = role;
  settings.database = database;
  return settings;
}

LinkSettings ScratchServer::create(const std::string& from) {
  std::string name = fmt::format("test{}", ++databases_);
  Connection connection = connect(settings("postgres"));
  must(connection, fmt::format("CREATE DATABASE {} TEMPLATE {}", name, from));
  return settings(name);
}

LinkSettings ScratchServer::new_database() {
  return create("template0");
}

LinkSettings ScratchServer::new_gateway_database() {
  if (!has_template_) {
    Connection maintenance = connect(settings("postgres"));
    must(maintenance, "CREATE DATABASE gateway");
    Connection connection = connect(settings("gateway"));
    Migrator migrator(connection, Milliseconds(5000), [](const std::string&) {});
    if (!migrator.bootstrap("")) std::abort();
    has_template_ = true;
  }
  return create("gateway");
}

Connection connect(const LinkSettings& settings) {
  auto connection = Connection::open(settings);
  if (connection) return std::move(*connection);
  fmt::print(stderr, "cannot connect: {}\n", connection.error().text());
  std::abort();
}

Rows must(Connection& connection, const std::string& sql) {
  auto rows = connection.query(sql);
  if (rows) return *rows;
  fmt::print(stderr, "{}\n{}\n", sql, rows.error().text());
  std::abort();
}

}  // namespace sallyport::postgres::testing
