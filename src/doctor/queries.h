// Asks an open session about the server: every question on its own, so that one that the role may
// not ask costs nothing but its answer. Blocking; the session's deadlines bound every question.
#pragma once

#include "doctor/evidence.h"
#include "postgres/connection.h"

namespace sallyport::doctor {

ServerFacts ask_server(postgres::Connection& connection);

}  // namespace sallyport::doctor
