#include "pki/picture.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "pki/calendar.h"

namespace sallyport::pki {
namespace {

using Weight = Finding::Weight;

constexpr size_t kNobody = static_cast<size_t>(-1);
constexpr size_t kLabelWidth = 9;

class Drawing {
 public:
  explicit Drawing(const PictureOptions& options) : options_(options), style_(options.style) {}

  std::string draw(const Inventory& inventory) {
    find_parents(inventory.certificates);
    for (size_t i = 0; i < inventory.certificates.size(); ++i) {
      if (parents_[i] == kNobody) node(inventory.certificates, i, "", "");
    }
    for (const InventoryList& one : inventory.lists) list(one);
    for (const InventoryKey& one : inventory.keys) key(one);
    return std::move(out_);
  }

 private:
  void find_parents(const std::vector<InventoryCertificate>& all) {
    parents_.assign(all.size(), kNobody);
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i].certificate.info().self_signed) continue;
      for (size_t k = 0; k < all.size() && parents_[i] == kNobody; ++k) {
        if (k != i && all[i].certificate.issued_by(all[k].certificate) && !below(k, i)) {
          parents_[i] = k;
        }
      }
    }
  }

  // Whether `node` hangs below `other` already: authorities that sign each other make no tree.
  bool below(size_t node, size_t other) const {
    while (node != kNobody && node != other) node = parents_[node];
    return node == other;
  }

  std::vector<size_t> children_of(size_t parent) const {
    std::vector<size_t> out;
    for (size_t i = 0; i < parents_.size(); ++i) {
      if (parents_[i] == parent) out.push_back(i);
    }
    return out;
  }

  // `first` stands before the node's first line, `rest` before all others.
  void node(const std::vector<InventoryCertificate>& all, size_t index, const std::string& first,
            const std::string& rest) {
    const InventoryCertificate& one = all[index];
    const CertificateInfo& info = one.certificate.info();
    std::vector<size_t> children = children_of(index);
    std::string where = one.asked_for ? text::join(one.files, ", ") : "not in this file";
    std::string subject = info.subject.empty() ? "(no subject)" : info.subject;
    out_ += first + style_.paint(Colour::bold, printable(subject)) +
            (where.empty() ? "" : "  " + style_.paint(Colour::dim, where)) + "\n";
    std::string inner = rest + (children.empty() ? "    " : bar());
    details(one, inner);
    if (parents_[index] == kNobody && !info.self_signed) {
      field(inner, "signed by", printable(info.issuer) + " (not in this file)");
    }
    for (const Finding& finding : one.findings) this->finding(inner, finding);
    for (size_t i = 0; i < children.size(); ++i) {
      bool last = i + 1 == children.size();
      out_ += rest + (style_.line_drawing ? "│\n" : "|\n");
      node(all, children[i], rest + branch(last), rest + (last ? "    " : bar()));
    }
    if (rest.empty()) out_ += "\n";
  }

  std::string bar() const { return style_.line_drawing ? "│   " : "|   "; }
  std::string branch(bool last) const {
    if (!style_.line_drawing) return last ? "`-- " : "+-- ";
    return last ? "└── " : "├── ";
  }

  void field(const std::string& indent, std::string_view label, std::string_view value) {
    out_ += indent + style_.paint(Colour::dim, fmt::format("{:<{}} ", label, kLabelWidth)) +
            std::string(value) + "\n";
  }

  // Words that are too many for a line go on the next.
  void wrapped(const std::string& indent, std::string_view label,
               const std::vector<std::string>& words) {
    size_t room = static_cast<size_t>(style_.columns) - std::min<size_t>(30, indent.size() + 12);
    std::string line;
    for (size_t i = 0; i < words.size(); ++i) {
      std::string word = printable(words[i]) + (i + 1 < words.size() ? "," : "");
      if (!line.empty() && line.size() + 1 + word.size() > room) {
        field(indent, label, line);
        label = "";
        line.clear();
      }
      if (!line.empty()) line += ' ';
      line += word;
    }
    if (!line.empty()) field(indent, label, line);
  }

  void details(const InventoryCertificate& one, const std::string& indent) {
    const CertificateInfo& info = one.certificate.info();
    if (!info.ca || one.purpose != Purpose::any) {
      std::vector<std::string> names = info.names();
      bool from_cn = info.dns_names.empty() && info.ip_addresses.empty();
      if (from_cn && !names.empty() && one.purpose == Purpose::server) {
        names.front() += " (CN only)";
      }
      if (!from_cn || one.purpose == Purpose::server) wrapped(indent, "names", names);
    }
    field(indent, "valid",
          fmt::format("{} to {}, {}", date(info.not_before), date(info.not_after),
                      time_left(info, options_)));
    field(indent, "key", fmt::format("{}, signed with {}", info.key, info.signature_algorithm));
    std::string purpose = info.purpose();
    if (info.ca && info.path_length >= 0) {
      purpose += fmt::format(", path length {}", info.path_length);
    }
    field(indent, "purpose", purpose);
    if (!options_.long_form) return;
    field(indent, "serial", info.serial);
    if (!info.key_usage.empty()) wrapped(indent, "usage", info.key_usage);
    if (!info.subject_key_id.empty()) field(indent, "key id", info.subject_key_id);
    if (!info.authority_key_id.empty()) field(indent, "issuer id", info.authority_key_id);
    if (!info.other_names.empty()) wrapped(indent, "also", info.other_names);
    field(indent, "sha256", info.sha256);
    field(indent, "version", std::to_string(info.version));
  }

  void finding(const std::string& indent, const Finding& one) {
    if (one.weight == Weight::note && !options_.long_form) return;
    Colour colour = one.weight == Weight::fault     ? Colour::red
                    : one.weight == Weight::warning ? Colour::yellow
                                                    : Colour::dim;
    std::string_view mark = one.weight == Weight::fault  ? "x"
                            : one.weight == Weight::note ? "-"
                                                         : "!";
    out_ += indent + style_.paint(colour, printable(fmt::format("{} {}", mark, one.text)));
    if (!one.remedy.empty()) out_ += style_.paint(Colour::dim, fmt::format("  [{}]", one.remedy));
    out_ += "\n";
  }

  void list(const InventoryList& one) {
    std::vector<RevokedCertificate> revoked = one.list.revoked();
    out_ += style_.paint(Colour::bold, printable("Revocation list of " + one.list.issuer())) +
            "  " + style_.paint(Colour::dim, text::join(one.files, ", ")) + "\n";
    field("    ", "number", std::to_string(one.list.number()));
    std::string until =
        one.list.next_update() == 0 ? "no end named" : date_and_time(one.list.next_update());
    field("    ", "valid", fmt::format("{} to {}", date_and_time(one.list.last_update()), until));
    if (revoked.empty()) field("    ", "revoked", "none");
    for (const RevokedCertificate& entry : revoked) {
      field("    ", "revoked",
            fmt::format("{}  {}{}", entry.serial, date(entry.revoked_at),
                        entry.reason.empty() ? "" : "  " + entry.reason));
    }
    for (const Finding& finding : one.findings) this->finding("    ", finding);
    out_ += "\n";
  }

  void key(const InventoryKey& one) {
    std::string kind = one.encrypted ? "encrypted" : one.kind.empty() ? "unreadable" : one.kind;
    out_ += fmt::format("{}  {}\n", style_.paint(Colour::bold, "Key " + one.file),
                        style_.paint(Colour::dim, fmt::format("{}, mode {:04o}", kind, one.mode)));
    for (const Finding& finding : one.findings) this->finding("    ", finding);
  }

  const PictureOptions& options_;
  const TextStyle& style_;
  std::vector<size_t> parents_;
  std::string out_;
};

}  // namespace

std::string picture(const Inventory& inventory, const PictureOptions& options) {
  return Drawing(options).draw(inventory);
}

std::string picture(const std::vector<Certificate>& chain, const PictureOptions& options) {
  Inventory inventory;
  for (const Certificate& one : chain) {
    inventory.certificates.push_back({one, {}, false, true, purpose_of(one.info(), ""), {}});
  }
  return picture(inventory, options);
}

std::string time_left(const CertificateInfo& info, const PictureOptions& options) {
  int64_t days = info.days_left(options.now);
  auto plural = [](int64_t n) { return n == 1 ? "" : "s"; };
  if (info.not_before > options.now) {
    return options.style.paint(Colour::red, "not valid yet");
  }
  if (days < 0) {
    return options.style.paint(Colour::red,
                               fmt::format("expired {} day{} ago", -days, plural(-days)));
  }
  Colour colour = days < kExpiryWarningDays ? Colour::yellow : Colour::green;
  return options.style.paint(colour, fmt::format("{} day{} left", days, plural(days)));
}

}  // namespace sallyport::pki
