#include "doctor/checks/wording.h"

#include <cstdlib>

#include <fmt/format.h>

#include "base/text.h"
#include "pki/calendar.h"

namespace sallyport::doctor {

std::string counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string label(const pki::CertificateInfo& info) {
  if (!info.common_name.empty()) return info.common_name;
  return info.subject.empty() ? "(no name)" : info.subject;
}

std::string label_of_name(std::string_view name) {
  for (std::string_view part : text::split(name, ',')) {
    if (part.starts_with("CN=")) return std::string(part.substr(3));
  }
  return std::string(name);
}

std::string days_from(int64_t when, int64_t now) {
  constexpr int64_t kDay = 86400;
  int64_t days = std::abs(when - now) / kDay;
  if (days == 0) return when >= now ? "within a day" : "today";
  return when >= now ? "in " + counted(static_cast<size_t>(days), "day")
                     : counted(static_cast<size_t>(days), "day") + " ago";
}

std::string validity_of(const pki::CertificateInfo& info, int64_t now) {
  if (info.not_before > now) {
    return fmt::format("not valid before {}, {}", date(info.not_before),
                       days_from(info.not_before, now));
  }
  if (info.not_after < now) {
    return fmt::format("expired {}, {}", date(info.not_after), days_from(info.not_after, now));
  }
  return fmt::format("until {}, {} left", date(info.not_after),
                     counted(static_cast<size_t>(info.days_left(now)), "day"));
}

void report_form(const pki::CertificateInfo& info, pki::Purpose purpose, int64_t now,
                 Findings& out) {
  for (const pki::Finding& finding : pki::findings(info, purpose, now)) {
    if (finding.id == "expired" || finding.id == "expires_soon" || finding.id == "not_yet_valid" ||
        finding.id == "wrong_purpose" || finding.weight == pki::Finding::Weight::note) {
      continue;  // other checks say it
    }
    out.warn(label(info), finding.text, {}, finding.remedy);
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  constexpr size_t kMost = 12;
  if (parts.size() <= kMost) return text::join(parts, separator);
  return fmt::format("{}{}and {} more", text::join(std::span(parts).first(kMost), separator),
                     separator, parts.size() - kMost);
}

}  // namespace sallyport::doctor
