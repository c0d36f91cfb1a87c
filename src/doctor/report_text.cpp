// The report as text: one line for what is good, more for what is not.
#include <fmt/format.h>

#include "base/text.h"
#include "doctor/report.h"

namespace sallyport::doctor {
namespace {

Colour colour_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return Colour::green;
    case Verdict::warn:
      return Colour::yellow;
    case Verdict::fail:
      return Colour::red;
    case Verdict::skipped:
      break;
  }
  return Colour::dim;
}

std::string mark(Verdict verdict, const TextStyle& style) {
  std::string_view text;
  if (style.line_drawing) {
    constexpr std::string_view kMarks[] = {"✓   ", "!   ", "✗   ", "·   "};
    text = kMarks[static_cast<size_t>(verdict)];
  } else {
    constexpr std::string_view kWords[] = {"ok  ", "WARN", "FAIL", "-   "};
    text = kWords[static_cast<size_t>(verdict)];
  }
  return style.paint(colour_of(verdict), text);
}

// Names in certificates and words of servers may hold anything: what would steer a terminal (C0,
// DEL and the UTF-8 form of C1) becomes a question mark.
std::string harmless(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) ++i;
    out += c1 || byte < 0x20 || byte == 0x7f ? '?' : text[i];
  }
  return out;
}

// `text` broken between words; every line but the first starts with `indent` blanks. A pipe gets
// long lines: they are easier to search.
std::string wrap(std::string_view raw, size_t indent, const TextStyle& style) {
  std::string text = harmless(raw);
  size_t width = style.colour || style.line_drawing ? static_cast<size_t>(style.columns) : 0;
  if (width <= indent + 20) return text;
  std::string out;
  size_t column = indent;
  for (std::string_view word : text::split(text, ' ')) {
    if (column > indent && column + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!out.empty()) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

void append(const Finding& finding, const TextStyle& style, std::string& out) {
  constexpr size_t kIndent = 8;
  std::string line = finding.subject.empty()    ? finding.evidence
                     : finding.evidence.empty() ? finding.subject
                                                : finding.subject + ": " + finding.evidence;
  std::string id = style.paint(Colour::bold, finding.check);
  std::string rest = wrap(line, kIndent, style);
  out += fmt::format("  {} {}  {}\n", mark(finding.verdict, style), id, rest);
  if (finding.verdict == Verdict::ok) return;
  if (!finding.cause.empty())
    out += fmt::format("        {}\n", wrap(finding.cause, kIndent, style));
  if (!finding.remedy.empty()) {
    out += fmt::format("        {} {}\n", style.paint(Colour::cyan, "do:"),
                       wrap(finding.remedy, kIndent + 4, style));
  }
}

void append_skipped(const Finding& finding, const std::string& ids, const TextStyle& style,
                    std::string& out) {
  std::string line =
      finding.subject.empty() ? finding.evidence : finding.subject + ": " + finding.evidence;
  out += fmt::format("  {} {}\n", mark(finding.verdict, style),
                     style.paint(Colour::dim, wrap(ids + "  " + line, 8, style)));
}

// Checks that were skipped in a row for the same reason share a line.
void append_findings(const std::vector<Finding>& findings, const TextStyle& style,
                     std::string& out) {
  for (size_t i = 0; i < findings.size(); ++i) {
    const Finding& finding = findings[i];
    if (i == 0 || findings[i - 1].stage != finding.stage) {
      out += fmt::format("\n{}\n", style.paint(Colour::bold, title(finding.stage)));
    }
    auto same = [&](const Finding& other) {
      return other.verdict == Verdict::skipped && other.stage == finding.stage &&
             other.evidence == finding.evidence && other.subject == finding.subject;
    };
    if (finding.verdict != Verdict::skipped) {
      append(finding, style, out);
      continue;
    }
    std::string ids(finding.check);
    while (i + 1 < findings.size() && same(findings[i + 1])) {
      ids += fmt::format(", {}", findings[++i].check);
    }
    append_skipped(finding, ids, style, out);
  }
}

void append(const ChainPicture& picture, const TextStyle& style, std::string& out) {
  out += fmt::format("\n{}\n", style.paint(Colour::bold, "The chain of " + harmless(picture.host)));
  for (size_t depth = 0; depth < picture.lines.size(); ++depth) {
    const PictureLine& line = picture.lines[depth];
    std::string branch = depth == 0 ? "" : style.line_drawing ? "└─ " : "`- ";
    std::string indent(2 + (depth == 0 ? 0 : (depth - 1) * 3), ' ');
    out += fmt::format("{}{}{}  {}, {}\n", indent, branch,
                       style.paint(colour_of(line.verdict), harmless(line.name)), line.detail,
                       style.paint(Colour::dim, line.from));
  }
}

std::string headline(const Report& report, const TextStyle& style) {
  if (report.connected) {
    size_t warnings = report.count(Verdict::warn);
    std::string how = report.encrypted ? "CONNECTED as demanded" : "CONNECTED in plain text";
    return style.paint(report.encrypted ? Colour::green : Colour::yellow, how) +
           (warnings == 0 ? ""
                          : fmt::format(", with {} warning{}", warnings, warnings == 1 ? "" : "s"));
  }
  return style.paint(Colour::red, report.bad_configuration ? "BAD CONFIGURATION" : "NOT CONNECTED");
}

}  // namespace

std::string render_text(const Report& report, const TextStyle& style) {
  std::string out =
      fmt::format("sallyport doctor: {}{}\n",
                  report.configuration.empty() ? "defaults and environment" : report.configuration,
                  report.link.empty() ? "" : " -> " + report.link);
  append_findings(report.findings, style, out);
  for (const ChainPicture& picture : report.chains) append(picture, style, out);
  out += "\n" + headline(report, style) + "\n";
  if (!report.connected) {
    out += fmt::format("  why: {} ({})\n", wrap(report.reason, 7, style), report.reason_check);
    if (!report.remedy.empty()) out += fmt::format("  do:  {}\n", wrap(report.remedy, 7, style));
  }
  out += style.paint(Colour::dim,
                     fmt::format("{} ok, {} warnings, {} failures, {} skipped; sallyport doctor "
                                 "--explain ID tells more about a check",
                                 report.count(Verdict::ok), report.count(Verdict::warn),
                                 report.count(Verdict::fail), report.count(Verdict::skipped)));
  return out + "\n";
}

std::string explain(const Check& check, const TextStyle& style) {
  TextStyle wrapped = style;
  wrapped.line_drawing = true;  // prose is always wrapped
  return fmt::format("{}  ({})\n{}\n\n{}\n", style.paint(Colour::bold, check.id),
                     title(check.stage), check.title, wrap(check.explanation, 0, wrapped));
}

std::string explain_list(const TextStyle& style) {
  std::string out;
  const Check* previous = nullptr;
  for (const Check& check : checks()) {
    if (previous == nullptr || previous->stage != check.stage) {
      out += fmt::format("{}{}\n", previous == nullptr ? "" : "\n",
                         style.paint(Colour::bold, title(check.stage)));
    }
    out += fmt::format("  {:<26} {}\n", check.id, check.title);
    previous = &check;
  }
  return out;
}

std::string checks_as_markdown() {
  std::string out = "| check | step | what is looked at |\n| --- | --- | --- |\n";
  for (const Check& check : checks()) {
    out += fmt::format("| `{}` | {} | {} |\n", check.id, title(check.stage), check.title);
  }
  return out;
}

}  // namespace sallyport::doctor
