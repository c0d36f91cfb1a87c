"""What the gateway is to reach, as the table that tests/bench/table prints: a row a measure, with the figure for
each back end, its target, and the peers' own figures beside it."""

BACKENDS = ("io_uring", "epoll")


def at_most(limit):
    return lambda value: value <= limit, f"≤ {limit:g}"


def at_least(limit):
    return lambda value: value >= limit, f"≥ {limit:g}"


def ratio(section, field, of):
    return lambda r, b: r[section][b][field] / r[section][of.replace("@", b)][field]


def of_better(section, field):
    return lambda r, b: r[section][b][field] / min(r[section][peer][field] for peer in ("nginx", "haproxy"))


def router(entry, field, unit=1):
    return lambda r, b: r["router"][entry][field] / unit


def units(section, field):
    def text(r):
        unit = {"cpu_us": " us", "p50_us": " us", "p99_us": " us", "rps": "/s"}[field]
        return ", ".join(f"{peer} {m[field]:,.{0 if field == 'rps' else 1}f}{unit}" for peer, m in r[section].items())
    return text


def bytes_of(section):
    return lambda r: ", ".join(f"{peer} {size:,.0f} B" for peer, size in r[section].items())


def both(test):
    return {"io_uring": test, "epoll": test}


# Section, measure, how the figure is found, the targets, and what stands beside it.
ROWS = [
    ("1k", "CPU per request, of nginx", ratio("1k", "cpu_us", "nginx"),
     {"io_uring": at_most(0.35), "epoll": at_most(0.62)}, units("1k", "cpu_us")),
    ("1k", "CPU per request, of HAProxy", ratio("1k", "cpu_us", "haproxy"),
     {"io_uring": at_most(0.40), "epoll": at_most(0.70)}, None),
    ("1k", "requests/s where the proxy is the limit, of nginx", ratio("1k", "rps", "nginx"),
     {"io_uring": at_least(2.5), "epoll": at_least(1.6)}, units("1k", "rps")),
    ("1k", "requests/s, share of the bare relay", ratio("1k", "rps", "relay_@"), both(at_least(0.9)), None),
    ("tls 1k", "TLS 1.3, CPU per request, of nginx", ratio("tls 1k", "cpu_us", "nginx"),
     {"io_uring": at_most(0.50), "epoll": at_most(0.85)}, units("tls 1k", "cpu_us")),
    ("64k", "64 KiB, CPU per request, of HAProxy", ratio("64k", "cpu_us", "haproxy"),
     {"io_uring": at_most(0.40), "epoll": at_most(0.70)}, units("64k", "cpu_us")),
    ("1m", "1 MiB, CPU per request, of HAProxy", ratio("1m", "cpu_us", "haproxy"),
     {"io_uring": at_most(0.40), "epoll": at_most(0.70)}, units("1m", "cpu_us")),
    ("1 connection", "1 connection, p50, of nginx", ratio("1 connection", "p50_us", "nginx"), both(at_most(1)),
     units("1 connection", "p50_us")),
    ("1 connection", "1 connection, p99, of nginx", ratio("1 connection", "p99_us", "nginx"), both(at_most(1)),
     units("1 connection", "p99_us")),
    ("8 connections", "8 connections, p50, of nginx", ratio("8 connections", "p50_us", "nginx"), both(at_most(1)),
     units("8 connections", "p50_us")),
    ("8 connections", "8 connections, p99, of nginx", ratio("8 connections", "p99_us", "nginx"), both(at_most(1)),
     units("8 connections", "p99_us")),
    ("idle", "bytes of an idle connection, plain", lambda r, b: r["idle"][b], both(at_most(1024)), bytes_of("idle")),
    ("tls idle", "bytes of an idle connection, TLS", lambda r, b: r["tls idle"][b], both(at_most(16384)),
     bytes_of("tls idle")),
    ("h2 1k", "HTTP/2, CPU per request, of the better peer", of_better("h2 1k", "cpu_us"), both(at_most(0.7)),
     units("h2 1k", "cpu_us")),
    ("busy", "one route of 10,000, two targets, access log; CPU, of one plain route",
     lambda r, b: r["busy"][f"busy_{b}"]["cpu_us"] / r["busy"][b]["cpu_us"], both(at_most(1.1)), units("busy", "cpu_us")),
    ("workers", "two workers, of one: by CPU per request, two gateways that share nothing being 2",
     lambda r, b: 2 * r["workers"][f"{b}_apart"]["cpu_us"] / r["workers"][f"{b}_workers"]["cpu_us"], both(at_least(1.9)),
     units("workers", "cpu_us")),
]
ROUTER_ROWS = [
    *((f"match among 100,000 routes, median, {flavor} (ns)", router(f"match/100000/{i}", "p50_ns"), at_most(1000))
      for i, flavor in enumerate(("traditional_compatible", "traditional", "expressions"))),
    *((f"build of 100,000 routes, {flavor} (ms of CPU)", router(f"build/100000/{i}", "cpu_time"), at_most(300))
      for i, flavor in enumerate(("traditional_compatible", "traditional", "expressions"))),
    ("one route of 100,000 changes (ms of CPU)", router("change_one/100000", "cpu_time"), at_most(10)),
    ("match while 700 routes stand beside, median (ns)", router("match_beside/100000", "p50_ns"), at_most(1000)),
    ("the worst hostile regular expression (ms)",
     lambda r, b: next(e["worst_ms"] for name, e in r["router"].items() if name.startswith("hostile")), at_most(10)),
]


def cell(value, target):
    holds, limit = target
    text = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return f"{f'**{text}**' if holds(value) else text + ' ✗'} ({limit})"


def print_table(results):
    lines = ["| measure | io_uring (target) | epoll (target) | side by side |", "| --- | --- | --- | --- |"]
    for section, name, value, targets, beside in ROWS:
        if section not in results:
            continue
        cells = [cell(value(results, b), targets[b]) for b in BACKENDS]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} | {beside(results) if beside else ''} |")
    if "router" in results:
        lines += ["", "| router | figure (target) |", "| --- | --- |"]
        lines += [f"| {name} | {cell(value(results, None), target)} |" for name, value, target in ROUTER_ROWS]
    errors = sum(m["errors"] for section in results.values() if isinstance(section, dict)
                 for m in section.values() if isinstance(m, dict) and "errors" in m)
    lines += ["", f"{results['rounds']} rounds of {results['seconds']:g} s each, medians; {errors} errors."]
    text = "\n".join(lines) + "\n"
    print("\n" + text)
    return text
