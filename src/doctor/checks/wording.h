// Words that several tables of checks share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "doctor/check.h"
#include "pki/calendar.h"
#include "pki/certificate.h"
#include "pki/findings.h"

namespace sallyport::doctor {

using pki::date;  // "2031-02-28"

std::string counted(size_t count, std::string_view noun);  // "1 certificate", "3 certificates"

// The CN, or the subject, or "(no name)".
std::string label(const pki::CertificateInfo& info);

// The CN in an RFC 2253 name, or the whole name.
std::string label_of_name(std::string_view name);

// "2027-03-01, 34 days left", "expired 2021-01-01, 1700 days ago", "not valid before 2045-01-01".
std::string validity_of(const pki::CertificateInfo& info, int64_t now);

// "in 34 days", "3 days ago", "today".
std::string days_from(int64_t when, int64_t now);

// Warns of what is wrong with the form of a certificate (version, names, usage, strength), not of
// its dates.
void report_form(const pki::CertificateInfo& info, pki::Purpose purpose, int64_t now,
                 Findings& out);

// The parts in a row; of a long list, which a hostile server may send, the first dozen.
std::string join(const std::vector<std::string>& parts, std::string_view separator = ", ");

}  // namespace sallyport::doctor
