// The tables of checks, one a file of this folder; check.cpp joins them in the order of the walk.
#pragma once

#include <span>

#include "doctor/check.h"

namespace sallyport::doctor {

std::span<const Check> configuration_checks();
std::span<const Check> trust_file_checks();
std::span<const Check> client_file_checks();
std::span<const Check> client_key_checks();
std::span<const Check> revocation_file_checks();
std::span<const Check> network_checks();
std::span<const Check> tls_checks();
std::span<const Check> tls_version_checks();
std::span<const Check> chain_checks();
std::span<const Check> server_identity_checks();
std::span<const Check> client_certificate_checks();
std::span<const Check> session_checks();
std::span<const Check> database_checks();
std::span<const Check> server_checks();

}  // namespace sallyport::doctor
